"""What those who watch the inbox are told: ids only, in an order that can be resumed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnClause, delete, func, insert, literal_column, select, text, tuple_

from handbell.audit.service import OWN_XID
from handbell.inbox.errors import EventMarkUnusable
from handbell.inbox.tables import InboxEventRow
from handbell.inbox.types import EventKind, InboxEvent
from handbell.platform.db import OrganizationId, Tx

CHANNEL: Final = "handbell_inbox"
"""The channel of PostgreSQL on which watchers are woken; what is said there is whose inbox."""
KEPT: Final = timedelta(days=7)
BATCH: Final = 200
_SETTLED: Final[ColumnClause[int]] = literal_column(
    "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
)
"""Every transaction below this one has ended: nothing can be written before it any more."""
_LAST: Final = 2**63 - 1

Mark = tuple[int, int]


async def tell(
    tx: Tx,
    organization_id: OrganizationId,
    kind: EventKind,
    conversation_id: int,
    *,
    now: datetime,
) -> None:
    """Tell all who watch, once this transaction has committed."""
    new = insert(InboxEventRow).values(
        organization_id=organization_id,
        xid=literal_column(OWN_XID),
        kind=kind.value,
        conversation_id=conversation_id,
        at=now,
    )
    await tx.execute(new)
    await tx.execute(select(func.pg_notify(CHANNEL, str(organization_id))))


async def forget(tx: Tx, *, now: datetime) -> None:
    """Drop what nobody resumes from any more."""
    await tx.execute(delete(InboxEventRow).where(InboxEventRow.at < now - KEPT))


async def present(tx: Tx) -> Mark:
    """The mark after which everything is new to somebody who begins to watch now."""
    settled: int = (await tx.execute(text(f"SELECT {_SETTLED}"))).scalar_one()
    return settled - 1, _LAST


async def since(tx: Tx, mark: Mark) -> Sequence[InboxEvent]:
    """The next events after a mark, in order; what may still be overtaken comes later."""
    row = InboxEventRow
    after = tuple_(row.xid, row.id) > tuple_(*mark)
    statement = select(row.__table__).where(after, row.xid < _SETTLED).order_by(row.xid, row.id)
    return [
        InboxEvent(
            mark=f"{found.xid}.{found.id}",
            kind=EventKind(found.kind),
            conversation_id=found.conversation_id,
            at=found.at,
        )
        for found in await tx.execute(statement.limit(BATCH))
    ]


async def has_unsettled(tx: Tx, mark: Mark) -> bool:
    """Whether events stand behind a transaction that has not ended yet."""
    row = InboxEventRow
    after = tuple_(row.xid, row.id) > tuple_(*mark)
    statement = select(row.id).where(after, row.xid >= _SETTLED).limit(1)
    return (await tx.execute(statement)).one_or_none() is not None


def read_mark(told: str) -> Mark:
    """Read a `Last-Event-ID`. Raises `EventMarkUnusable`."""
    xid, dot, number = told.partition(".")
    parts = (xid, number)
    is_ours = dot and all(part.isascii() and part.isdecimal() for part in parts)
    if not is_ours or max(int(part[:20]) for part in parts) > _LAST:
        raise EventMarkUnusable
    return int(xid), int(number)
