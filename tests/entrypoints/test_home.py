"""The folder of a one-machine installation keeps its secrets, and keeps them to itself."""

from pathlib import Path

import pytest

from handbell.entrypoints.home import open_home, secrets_of, write_private


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    home = open_home(tmp_path / "new" / "home")
    first = secrets_of(home)
    assert len(set(first.values())) == 4
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
