"""The folder of a one-machine installation: its secrets and the record of what runs."""

import json
import os
import secrets
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from handbell.platform.settings import Settings

SECRETS: Final = ("ENCRYPTION_KEY", "LOOKUP_KEY", "WEBHOOK_SECRET", "JWT_SECRET", "METRICS_TOKEN")


def open_home(home: Path) -> Path:
    """Make the folder if it is new, readable by its owner only."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return home.resolve()


def secrets_of(home: Path) -> dict[str, str]:
    """The installation's secrets as `HANDBELL_*` variables; made once, then kept.

    A value in the environment wins, so that an operator can bring keys of his own.
    """
    path = home / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in SECRETS if f"HANDBELL_{name}" not in kept]
    if missing:
        kept |= {f"HANDBELL_{name}": secrets.token_urlsafe(32) for name in missing}
        write_private(path, json.dumps(kept, indent=2))
    return {name: os.environ.get(name, value) for name, value in kept.items()}


def installed(settings: Settings) -> Settings:
    """The settings, completed from the home that `handbell up` keeps on this machine.

    A database in the environment is an installation of its own: then the home is not asked.
    """
    record = settings.home / "run.json"
    if settings.database_url or not record.is_file():
        return settings
    own = {
        name.removeprefix("HANDBELL_").lower(): SecretStr(value)
        for name, value in secrets_of(settings.home).items()
    }
    database_url = json.loads(record.read_text())["database_url"]
    return settings.model_copy(update={**own, "database_url": database_url})


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, all of it or nothing."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    draft.replace(path)
