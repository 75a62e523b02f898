"""Homes of their own for the servers, stopped and deleted afterwards whatever happened."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from handbell.entrypoints import embedded
from handbell.entrypoints.embedded.place import open_place

NewHome = Callable[[], Path]


@pytest.fixture
def new_home() -> Iterator[NewHome]:
    """Makes homes; every server left running in one is stopped and its data are deleted."""
    homes: list[Path] = []

    def make() -> Path:
        homes.append(Path(tempfile.mkdtemp(prefix="handbell-home-")))
        return homes[-1]

    yield make
    for home in homes:
        for inner in [path.parent for path in home.rglob("servers.json")]:
            _stop_leftovers(inner)
            embedded.forget(inner)
        shutil.rmtree(home)


@pytest.fixture
def home(new_home: NewHome) -> Path:
    return new_home()


def _stop_leftovers(home: Path) -> None:
    with open_place(home) as place:
        folder = place.folder
    for file in (folder / "postgres" / "postmaster.pid", folder / "valkey" / "valkey.pid"):
        if file.exists():
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(file.read_text().split()[0]), signal.SIGINT)
                _wait_until_gone(file)


def _wait_until_gone(file: Path) -> None:
    deadline = time.monotonic() + 10
    while file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
