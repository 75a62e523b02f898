"""Runs the product's processes as children: they are restarted when they end and die with us.

They are forked from a process that has imported the product once (the standard library's fork
server): six processes cost the start of one, and share its memory.
"""

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import structlog

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_FORKING: Final = multiprocessing.get_context("forkserver")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A named child process.

    `run` is a function of a module, or a `partial` of one; `environment` is added to ours; what
    the child writes goes to `output`, or where ours goes.
    """

    name: str
    run: Callable[[], object]
    environment: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None


def preload() -> None:
    """Let the children's imports begin now, beside what the caller does until they start."""
    _FORKING.set_forkserver_preload(["handbell.entrypoints.preloaded"])
    forkserver.ensure_running()


class Child:
    """A program that runs. It gets SIGTERM when we die, however that happens."""

    def __init__(self, program: Program) -> None:
        self._process: BaseProcess = _FORKING.Process(
            target=_become, args=(program, {**os.environ, **program.environment})
        )
        self._process.start()
        self.pid: Final = self._process.pid or 0
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._end)
        self.code: int | None = None
        """The exit code, or the signal that ended it as a negative number."""

    async def wait(self) -> None:
        """Return when it has ended."""
        await self._ended.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        if self.code is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        if self.code is None:
            self._process.kill()

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self.code = self._process.exitcode
        self._process.close()
        self._ended.set()


async def supervise(
    programs: Sequence[Program],
    *,
    stop: asyncio.Event,
    started: Callable[[str, int], Awaitable[None]] | None = None,
) -> None:
    """Keep the programs running until `stop` is set, then end them with SIGTERM.

    A child that ends is started again after a pause that doubles from half a second to thirty,
    and begins anew once it has run for a minute. One that ignores SIGTERM for thirty seconds is
    killed: its work is leased and comes back. `started` hears of every start, with the pid.
    """
    async with asyncio.TaskGroup() as children:
        for program in programs:
            children.create_task(_keep(program, stop, started))


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM and Ctrl-C, so that both reach the children as SIGTERM."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def _keep(
    program: Program,
    stop: asyncio.Event,
    started: Callable[[str, int], Awaitable[None]] | None,
) -> None:
    pause = _FIRST_PAUSE_SECONDS
    while not stop.is_set():
        began = asyncio.get_running_loop().time()
        child = Child(program)
        if started is not None:
            await started(program.name, child.pid)
        await _until_either(child, stop)
        if stop.is_set():
            await _end(program.name, child)
            return
        if asyncio.get_running_loop().time() - began > _STEADY_SECONDS:
            pause = _FIRST_PAUSE_SECONDS
        log.warning("child_ended", child=program.name, code=child.code, pause=pause)
        await _rest(pause, stop)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _until_either(child: Child, stop: asyncio.Event) -> None:
    """Return when the child has ended or we are asked to stop."""
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(child.wait()), group.create_task(stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def _end(name: str, child: Child) -> None:
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _STOP_SECONDS)
    except TimeoutError:
        log.warning("child_killed", child=name)
        child.kill()
        await child.wait()


async def _rest(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def _become(program: Program, environment: Mapping[str, str]) -> None:
    """Turn the forked process into the program.

    Out of our terminal's reach, so that Ctrl-C comes to it as our SIGTERM, and bound to two
    lives: ours by a thread, and by the kernel the fork server's, which alone could tell us that
    it ended (Linux only; elsewhere such a child would stay beside the one that replaces it).
    """
    os.setsid()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        libc.prctl(_PR_SET_NAME, f"handbell {program.name}".encode()[:15], 0, 0, 0)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    if program.output is not None:
        _write_to(program.output)
    program.run()


def _end_with_parent() -> None:
    """As the supervisor ends a child: asked first, then killed. A worker whose queue server went
    with the supervisor would try to reach it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _write_to(path: Path) -> None:
    with path.open("ab") as file:
        for standard in (1, 2):
            os.dup2(file.fileno(), standard)
