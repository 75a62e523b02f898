"""Runs the product's processes as children: they are restarted when they end and die with us."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

_PR_SET_PDEATHSIG: Final = 1
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_TRAMPOLINE: Final = "handbell.entrypoints.supervisor"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A named child process; `environment` is added to ours."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


async def supervise(
    commands: Sequence[Command],
    *,
    stop: asyncio.Event,
    started: Callable[[str, int], Awaitable[None]] | None = None,
) -> None:
    """Keep the commands running until `stop` is set, then end them with SIGTERM.

    A child that ends is started again after a pause that doubles from half a second to thirty,
    and begins anew once it has run for a minute. One that ignores SIGTERM for thirty seconds is
    killed: its work is leased and comes back. `started` hears of every start, with the pid.
    """
    async with asyncio.TaskGroup() as children:
        for command in commands:
            children.create_task(_keep(command, stop, started))


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM and Ctrl-C, so that both reach the children as SIGTERM."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def _keep(
    command: Command,
    stop: asyncio.Event,
    started: Callable[[str, int], Awaitable[None]] | None,
) -> None:
    pause = _FIRST_PAUSE_SECONDS
    while not stop.is_set():
        began = asyncio.get_running_loop().time()
        child = await _spawn(command)
        if started is not None:
            await started(command.name, child.pid)
        await _until_either(child, stop)
        if stop.is_set():
            await _end(command.name, child)
            return
        if asyncio.get_running_loop().time() - began > _STEADY_SECONDS:
            pause = _FIRST_PAUSE_SECONDS
        log.warning("child_ended", child=command.name, code=child.returncode, pause=pause)
        await _rest(pause, stop)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _spawn(command: Command) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _TRAMPOLINE, str(os.getpid()), *command.arguments),
        stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, **command.environment},
        start_new_session=True,
    )


async def _until_either(child: asyncio.subprocess.Process, stop: asyncio.Event) -> None:
    """Return when the child has ended or we are asked to stop."""
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(child.wait()), group.create_task(stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def _end(name: str, child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
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


def _become(parent: int, arguments: Sequence[str]) -> None:
    """Ask the kernel for SIGTERM when the parent dies, then turn into the program itself.

    The request survives exec and is tied to the parent's thread, so `supervise` belongs in the
    main one. A parent that died before it was made is noticed by its pid.
    Only Linux has the request; elsewhere a child of a killed parent stays.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(arguments[0], list(arguments))  # noqa: S606 - our own command line


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
