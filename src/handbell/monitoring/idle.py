"""`/_demo/idle`: whether anything is left to do at the simulated instant, and when the next is.

Served in simulated time only: the demo moves its clock when all is quiet.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel

from handbell.monitoring.service import CHANNELS, LANES, RUNNING
from handbell.platform.clock import Clock
from handbell.platform.db import Database

IDLE: Final = f"""
SELECT
    (SELECT count(*) FROM outbox WHERE not_before <= $1) AS outbox,
    (SELECT count(*) FROM messages WHERE lifecycle = 'queued') AS queued,
    (SELECT count(*) FROM messages WHERE lifecycle = 'sending') AS sending,
    planned.due,
    LEAST(planned.next_at, (SELECT min(not_before) FROM outbox WHERE not_before > $1),
        (SELECT min(until_at) FROM pauses WHERE ended_at IS NULL AND until_at > $1)) AS next_at
FROM (
    SELECT coalesce(sum(of_lane.due), 0)::int AS due, min(of_lane.next_at) AS next_at
    FROM organizations
    CROSS JOIN unnest($2::text[]) AS asked_lane(lane)
    CROSS JOIN LATERAL {RUNNING} AS running
    CROSS JOIN LATERAL (
        SELECT
            (SELECT count(*) FROM messages
             WHERE lifecycle = 'scheduled' AND messages.lane = asked_lane.lane
               AND organization_id = organizations.id AND scheduled_at <= $1
               AND channel = ANY(running.channels)) AS due,
            (SELECT min(scheduled_at) FROM messages
             WHERE lifecycle = 'scheduled' AND messages.lane = asked_lane.lane
               AND organization_id = organizations.id AND scheduled_at > $1) AS next_at
    ) AS of_lane
) AS planned
"""  # noqa: S608 - names of ours only
"""One statement, one snapshot. It goes lane by lane, as the index of due messages does, so that
its cost does not grow with the messages that wait. Work that is leased is still due; what
people have paused is not, until its pause ends."""

PAUSE_SECONDS: Final = 0.01


class Busy(BaseModel):
    """What is still to do at this instant; `due` are messages that nobody has claimed yet."""

    outbox: int
    queued: int
    sending: int
    due: int


class Idle(BaseModel):
    """`next_at` is the first instant after now that something waits for."""

    idle: bool
    next_at: datetime | None
    now: datetime
    busy: Busy


def demo_router(db: Database, clock: Clock) -> APIRouter:
    """Counts over all organisations: no rows, and nothing that tells of a patient."""
    router = APIRouter(prefix="/_demo", include_in_schema=False)

    @router.get("/idle")
    async def idle(wait_ms: Annotated[int, Query(ge=0, le=1000)] = 0) -> Idle:
        """Whether outbox, lanes and attempts in flight are empty at the clock's instant; where
        asked to, wait so many milliseconds of real time until they are."""
        now = await clock.now()
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait_ms / 1000
        while not (found := await _count(db, now=now)).idle and loop.time() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_SECONDS)
        return found

    return router


async def _count(db: Database, *, now: datetime) -> Idle:
    (row,) = await db.direct.rows(IDLE, now, LANES, CHANNELS)
    busy = Busy(**{name: row[name] for name in Busy.model_fields})
    is_idle = not any(busy.model_dump().values())
    return Idle(idle=is_idle, next_at=row["next_at"], now=now, busy=busy)
