"""Work that a transaction leaves behind: stored with the facts, done after the commit.

At least once: a claim is a lease, and what is not done when it ends is claimed again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, literal_column, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.leases import ENDED, UNTIL
from handbell.platform.tables import OutboxRow

BATCH: Final = 100
WAKE: Final = "handbell_wake"
"""The channel of PostgreSQL on which dispatchers are woken when a transaction commits."""
MOST_PAUSE: Final = timedelta(hours=1)


_WAKE: Final = text(f"NOTIFY {WAKE}")


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
    await tx.execute(
        insert(OutboxRow).values(
            organization_id=organization_id,
            topic=topic,
            args=dict(args),
            created_at=now,
            not_before=not_before or now,
        )
    )
    await wake(tx)


async def wake(tx: Tx) -> None:
    """Wake the dispatchers once this transaction has committed; they would look soon anyway."""
    await tx.execute(_WAKE)


async def claim(tx: Tx, *, now: datetime, limit: int = BATCH) -> list[Work]:
    """Take due work, oldest first, past what others hold; it comes back after the lease.

    Run it in an engine transaction, commit, do the work, then call `done` or `postpone`.
    """
    is_free = or_(OutboxRow.leased_until.is_(None), text(f"outbox.{ENDED}"))
    due = (
        select(OutboxRow.id)
        .where(OutboxRow.not_before <= now, is_free)
        .order_by(OutboxRow.not_before, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(due.scalar_subquery()))
        .values(leased_until=literal_column(UNTIL), attempts=OutboxRow.attempts + 1)
        .returning(
            OutboxRow.id,
            OutboxRow.organization_id,
            OutboxRow.topic,
            OutboxRow.args,
            OutboxRow.attempts,
        )
    )
    rows = (await tx.execute(statement)).all()
    claimed = [
        Work(
            id=row.id,
            organization_id=OrganizationId(row.organization_id),
            topic=row.topic,
            args=row.args,
            attempts=row.attempts,
        )
        for row in rows
    ]
    return sorted(claimed, key=lambda work: work.id)


async def done(tx: Tx, work_ids: Iterable[int]) -> None:
    """Forget finished work."""
    await tx.execute(delete(OutboxRow).where(OutboxRow.id.in_(list(work_ids))))


async def postpone(tx: Tx, work_id: int, *, attempts: int, now: datetime) -> None:
    """Give work back that failed: it is due again after 1, 2, 4 … seconds, at most an hour."""
    pause = min(timedelta(seconds=2 ** min(attempts - 1, 12)), MOST_PAUSE)
    await tx.execute(
        update(OutboxRow)
        .where(OutboxRow.id == work_id)
        .values(not_before=now + pause, leased_until=None)
    )
