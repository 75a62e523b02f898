"""The number of workers follows what waits and how long it takes, without fluttering."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from handbell.delivery.meters.service import Meter
from handbell.entrypoints import following
from handbell.entrypoints.following import Crew, Follower, Load, LoadBook, follow_load, followers
from handbell.entrypoints.supervisor import Program
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import Lane

BUSY = Load(depth=10_000, item_seconds=0.02)
IDLE = Load(depth=0, item_seconds=0.02)
PATIENCE_SECONDS = 20.0


def followed(one: Follower, load: Load, *, begin: float, seconds: float) -> list[int]:
    """What it decides, look after look."""
    looks = int(seconds / following.LOOK_SECONDS)
    return [one.follow(load, at=begin + no * following.LOOK_SECONDS) for no in range(looks)]


@pytest.mark.requirement("R9.3")
def test_it_grows_one_by_one_while_there_is_too_much_and_no_further_than_the_cores() -> None:
    counts = followed(Follower(most=3), BUSY, begin=0, seconds=30)
    assert counts[0] == 1
    assert counts[-1] == 3
    assert max(after - before for before, after in pairwise(counts)) == 1


@pytest.mark.requirement("R9.3")
def test_a_short_peak_starts_nobody() -> None:
    one = Follower(most=3)
    for begin in (0, 10, 20):
        assert followed(one, BUSY, begin=begin, seconds=4) == [1, 1]
        assert followed(one, IDLE, begin=begin + 4, seconds=4) == [1, 1]


@pytest.mark.requirement("R9.3")
def test_it_shrinks_after_half_a_minute_of_quiet_and_keeps_one() -> None:
    one = Follower(most=3)
    followed(one, BUSY, begin=0, seconds=30)
    counts = followed(one, IDLE, begin=30, seconds=28)
    assert set(counts) == {3}
    assert followed(one, IDLE, begin=58, seconds=60)[-1] == 1


def test_between_too_much_and_too_little_nothing_changes() -> None:
    """With two workers two seconds' worth waits: one fewer would not be quick."""
    one = Follower(most=4, count=2)
    middle = Load(depth=1_600, item_seconds=0.02)
    assert 1 < middle.seconds(2) < 5
    assert set(followed(one, middle, begin=0, seconds=120)) == {2}


def test_slow_calls_count_as_a_long_queue_does() -> None:
    slow = Load(depth=50, item_seconds=2.0)
    assert followed(Follower(most=2), slow, begin=0, seconds=10)[-1] == 2
    quick = Load(depth=50, item_seconds=0.01)
    assert followed(Follower(most=2), quick, begin=0, seconds=10)[-1] == 1


def test_what_can_wait_never_takes_the_last_core() -> None:
    assert {name: one.most for name, one in followers(4).items()} == {
        "urgent": 4,
        "care": 4,
        "bulk": 3,
    }
    assert {one.most for one in followers(1).values()} == {1}


def _work(folder: Path) -> None:
    """A worker that finishes what it has in hand when it is told to stop."""
    mine = folder / str(os.getpid())

    def finish(*_: object) -> None:
        time.sleep(0.3)
        mine.write_text("finished")
        os._exit(0)

    signal.signal(signal.SIGTERM, finish)
    mine.write_text("running")
    while True:
        time.sleep(1)


@pytest.mark.requirement("R9.3", "R9.6")
async def test_real_processes_come_and_go_and_finish_what_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(following, "GROW_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(following, "SHRINK_AFTER_SECONDS", 0.1)
    load, pids, stop = {"care": BUSY}, dict[str, int](), asyncio.Event()

    async def loads() -> Mapping[str, Load]:
        return load

    async def started(name: str, pid: int) -> None:
        pids[name] = pid

    def program(group: str, no: int) -> Program:
        return Program(name=f"worker-{group}-{no}", run=partial(_work, tmp_path))

    def states() -> list[str]:
        return sorted(one.read_text() for one in tmp_path.iterdir())

    def ended(name: str) -> None:
        del pids[name]

    crew = Crew(program, started, ended)
    running = asyncio.ensure_future(
        follow_load(loads, {"care": Follower(most=5)}, crew, most_beside=2, stop=stop)
    )
    await _until(lambda: states() == ["running", "running"])
    await asyncio.sleep(0.5)
    assert sorted(pids) == ["worker-care-2", "worker-care-3"]
    load["care"] = IDLE
    await _until(lambda: not pids)
    assert states() == ["finished", "finished"]
    stop.set()
    await running


async def _until(look: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)


@pytest.mark.requirement("R9.3")
async def test_the_load_is_what_waits_and_what_the_last_jobs_took(
    practice: Any, clock: FrozenClock, valkey: Redis
) -> None:
    worker, loads = Meter(valkey), LoadBook(practice.db.direct, Meter(valkey), clock)
    await practice.execute("DELETE FROM outbox")
    assert (await loads())["care"] == Load(depth=0, item_seconds=following.USUAL_ITEM_SECONDS)
    await practice.visit(await practice.patient(), clock.instant)
    await worker.end_job(Lane.CARE, seconds=4.0, items=10)
    found = await loads()
    assert found["care"] == Load(
        depth=await practice.value("SELECT count(*) FROM outbox"), item_seconds=0.4
    )
    assert found["care"].depth > 0
    assert found["bulk"].depth == 0
    await worker.end_job(Lane.CARE, seconds=1.0, items=10)
    assert (await loads())["care"].item_seconds == 0.1
    assert (await loads())["care"].item_seconds == 0.25
