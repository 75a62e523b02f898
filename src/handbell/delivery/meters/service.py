"""Counts what workers do, in Valkey: one number for all processes on all machines.

A flush of Valkey begins the counts anew, as the restart of a process would; whoever reads them
as rates is used to that. What a worker counted and could not report is lost.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import redis
import structlog
from redis.asyncio import Redis

from handbell.platform.vocabulary import Channel, Lane

KEY: Final = "handbell.meter"
BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds of the buckets that a job's time falls into."""
_MICROS: Final = 1_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTimes:
    """How long the jobs of a lane took: how many fell under each bound and above the one before
    it, the last above all; `items` are the messages or pieces of work that they held."""

    buckets: tuple[int, ...]
    seconds: float
    items: int

    @property
    def jobs(self) -> int:
        return sum(self.buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Everything that was counted since Valkey began."""

    sends: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Calls to providers by channel and outcome."""
    work: Mapping[str, int] = field(default_factory=dict)
    """Pieces of work from the outbox by topic."""
    jobs: Mapping[Lane, JobTimes] = field(default_factory=dict)


class Meter:
    """Counts in a process, and reports when a job ends."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._counted: Counter[str] = Counter()

    def count_send(self, channel: Channel, outcome: str) -> None:
        """One call to a provider, with its outcome's word."""
        self._counted[f"sends|{channel}|{outcome}"] += 1

    def count_work(self, topic: str, pieces: int) -> None:
        """Pieces of work of one topic that were taken on."""
        self._counted[f"work|{topic}"] += pieces

    async def end_job(self, lane: Lane, *, seconds: float, items: int) -> None:
        """A job of a lane is done: note its time and report everything. Nobody waits for Valkey
        to come back; the next job tries again."""
        bucket = bisect_left(BOUNDS, seconds)
        self._counted[f"jobs|{lane}|{bucket}"] += 1
        self._counted[f"jobs|{lane}|micros"] += int(seconds * _MICROS)
        self._counted[f"jobs|{lane}|items"] += items
        counted, self._counted = self._counted, Counter()
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for name, count in counted.items():
                    pipe.hincrby(KEY, name, count)
                await pipe.execute()
        except redis.RedisError as error:
            self._counted.update(counted)
            log.warning("meter.postponed", error_type=type(error).__name__)

    async def read(self) -> Counts:
        """What all workers have counted. Raises `redis.RedisError`."""
        told = await self._client.hgetall(KEY)
        return _to_counts(
            {tuple(str(name).split("|")): int(count) for name, count in told.items()}
        )

    async def close(self) -> None:
        await self._client.aclose()


def _to_counts(told: Mapping[tuple[str, ...], int]) -> Counts:
    lanes = {Lane(name[1]) for name in told if name[0] == "jobs"}
    return Counts(
        sends={(name[1], name[2]): count for name, count in told.items() if name[0] == "sends"},
        work={name[1]: count for name, count in told.items() if name[0] == "work"},
        jobs={lane: _times(told, lane) for lane in Lane if lane in lanes},
    )


def _times(told: Mapping[tuple[str, ...], int], lane: Lane) -> JobTimes:
    numbers = range(len(BOUNDS) + 1)
    return JobTimes(
        buckets=tuple(told.get(("jobs", lane.value, str(no)), 0) for no in numbers),
        seconds=told.get(("jobs", lane.value, "micros"), 0) / _MICROS,
        items=told.get(("jobs", lane.value, "items"), 0),
    )
