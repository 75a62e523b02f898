"""Where the servers of one home keep their data, and what is remembered about them."""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from handbell.entrypoints.embedded.account import Account, current_account, owner_of
from handbell.entrypoints.embedded.binaries import SHARED_FOLDER, make_open_folder
from handbell.entrypoints.embedded.errors import HomeUnusable

LOOPBACK: Final = "127.0.0.1"
DATA_FOLDERS: Final = ("postgres", "valkey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a restart needs: written to `servers.json`, readable by the home's owner only.

    `folder` points to the data, which lie outside a home that the service account cannot enter.
    A port of 0 has not been chosen yet.
    """

    folder: str
    postgres_password: str
    valkey_password: str
    postgres_port: int = 0
    valkey_port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An opened home. It is locked while a server is being started or adopted."""

    home: Path
    folder: Path
    account: Account
    memory: Memory

    @property
    def is_elsewhere(self) -> bool:
        return self.home not in self.folder.parents

    def remember(self, memory: Memory) -> "Place":
        _write(self.home / "servers.json", memory)
        return replace(self, memory=memory)

    def make_folder(self, name: str) -> Path:
        """A folder of the servers' own, closed to everybody else."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True, mode=0o700)
        self.account.own(folder)
        return folder


@contextmanager
def open_place(home: Path) -> Iterator[Place]:
    """Open a home and hold its lock. Raises `HomeUnusable`."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        home = home.resolve()
        lock = os.open(home / "servers.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as why:
        raise HomeUnusable(home, why.strerror or "unknown") from why
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _opened(home)
    finally:
        os.close(lock)


def forget(home: Path, *names: str) -> None:
    """Delete the data of stopped servers, and what a home keeps elsewhere once none are left.

    Without names: of both.
    """
    with open_place(home) as place:
        for name in names or DATA_FOLDERS:
            shutil.rmtree(place.folder / name, ignore_errors=True)
        if not any((place.folder / name).exists() for name in DATA_FOLDERS):
            shutil.rmtree(place.folder)


def free_port(remembered: int) -> int:
    """The remembered port if it is still free on loopback, else a free one."""
    for port in (remembered, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise HomeUnusable(Path("/"), "no port is free on loopback")


def _opened(home: Path) -> Place:
    account = current_account()
    file = home / "servers.json"
    try:
        memory = Memory(**json.loads(file.read_text())) if file.exists() else None
    except (OSError, ValueError, TypeError) as why:
        raise HomeUnusable(home, f"{file.name} cannot be read") from why
    folder = Path(memory.folder) if memory else _choose_folder(home, account)
    try:
        _make_private(folder, account)
    except OSError as why:
        raise HomeUnusable(home, f"{folder}: {why.strerror}") from why
    if memory is None:
        memory = _new_memory(folder)
        _write(file, memory)
    account = owner_of(folder, otherwise=account)
    return Place(home=home, folder=folder, account=account, memory=memory)


def _choose_folder(home: Path, account: Account) -> Path:
    if not account.drop or account.can_enter(home):
        return home / "servers"
    make_open_folder(SHARED_FOLDER)
    make_open_folder(SHARED_FOLDER / "homes")
    return SHARED_FOLDER / "homes" / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def _make_private(folder: Path, account: Account) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700)
        account.own(folder)


def _new_memory(folder: Path) -> Memory:
    return Memory(
        folder=str(folder),
        postgres_password=secrets.token_hex(24),
        valkey_password=secrets.token_hex(24),
    )


def _write(file: Path, memory: Memory) -> None:
    draft = file.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(asdict(memory), opened, indent=2)
    draft.replace(file)
