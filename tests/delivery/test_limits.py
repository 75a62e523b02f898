"""The buckets against an oracle that knows only when messages left."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from handbell.delivery.limits import Bucket, Departure, Limits

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
SECONDS = timedelta(seconds=1)
CARE, MARKETING = 2, 4


@dataclass(frozen=True)
class Left:
    at: int
    units: int


def most_in_a_second(left: Sequence[Left], *, length: int = SECOND) -> int:
    """The most units in any half-open stretch of the length: they begin at a departure."""
    return max(
        (
            sum(one.units for one in left if first.at <= one.at < first.at + length)
            for first in left
        ),
        default=0,
    )


Step = tuple[int, int, int, int]
steps = st.lists(
    st.tuples(
        st.integers(0, 400_000),  # microseconds that pass before somebody asks
        st.integers(1, 4),  # units of his message
        st.integers(0, 300_000),  # how long it takes to leave once it may
        st.integers(0, 300_000),  # how long until that is reported
    ),
    min_size=1,
    max_size=60,
)


async def play(client: Redis, rate: float, told: Sequence[Step]) -> list[Left]:
    """Ask, leave and report at the told instants, as several workers would."""
    await client.flushall()
    limits, bucket = Limits(client), (Bucket(name="line", rate=rate),)
    await limits.depart(bucket, left=[], wanted=[], at=str(START))
    now = START + 10 * SECOND
    left: list[Left] = []
    reports: list[tuple[int, Departure]] = []
    for number, (pause, units, leaving, reporting) in enumerate(told):
        now += pause
        one = Departure(str(number), min(units, max(1, int(rate))), "")
        due = sorted((pair for pair in reports if pair[0] <= now), key=lambda pair: pair[0])
        reports = [pair for pair in reports if pair[0] > now]
        for at, departure in due:
            await limits.depart(bucket, left=[departure], wanted=[], at=str(at))
        granted, _ = await limits.depart(bucket, left=[], wanted=[one], at=str(now))
        if granted:
            left.append(Left(now + leaving, one.units))
            reports.append((now + leaving + reporting, one))
    return left


@pytest.mark.requirement("R9.5")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rate=st.sampled_from([0.5, 1.0, 3.0, 7.5, 20.0]), told=steps)
async def test_no_sliding_second_sees_more_than_the_rate(
    valkey: Redis, rate: float, told: list[Step]
) -> None:
    left = await play(valkey, rate, told)
    length = SECOND if rate >= 1 else int(SECOND / rate)
    assert most_in_a_second(left, length=length) <= max(1, int(rate))


@pytest.mark.parametrize("rate", [0.2, 1.0, 4.0, 75.0])
async def test_who_leaves_at_once_gets_nearly_the_whole_rate(valkey: Redis, rate: float) -> None:
    limits, bucket = Limits(valkey), (Bucket(name="line", rate=rate),)
    await limits.depart(bucket, left=[], wanted=[], at=str(START))
    now, end, count = START + 10 * SECOND, START + 10 * SECOND + int(100 * SECOND / rate), 0
    while now < end:
        one = Departure(str(count), 1, "")
        granted, wait = await limits.depart(bucket, left=[], wanted=[one], at=str(now))
        if granted:
            await limits.depart(bucket, left=[one], wanted=[], at=str(now))
            count += 1
        now += int(wait / timedelta(microseconds=1))
    assert count >= 97


async def test_a_message_of_many_segments_takes_the_time_of_as_many(valkey: Redis) -> None:
    limits, bucket = Limits(valkey), (Bucket(name="line", rate=1.0),)
    await limits.depart(bucket, left=[], wanted=[], at=str(START))
    now = START + 10 * SECOND
    long, short = Departure("long", 3, ""), Departure("short", 1, "")
    assert (await limits.depart(bucket, left=[], wanted=[long], at=str(now)))[0] == 1
    await limits.depart(bucket, left=[long], wanted=[], at=str(now))
    for seconds, granted in ((1.1, 0), (2.9, 0), (3.1, 1)):
        at = str(now + int(seconds * SECOND))
        assert (await limits.depart(bucket, left=[], wanted=[short], at=at))[0] == granted


async def test_a_permit_is_only_given_where_line_and_account_have_room(valkey: Redis) -> None:
    limits = Limits(valkey)
    line, account = Bucket(name="line", rate=50.0), Bucket(name="account", rate=2.0)
    await limits.depart((line, account), left=[], wanted=[], at=str(START))
    wanted = [Departure(str(number), 1, "") for number in range(5)]
    at = str(START + 10 * SECOND)
    assert (await limits.depart((line, account), left=[], wanted=wanted, at=at))[0] == 2


@pytest.mark.requirement("R9.5")
async def test_a_provider_that_says_too_fast_is_left_alone_and_the_rate_comes_back(
    valkey: Redis,
) -> None:
    limits, bucket = Limits(valkey), (Bucket(name="line", rate=10.0),)
    await limits.depart(bucket, left=[], wanted=[], at=str(START))

    async def allowed(at: int) -> int:
        wanted = [Departure(f"{at}:{number}", 1, "") for number in range(20)]
        granted, _ = await limits.depart(bucket, left=[], wanted=wanted, at=str(at))
        await limits.depart(bucket, left=wanted[:granted], wanted=[], at=str(at))
        return granted

    told = START + 10 * SECOND
    for _ in range(3):
        await limits.slow(bucket, pause=2 * SECONDS, at=str(told))
    counts = [await allowed(told + seconds * SECOND + 100_000) for seconds in (1, 2, 7, 17, 27)]
    assert counts == [0, 7, 8, 10, 10]


@pytest.mark.requirement("R9.5")
async def test_a_daily_cap_counts_what_left_before_valkey_forgot(valkey: Redis) -> None:
    limits = Limits(valkey)
    day = Bucket(
        name="line", rate=50.0, daily_cap=10, day="2026-12-01", day_left=timedelta(hours=3)
    )
    names = [str(number) for number in range(6)]
    assert (await limits.reserve((day,), names, rank=CARE, at=str(START))).is_unknown
    await limits.seed((day,), [7], at=str(START))
    at = str(START + 10 * SECOND)
    reserved = await limits.reserve((day,), names, rank=CARE, at=at)
    assert reserved.count == 3
    wanted = [Departure(name, 1, name) for name in names]
    granted, wait = await limits.depart((day,), left=[], wanted=wanted, at=at)
    assert (granted, wait) == (3, timedelta(hours=3))
    tomorrow = Bucket(
        name="line", rate=50.0, daily_cap=10, day="2026-12-02", day_left=timedelta(hours=24)
    )
    later = str(START + 20 * SECOND)
    assert (await limits.reserve((tomorrow,), names, rank=CARE, at=later)).count == 6


async def test_looking_takes_nothing(valkey: Redis) -> None:
    """Also when what has left is forgotten while somebody looks."""
    limits, bucket = Limits(valkey), (Bucket(name="line", rate=1.0),)
    await limits.look(bucket, at=str(START - SECOND))
    await limits.depart(bucket, left=[], wanted=[], at=str(START))
    for second in (10, 12, 14):
        one, at = Departure(str(second), 1, ""), str(START + second * SECOND)
        assert (await limits.depart(bucket, left=[], wanted=[one], at=at))[0] == 1
        await limits.depart(bucket, left=[one], wanted=[], at=at)
        (pace,) = await limits.look(bucket, at=str(START + second * SECOND + 1_500_000))
        assert pace.used == 0


async def test_who_gets_no_turn_is_due_when_the_bucket_says(valkey: Redis) -> None:
    limits, bucket = Limits(valkey), (Bucket(name="line", rate=1.0),)
    await limits.depart(bucket, left=[], wanted=[], at=str(START))
    at = str(START + 10 * SECOND)
    names = [str(number) for number in range(10)]
    reserved = await limits.reserve(bucket, names, rank=MARKETING, at=at)
    assert reserved.count == 1
    assert timedelta() < reserved.wait <= SECONDS
    assert SECONDS <= reserved.spacing <= 1.02 * SECONDS
    others = await limits.reserve(bucket, ["a", "b"], rank=MARKETING, at=at)
    assert others.count == 0
    assert others.wait >= 9 * SECONDS


@pytest.mark.requirement("R9.7")
async def test_a_lower_lane_stands_back_while_a_higher_one_waits(valkey: Redis) -> None:
    limits, bucket = Limits(valkey), (Bucket(name="line", rate=4.0),)
    await limits.depart(bucket, left=[], wanted=[], at=str(START))
    now = START + 10 * SECOND
    care = [f"care {number}" for number in range(5)]
    assert (await limits.reserve(bucket, care, rank=CARE, at=str(now))).count == 2
    await limits.release(bucket, care, at=str(now))
    at = str(now + 100_000)
    assert (await limits.reserve(bucket, ["ad"], rank=MARKETING, at=at)).count == 0
    assert (await limits.reserve(bucket, ["visit"], rank=CARE, at=at)).count == 1


@pytest.mark.requirement("R9.5")
async def test_a_flush_begins_with_an_empty_hand(valkey: Redis) -> None:
    limits, bucket = Limits(valkey), (Bucket(name="line", rate=5.0),)
    one = Departure("one", 1, "")
    assert (await limits.depart(bucket, left=[], wanted=[one], at=str(START)))[0] == 0
    early, later = str(START + SECOND), str(START + SECOND + 10_000)
    assert (await limits.depart(bucket, left=[], wanted=[one], at=early))[0] == 0
    assert (await limits.depart(bucket, left=[], wanted=[one], at=later))[0] == 1


@pytest.mark.requirement("R9.5")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pauses=st.lists(st.integers(0, 20), min_size=1, max_size=60))
async def test_one_recipient_gets_what_a_bucket_of_tokens_gives(
    valkey: Redis, pauses: list[int]
) -> None:
    """The oracle is a bucket that is filled second by second."""
    await valkey.flushall()
    limits = Limits(valkey)
    rule = {"every": 6 * SECONDS, "burst": 5}
    await limits.pairs(["nobody"], at=str(START), every=6 * SECONDS, burst=5)
    second, tokens = 100, 5.0
    for pause in pauses:
        second += pause
        tokens = min(5.0, tokens + pause / 6)
        (wait,) = await limits.pairs(["a"], at=str(START + second * SECOND), **rule)  # type: ignore[arg-type]
        assert (wait == timedelta()) is (tokens > 1 - 1e-6)
        if not wait:
            tokens -= 1


async def test_after_a_flush_a_recipient_has_one_message_and_not_a_burst(valkey: Redis) -> None:
    limits = Limits(valkey)
    waits = [
        (await limits.pairs(["a"], at=str(START), every=6 * SECONDS, burst=5))[0] for _ in range(2)
    ]
    assert waits == [timedelta(), 6 * SECONDS]


WORKER = Path(__file__).with_name("departing_worker.py")
RATE, UNITS = 40, 100


@pytest.mark.requirement("R9.5")
async def test_two_processes_together_keep_to_the_rate(valkey: Redis, valkey_url: str) -> None:
    """Bounded by departures: each process sends its share however long that takes."""
    await valkey.flushall()
    command = [sys.executable, str(WORKER), valkey_url, str(RATE), str(UNITS // 2)]
    processes = [
        await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE) for _ in range(2)
    ]
    outputs = await asyncio.gather(*(process.communicate() for process in processes))
    left = [Left(at, units) for out, _ in outputs for at, units in json.loads(out)]
    assert sum(one.units for one in left) >= UNITS
    assert len({one.units for one in left}) > 1
    assert most_in_a_second(left) <= RATE
