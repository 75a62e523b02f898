"""Starting, watching and ending one server process, ours or one that a dead parent left."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from handbell.entrypoints.embedded.account import Account
from handbell.entrypoints.embedded.errors import ServerDidNotStart, ServerDidNotStop

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
_TICK_SECONDS: Final = 0.02
_LAST_LINES: Final = 8

# Kept so that an ended child is reaped and a running one is not reported as forgotten.
_children: dict[int, subprocess.Popen[bytes]] = {}


def launch(account: Account, command: list[str], *, log: Path, given: bytes = b"") -> int:
    """Start a server with its output in `log` and `given` on its input; the answer is the pid."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        child = account.popen(command, output=descriptor, stdin=subprocess.PIPE)
    finally:
        os.close(descriptor)
    _children[child.pid] = child
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
            pipe.write(given)
    return child.pid


def is_running(pid: int, *, program: str = "") -> bool:
    """Say whether the process lives; one that has ended but was not reaped does not.

    With `program`, a process of another name (the pid was given out again) does not count.
    """
    if child := _children.get(pid):
        return child.poll() is None
    if program and _name_of(pid) not in (program, None):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def wait_until(ready: Callable[[], bool], *, name: str, pid: int, log: Path) -> None:
    """Return once the server answers. Raises `ServerDidNotStart` when it ends or is too slow."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if ready():
            return
        if not is_running(pid):
            break
        time.sleep(_TICK_SECONDS)
    raise ServerDidNotStart(name, log, last_lines(log))


def end(name: str, pid: int, *signals: signal.Signals) -> None:
    """Ask a process to stop with each signal in turn, thirty seconds apart; never by force.

    Raises `ServerDidNotStop`.
    """
    for number in signals:
        if is_running(pid):
            os.kill(pid, number)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if not is_running(pid):
                _children.pop(pid, None)
                return
            time.sleep(_TICK_SECONDS)
    raise ServerDidNotStop(name, pid)


def last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-_LAST_LINES:])


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _name_of(pid: int) -> str | None:
    """The program's name where the system tells it (Linux)."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None
