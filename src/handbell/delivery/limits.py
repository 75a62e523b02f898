"""What may leave when: departures of lines and accounts, counted by Valkey for all workers.

The arithmetic is `pace.lua`; it runs in Valkey on Valkey's own clock, never on simulated time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final

from redis.asyncio import Redis

UNBOUNDED: Final = 1_000_000.0
"""Units per second of a bucket that has a daily cap only."""
_PREFIX: Final = "{handbell.pace}"
_SCRIPT: Final = files(__package__).joinpath("pace.lua").read_text(encoding="utf-8")
_PAIRS: Final = files(__package__).joinpath("pairs.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A limit that several workers share.

    `rate` is in units per second, above 0; `daily_cap` None is none. `day` names the calendar
    day that the cap counts, `day_left` is how long it lasts.
    """

    name: str
    rate: float
    daily_cap: int | None = None
    day: str = ""
    day_left: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """So many may be claimed now; the next is due after `wait`, those after it `spacing` apart.

    `is_unknown`: what has left today has to be told first, with `seed`.
    """

    count: int
    wait: timedelta = timedelta()
    spacing: timedelta = timedelta()
    is_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a bucket stands: the present rate, units in the running period, reservations."""

    rate: float
    used: int
    reserved: int
    pause: timedelta
    sent_today: int


@dataclass(frozen=True, slots=True)
class Departure:
    """One message that wants to leave: `units` (segments, else 1), and the reservation it uses."""

    name: str
    units: int
    reservation: str

    @property
    def member(self) -> str:
        return f"{self.units}:{self.name}"


class Limits:
    """The buckets. Raises `redis.RedisError` where Valkey does not answer."""

    def __init__(self, client: Redis) -> None:
        self._script = client.register_script(_SCRIPT)
        self._pairs = client.register_script(_PAIRS)

    async def reserve(
        self, buckets: Sequence[Bucket], names: Sequence[str], *, rank: int, at: str = ""
    ) -> Reserved:
        """Ask for as many of the named as may be claimed now; `rank` 0 goes before 1."""
        told = await self._run("reserve", buckets, [rank, *names], at=at)
        count, wait, spacing = (int(one) for one in told)
        if count < 0:
            return Reserved(count=0, is_unknown=True)
        return Reserved(
            count=count,
            wait=timedelta(microseconds=wait),
            spacing=timedelta(microseconds=spacing),
        )

    async def depart(
        self,
        buckets: Sequence[Bucket],
        *,
        left: Sequence[Departure],
        wanted: Sequence[Departure],
        at: str = "",
    ) -> tuple[int, timedelta]:
        """Report what has left, and ask for permits: how many of the first have one, and when
        to ask again for the next."""
        args: list[str | int] = [len(left), *(one.member for one in left)]
        for one in wanted:
            args += [one.member, one.reservation]
        count, wait = await self._run("depart", buckets, args, at=at)
        return int(count), timedelta(microseconds=int(wait))

    async def release(
        self, buckets: Sequence[Bucket], names: Sequence[str], *, at: str = ""
    ) -> None:
        """Give reservations back that are not used."""
        await self._run("release", buckets, names, at=at)

    async def slow(
        self, buckets: Sequence[Bucket], *, pause: timedelta | None = None, at: str = ""
    ) -> None:
        """A provider found us too fast: go on with 0.7 of the rate, after its pause. The rate
        comes back by 0.02 of the full one per second."""
        micros = int((pause or timedelta()) / timedelta(microseconds=1))
        await self._run("slow", buckets, [micros], at=at)

    async def seed(self, buckets: Sequence[Bucket], sent: Sequence[int], *, at: str = "") -> None:
        """Tell how many units of each bucket have left today, where Valkey does not know."""
        await self._run("seed", buckets, sent, at=at)

    async def look(self, buckets: Sequence[Bucket], *, at: str = "") -> list[Pace]:
        """How the buckets stand; takes nothing from them."""
        told = await self._run("look", buckets, [], at=at)
        return [
            Pace(
                rate=float(rate),
                used=int(used),
                reserved=int(reserved),
                pause=timedelta(microseconds=int(pause)),
                sent_today=int(sent),
            )
            for rate, used, reserved, pause, sent in told
        ]

    async def pairs(
        self, names: Sequence[str], *, every: timedelta, burst: int, at: str = ""
    ) -> list[timedelta]:
        """Take one message to each of the named recipients: zero where it may go, else how long
        that recipient is to be left alone."""
        if not names:
            return []
        keys = [f"{_PREFIX}:since", *(f"{_PREFIX}:to:{name}" for name in names)]
        waits = await self._pairs(
            keys=keys, args=[at, int(every / timedelta(microseconds=1)), burst]
        )
        return [timedelta(microseconds=int(wait)) for wait in waits]

    async def _run(
        self, command: str, buckets: Sequence[Bucket], args: Sequence[Any], *, at: str = ""
    ) -> Any:
        keys = [f"{_PREFIX}:{one.name}{part}" for one in buckets for part in ("", ":log", ":held")]
        told: list[Any] = [command, at]
        for one in buckets:
            micros = int(one.day_left / timedelta(microseconds=1))
            told += [one.rate, one.daily_cap or 0, one.day, micros]
        return await self._script(keys=keys, args=[*told, *args])
