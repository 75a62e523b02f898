"""The one place that reads a clock. Everything else takes `now` as an argument."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import asyncpg


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

    Only the demo moves it. Heartbeats, token buckets and time-outs never use it. It is read all
    the time, so it has a connection of its own and goes past the pool.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._alone = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    async def now(self) -> datetime:
        async with self._alone:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._url)
            at: datetime = await self._connection.fetchval("SELECT at FROM sim_clock")
        return at

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
