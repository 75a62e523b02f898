"""The one place that reads a clock. Everything else takes `now` as an argument."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from handbell.platform.direct import Direct


class Clock(Protocol):
    """Tells the current business instant: aware, in UTC."""

    async def now(self) -> datetime: ...

    async def close(self) -> None: ...


class SystemClock:
    """The machine's clock."""

    async def now(self) -> datetime:
        return datetime.now(UTC)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class FrozenClock:
    """A clock for tests: it stands still until it is moved."""

    instant: datetime

    async def now(self) -> datetime:
        return self.instant

    async def close(self) -> None:
        """Nothing is open."""

    def advance(self, by: timedelta) -> None:
        self.instant += by


class SimClock:
    """One stepped instant shared by all processes: the single row of `sim_clock`.

    Only the demo moves it. Heartbeats, token buckets and time-outs never use it.
    """

    def __init__(self, url: str) -> None:
        self._direct = Direct(url)

    async def now(self) -> datetime:
        (row,) = await self._direct.rows("SELECT at FROM sim_clock")
        at: datetime = row["at"]
        return at

    async def close(self) -> None:
        await self._direct.close()
