"""How many worker processes of each group of lanes run on this machine: it follows the load.

What counts is how long a group would take for what waits, at the pace of its last jobs. It grows
by one when that has been too long for some seconds, and shrinks by one when even one fewer would
have been quick for half a minute. A worker that is let go gets SIGTERM: it finishes its calls.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import redis
import structlog

from handbell.delivery.meters.service import Counts, Meter
from handbell.delivery.types import LANE_GROUPS
from handbell.entrypoints.supervisor import Program, supervise
from handbell.monitoring.service import backlogs
from handbell.platform.clock import Clock
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Lane

LOOK_SECONDS: Final = 2.0
TOO_LONG_SECONDS: Final = 5.0
QUICK_SECONDS: Final = 1.0
GROW_AFTER_SECONDS: Final = 4.0
SHRINK_AFTER_SECONDS: Final = 30.0
JOBS_AT_ONCE: Final = 8
"""What one worker has in hand together (`--concurrency`)."""
USUAL_ITEM_SECONDS: Final = 0.02
"""Of a job's time for one message, until something was measured."""
GIVES_WAY: Final = "bulk"
"""The group that never takes the last core: what cannot wait has its processes there."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a group has before it: messages that no worker has begun, and how much of a job's
    time one of them took of late."""

    depth: int
    item_seconds: float

    def seconds(self, workers: int) -> float:
        """How long so many workers would take."""
        return self.depth * self.item_seconds / (JOBS_AT_ONCE * max(1, workers))


@dataclass(slots=True, kw_only=True)
class Follower:
    """Decides for one group. It remembers since when there was too much or too little to do."""

    most: int
    count: int = 1
    _long_since: float | None = field(default=None, init=False)
    _quick_since: float | None = field(default=None, init=False)

    def follow(self, load: Load, *, at: float, may_grow: bool = True) -> int:
        """How many workers there are to be; one more or one fewer than before at most."""
        is_long = load.seconds(self.count) > TOO_LONG_SECONDS
        is_quick = self.count > 1 and load.seconds(self.count - 1) < QUICK_SECONDS
        self._long_since = _since(self._long_since, is_long, at=at)
        self._quick_since = _since(self._quick_since, is_quick, at=at)
        if _lasted(self._long_since, GROW_AFTER_SECONDS, at=at):
            if may_grow and self.count < self.most:
                self._change(+1)
        elif _lasted(self._quick_since, SHRINK_AFTER_SECONDS, at=at):
            self._change(-1)
        return self.count

    def _change(self, by: int) -> None:
        self.count += by
        self._long_since = self._quick_since = None


def _since(before: float | None, is_so: bool, *, at: float) -> float | None:  # noqa: FBT001
    return (at if before is None else before) if is_so else None


def _lasted(since: float | None, seconds: float, *, at: float) -> bool:
    return since is not None and at - since >= seconds


def followers(cores: int) -> dict[str, Follower]:
    """One for each group, the most urgent first; none goes beyond the cores."""
    return {group: Follower(most=max(1, cores - (group == GIVES_WAY))) for group in LANE_GROUPS}


class LoadBook:
    """Reads each group's load, from what every process on every machine has told."""

    def __init__(self, direct: Direct, meter: Meter, clock: Clock) -> None:
        self._direct = direct
        self._meter = meter
        self._clock = clock
        self._before = Counts()

    async def __call__(self) -> dict[str, Load]:
        waiting = await backlogs(self._direct, now=await self._clock.now())
        counts = await self._meter.read()
        before, self._before = self._before, counts
        return {
            group: Load(
                depth=sum(waiting[lane].depth for lane in lanes),
                item_seconds=_item_seconds(before, counts, lanes),
            )
            for group, lanes in LANE_GROUPS.items()
        }

    async def close(self) -> None:
        await self._meter.close()
        await self._direct.close()


def _item_seconds(before: Counts, after: Counts, lanes: tuple[Lane, ...]) -> float:
    """Of the jobs since the last look; where there were none, of all that are known."""
    for earlier in (before, Counts()):
        seconds = _sum(after, lanes, "seconds") - _sum(earlier, lanes, "seconds")
        items = _sum(after, lanes, "items") - _sum(earlier, lanes, "items")
        if items > 0 and seconds > 0:
            return seconds / items
    return USUAL_ITEM_SECONDS


def _sum(counts: Counts, lanes: tuple[Lane, ...], name: str) -> float:
    return sum(float(getattr(counts.jobs[lane], name)) for lane in lanes if lane in counts.jobs)


class Crew:
    """The workers beside the first of each group; each may be told to stop alone."""

    def __init__(
        self,
        program: Callable[[str, int], Program],
        started: Callable[[str, int], Awaitable[None]],
        ended: Callable[[str], None],
    ) -> None:
        self._program = program
        self._started = started
        self._ended = ended
        self._stops: dict[tuple[str, int], asyncio.Event] = {}

    @property
    def size(self) -> int:
        return len(self._stops)

    def set_to(self, group: str, count: int, tasks: asyncio.TaskGroup) -> None:
        """Start or stop workers of a group until `count` of it run, the first one included.
        One that still finishes its calls is started anew when it has."""
        running = {no for name, no in self._stops if name == group}
        for no in range(2, count + 1):
            if no not in running:
                self._stops[group, no] = asyncio.Event()
                tasks.create_task(self._keep(group, no))
        for no in running:
            if no > count:
                self._stops[group, no].set()

    def stop(self) -> None:
        for one in self._stops.values():
            one.set()

    async def _keep(self, group: str, no: int) -> None:
        program = self._program(group, no)
        await supervise([program], stop=self._stops[group, no], started=self._started)
        del self._stops[group, no]
        self._ended(program.name)


async def follow_load(
    loads: Callable[[], Awaitable[Mapping[str, Load]]],
    deciding: Mapping[str, Follower],
    crew: Crew,
    *,
    most_beside: int,
    stop: asyncio.Event,
) -> None:
    """Look at the load until `stop`, and let the crew be as large as it asks for, with
    `most_beside` beside the first of each group in all."""
    clock = asyncio.get_running_loop().time
    async with asyncio.TaskGroup() as tasks:
        while not stop.is_set():
            try:
                load = await loads()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, redis.RedisError):
                load = {}
            for group, found in load.items():
                before = deciding[group].count
                has_room = crew.size < most_beside
                count = deciding[group].follow(found, at=clock(), may_grow=has_room)
                crew.set_to(group, count, tasks)
                if count != before:
                    log.info("workers.changed", group=group, count=count, depth=found.depth)
            await _rest(stop)
        crew.stop()


async def _rest(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
    except TimeoutError:
        return
