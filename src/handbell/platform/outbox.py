"""Work that a transaction leaves behind: stored with the facts, done after the commit.

At least once: a claim is a lease, and what is not done when it ends is claimed again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import update

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.direct import Direct
from handbell.platform.leases import ENDED, HELD, UNTIL
from handbell.platform.tables import OutboxRow
from handbell.platform.vocabulary import Lane

BATCH: Final = 100
ROOM: Final = 400
"""Pieces that are out at once, so that a lease never ends in the queue: what is claimed again
while it waits there is done twice, and the queue grows by what it does not get done."""
WAKE: Final = "handbell_wake"
"""The channel of PostgreSQL on which dispatchers are woken when a transaction commits. What is
said there is the lane that has something to do; nothing means that any may have."""
MOST_PAUSE: Final = timedelta(hours=1)


_ADD: Final = f"""
WITH added AS (
    INSERT INTO outbox (organization_id, topic, args, created_at, not_before)
    VALUES ($1, $2, $3, $4, $5)
)
SELECT pg_notify('{WAKE}', '{Lane.JOBS.value}')
"""  # noqa: S608 - constants of ours only
_WAKE: Final = f"SELECT pg_notify('{WAKE}', lane) FROM unnest($1::text[]) AS lane"  # noqa: S608
_CLAIM: Final = f"""
UPDATE outbox SET leased_until = {UNTIL}, attempts = attempts + 1
WHERE id IN (
    SELECT id FROM outbox WHERE not_before <= $1 AND (leased_until IS NULL OR {ENDED})
    ORDER BY not_before, id
    LIMIT least($2, greatest(0, $3 - (SELECT count(*) FROM outbox WHERE {HELD})))
    FOR UPDATE SKIP LOCKED
)
RETURNING id, organization_id, topic, args, attempts
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A claimed row. `attempts` counts the claims, this one included."""

    id: int
    organization_id: OrganizationId
    topic: str
    args: Mapping[str, Any]
    attempts: int


async def add(
    tx: Tx,
    organization_id: OrganizationId,
    topic: str,
    args: Mapping[str, Any],
    *,
    now: datetime,
    not_before: datetime | None = None,
) -> None:
    """Leave work behind in this transaction. `args` holds ids, never a patient's data."""
    told = json.dumps(dict(args))
    await tx.exec_driver_sql(_ADD, (organization_id, topic, told, now, not_before or now))


async def wake(tx: Tx, lanes: Iterable[Lane] = ()) -> None:
    """Wake the dispatchers once this transaction has committed, those of the lanes or all; they
    would look soon anyway."""
    told = sorted(lane.value for lane in set(lanes))
    await tx.exec_driver_sql(_WAKE, (told or [""],))


async def claim(direct: Direct, *, now: datetime, limit: int = BATCH) -> list[Work]:
    """Take due work, oldest first, past what others hold, as far as there is room; it comes back
    after the lease.

    Do the work, then call `done` or `postpone`.
    """
    claimed = [
        Work(
            id=row["id"],
            organization_id=OrganizationId(row["organization_id"]),
            topic=row["topic"],
            args=row["args"],
            attempts=row["attempts"],
        )
        for row in await direct.rows(_CLAIM, now, limit, ROOM)
    ]
    return sorted(claimed, key=lambda work: work.id)


async def done(direct: Direct, work_ids: Sequence[int]) -> None:
    """Forget finished work."""
    await direct.rows("DELETE FROM outbox WHERE id = ANY($1)", work_ids)


async def postpone(tx: Tx, work_id: int, *, attempts: int, now: datetime) -> None:
    """Give work back that failed: it is due again after 1, 2, 4 … seconds, at most an hour."""
    pause = min(timedelta(seconds=2 ** min(attempts - 1, 12)), MOST_PAUSE)
    await tx.execute(
        update(OutboxRow)
        .where(OutboxRow.id == work_id)
        .values(not_before=now + pause, leased_until=None)
    )
