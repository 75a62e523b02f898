"""Children are restarted, end when asked, and die with a parent that is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from handbell.entrypoints.embedded.process import is_running
from handbell.entrypoints.supervisor import Command, supervise

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")


async def test_a_child_that_ends_is_started_again_and_all_end_when_asked() -> None:
    stop = asyncio.Event()
    pids: dict[str, list[int]] = {"steady": [], "killed": []}

    async def started(name: str, pid: int) -> None:
        pids[name].append(pid)
        if name == "killed" and len(pids["killed"]) == 1:
            os.kill(pid, signal.SIGKILL)
        if len(pids["killed"]) == 2 and pids["steady"]:
            stop.set()

    commands = [Command(name=name, arguments=SLEEP) for name in pids]
    await asyncio.wait_for(supervise(commands, stop=stop, started=started), 20)

    assert [len(pids["steady"]), len(pids["killed"])] == [1, 2]
    assert not any(is_running(pid) for each in pids.values() for pid in each)


async def test_a_command_gets_its_own_variables() -> None:
    stop = asyncio.Event()
    check = "import os, sys, time; os.environ['HANDBELL_X'] == '1' or sys.exit(3); time.sleep(60)"
    starts: list[int] = []

    async def started(_name: str, pid: int) -> None:
        starts.append(pid)

    command = Command(
        name="one",
        arguments=(sys.executable, "-c", check),
        environment={"HANDBELL_X": "1"},
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(supervise([command], stop=stop, started=started))
        await asyncio.sleep(1.5)
        assert is_running(starts[0])
        stop.set()
    assert len(starts) == 1


PARENT = textwrap.dedent("""
    import asyncio, sys
    from handbell.entrypoints.supervisor import Command, stop_on_signals, supervise

    async def main():
        stop = asyncio.Event()
        stop_on_signals(stop)

        async def started(name, pid):
            await asyncio.sleep(0.5)
            print(pid, flush=True)

        child = (sys.executable, "-c", "import time; time.sleep(60)")
        await supervise([Command(name="child", arguments=child)], stop=stop, started=started)

    asyncio.run(main())
""")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 0),
        # The kernel tells children of a killed parent by prctl(PR_SET_PDEATHSIG), which no other
        # system has: there the child stays (see `supervisor._become`) and is adopted or ended.
        pytest.param(
            signal.SIGKILL,
            -signal.SIGKILL,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child"),
        ),
    ],
)
def test_children_end_with_a_parent_that_is_stopped_or_killed(
    number: signal.Signals, code: int
) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=-1, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(number)

    assert parent.returncode == code
    assert ends_within_seconds(child)


def ends_within_seconds(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)
