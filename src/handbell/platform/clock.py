"""The one place that reads a clock. Everything else takes `now` as an argument."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


class Clock(Protocol):
    """Tells the current business instant: aware, in UTC."""

    async def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    async def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class FrozenClock:
    """A clock for tests: it stands still until it is moved."""

    instant: datetime

    async def now(self) -> datetime:
        return self.instant

    def advance(self, by: timedelta) -> None:
        self.instant += by


@dataclass(frozen=True)
class SimClock:
    """One stepped instant shared by all processes: the single row of `sim_clock`.

    Only the demo moves it. Heartbeats, token buckets and time-outs never use it.
    """

    engine: AsyncEngine

    async def now(self) -> datetime:
        reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with reading.connect() as connection:
            at: datetime = (
                await connection.execute(text("SELECT at FROM sim_clock"))
            ).scalar_one()
        return at
