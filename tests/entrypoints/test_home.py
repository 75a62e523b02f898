"""The folder of a one-machine installation keeps its secrets, and keeps them to itself."""

import json
from pathlib import Path

import pytest

from handbell.entrypoints.home import installed, open_home, secrets_of, write_private
from handbell.platform.settings import Settings


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    home = open_home(tmp_path / "new" / "home")
    first = secrets_of(home)
    assert len(set(first.values())) == 5
    assert all(len(value) >= 32 for value in first.values())
    assert secrets_of(home) == first


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    secrets_of(home)
    assert (home.stat().st_mode & 0o777) == 0o700
    assert ((home / "secrets.json").stat().st_mode & 0o777) == 0o600


def test_an_operators_own_key_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = open_home(tmp_path)
    own = secrets_of(home)["HANDBELL_LOOKUP_KEY"]
    monkeypatch.setenv("HANDBELL_LOOKUP_KEY", "from the vault")
    assert secrets_of(home)["HANDBELL_LOOKUP_KEY"] == "from the vault"
    monkeypatch.delenv("HANDBELL_LOOKUP_KEY")
    assert secrets_of(home)["HANDBELL_LOOKUP_KEY"] == own


def test_a_private_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_private(path, "long content")
    write_private(path, "short")
    assert path.read_text() == "short"
    assert list(tmp_path.iterdir()) == [path]


def test_beside_an_installation_no_setting_is_needed_and_one_of_its_own_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HANDBELL_DATABASE_URL", raising=False)
    settings = Settings(home=tmp_path)
    assert installed(settings) is settings
    own = secrets_of(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"database_url": "postgresql://here"}))
    found = installed(settings)
    assert found.database_url == "postgresql://here"
    assert found.encryption_key.get_secret_value() == own["HANDBELL_ENCRYPTION_KEY"]
    elsewhere = Settings(home=tmp_path, database_url="postgresql://elsewhere")
    assert installed(elsewhere) is elsewhere
