"""Children are restarted, end when asked, and die with a parent that is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import pytest

from handbell.entrypoints.embedded.process import is_running
from handbell.entrypoints.supervisor import Program, supervise

SLEEP = partial(time.sleep, 60)


async def test_a_child_that_ends_is_started_again_and_all_end_when_asked() -> None:
    stop = asyncio.Event()
    pids: dict[str, list[int]] = {"steady": [], "killed": []}

    async def started(name: str, pid: int) -> None:
        pids[name].append(pid)
        if name == "killed" and len(pids["killed"]) == 1:
            os.kill(pid, signal.SIGKILL)
        if len(pids["killed"]) == 2 and pids["steady"]:
            stop.set()

    programs = [Program(name=name, run=SLEEP) for name in pids]
    await asyncio.wait_for(supervise(programs, stop=stop, started=started), 20)

    assert [len(pids["steady"]), len(pids["killed"])] == [1, 2]
    assert not any(is_running(pid) for each in pids.values() for pid in each)


def write_variable(path: Path) -> None:
    os.write(1, b"said")
    path.write_text(os.environ["HANDBELL_X"])
    time.sleep(60)


async def test_a_program_gets_its_own_variables_and_writes_where_it_is_told(
    tmp_path: Path,
) -> None:
    stop = asyncio.Event()
    program = Program(
        name="one",
        run=partial(write_variable, tmp_path / "seen"),
        environment={"HANDBELL_X": "1"},
        output=tmp_path / "output",
    )
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(supervise([program], stop=stop))
        while not (tmp_path / "seen").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        stop.set()

    assert (tmp_path / "seen").read_text() == "1"
    assert (tmp_path / "output").read_text() == "said"


# What is shown is a request to the kernel, prctl(PR_SET_PDEATHSIG), which no other system has, and
# the parent is read from /proc. The product's machines are Linux, where this always runs.
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_a_child_that_nobody_can_watch_any_more_is_ended_before_it_is_replaced() -> None:
    """R9.3: two of a kind never run where one was asked for."""
    stop = asyncio.Event()
    pids: list[int] = []

    async def started(_name: str, pid: int) -> None:
        pids.append(pid)
        if len(pids) == 1:
            os.kill(parent_of(pid), signal.SIGKILL)
        else:
            stop.set()

    program = Program(name="one", run=SLEEP)
    await asyncio.wait_for(supervise([program], stop=stop, started=started), 20)

    assert len(pids) == 2
    assert not any(is_running(pid) for pid in pids)


def parent_of(pid: int) -> int:
    """The fourth word of `/proc/PID/stat`, the second being a name in brackets."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


PARENT = textwrap.dedent("""
    import asyncio, time
    from functools import partial
    from handbell.entrypoints.supervisor import Program, stop_on_signals, supervise

    async def main():
        stop = asyncio.Event()
        stop_on_signals(stop)

        async def started(name, pid):
            await asyncio.sleep(0.5)
            print(pid, flush=True)

        child = Program(name="child", run=partial(time.sleep, 60))
        await supervise([child], stop=stop, started=started)

    asyncio.run(main())
""")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 0),
        (signal.SIGKILL, -signal.SIGKILL),
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
