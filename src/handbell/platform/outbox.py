"""Work that a transaction leaves behind: stored with the facts, done after the commit.

At least once: a claim is a lease, and what is not done when it ends is claimed again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.tables import OutboxRow

LEASE: Final = timedelta(minutes=1)
BATCH: Final = 100


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


async def claim(
    tx: Tx, *, now: datetime, limit: int = BATCH, lease: timedelta = LEASE
) -> list[Work]:
    """Take due work, oldest first, past what others hold; it comes back after the lease.

    Run it in an engine transaction, commit, do the work, then call `done`.
    """
    due = (
        select(OutboxRow.id)
        .where(OutboxRow.not_before <= now)
        .order_by(OutboxRow.not_before, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(due.scalar_subquery()))
        .values(not_before=now + lease, attempts=OutboxRow.attempts + 1)
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
