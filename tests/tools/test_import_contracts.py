"""The contracts in `.importlinter` break on the arrows they forbid.

Each case is a small package of its own called `handbell`, checked with the project's file.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("entrypoints", "messages", "consent", "preferences", "channels", "sandbox", "platform")
LAYERS = "A domain imports only from the rows below it"
SHARED = "The sandbox and the demo share nothing with the product but the platform"
PURE = "Policies and types import no I/O library"
LIGHT = "Heavy libraries never reach a running process"


def contracts(folder: Path, files: dict[str, str]) -> str:
    """Run lint-imports on a package made of `files`; its report."""
    package = folder / "handbell"
    for part in PARTS:
        (package / part).mkdir(parents=True, exist_ok=True)
        (package / part / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "platform/db.py").touch()
    for path, text in files.items():
        (package / path).write_text(text)
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--config", ROOT / ".importlinter", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_arrows_that_point_down_are_kept(tmp_path: Path) -> None:
    report = contracts(
        tmp_path,
        {
            "messages/service.py": "import handbell.consent\nimport handbell.platform.db\n",
            "sandbox/app.py": "import handbell.platform.db\nimport fastapi\n",
            "messages/policy.py": "import datetime\n",
        },
    )
    assert "4 kept, 0 broken" in report


@pytest.mark.parametrize(
    ("path", "text", "broken"),
    [
        ("consent/service.py", "import handbell.messages", LAYERS),
        ("consent/service.py", "import handbell.preferences", LAYERS),
        ("sandbox/app.py", "import handbell.channels", SHARED),
        ("channels/types.py", "from sqlalchemy import select", PURE),
        ("messages/policy.py", "import redis", PURE),
        ("entrypoints/api.py", "import numpy", LIGHT),
    ],
)
def test_a_forbidden_arrow_breaks_its_contract(
    tmp_path: Path, path: str, text: str, broken: str
) -> None:
    assert f"{broken} BROKEN" in contracts(tmp_path, {path: f"{text}\n"})


def test_a_heavy_library_behind_a_domain_is_found_too(tmp_path: Path) -> None:
    files = {
        "channels/service.py": "import scipy\n",
        "entrypoints/worker.py": "import handbell.channels.service\n",
    }
    assert f"{LIGHT} BROKEN" in contracts(tmp_path, files)
