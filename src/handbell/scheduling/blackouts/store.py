"""Blackouts in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, or_, select, update

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.blackouts.tables import BlackoutRow
from handbell.scheduling.blackouts.types import BlackoutDraft, BlackoutView
from handbell.scheduling.types import Blackout

_ROW: Final = BlackoutRow.__table__
_TOLD: Final = ("id", "starts_at", "ends_at", "state", "country", "channel", "message_class")


async def add(
    tx: Tx,
    organization_id: OrganizationId | None,
    draft: BlackoutDraft,
    *,
    actor: str,
    now: datetime,
) -> BlackoutView:
    """Keep it; without an organisation it holds everywhere."""
    statement = insert(BlackoutRow).values(
        organization_id=organization_id,
        entered_by=actor,
        entered_at=now,
        changed_at=now,
        **_columns(draft),
    )
    return _to_view((await tx.execute(statement.returning(_ROW))).one())


async def find(tx: Tx, blackout_id: int) -> BlackoutView | None:
    """The one of that number, also one that holds everywhere."""
    row = (await tx.execute(select(_ROW).where(BlackoutRow.id == blackout_id))).one_or_none()
    return None if row is None else _to_view(row)


async def change(
    tx: Tx, blackout_id: int, draft: BlackoutDraft, *, now: datetime
) -> BlackoutView | None:
    """Write it anew; None where it is gone."""
    statement = (
        update(BlackoutRow)
        .where(BlackoutRow.id == blackout_id)
        .values(changed_at=now, **_columns(draft))
        .returning(_ROW)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _to_view(row)


async def remove(tx: Tx, blackout_id: int) -> BlackoutView | None:
    """Take it away and give what it was; None where it is gone."""
    statement = delete(BlackoutRow).where(BlackoutRow.id == blackout_id).returning(_ROW)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _to_view(row)


async def page(
    tx: Tx, organization_id: OrganizationId, *, limit: int, offset: int
) -> tuple[list[BlackoutView], int]:
    """The organisation's and those that hold everywhere, the latest first, and their number."""
    where = binds(organization_id)
    total = (await tx.execute(select(func.count()).select_from(_ROW).where(where))).scalar_one()
    newest = select(_ROW).where(where).order_by(BlackoutRow.starts_at.desc(), BlackoutRow.id)
    rows = await tx.execute(newest.limit(limit).offset(offset))
    return [_to_view(row) for row in rows], total


def binds(organization_id: Any) -> Any:
    """The condition that a row holds for the organisation."""
    own = BlackoutRow.organization_id
    return or_(own == organization_id, own.is_(None))


def told(organization_id: Any, *, now: Any) -> Any:
    """A scalar subquery: all that hold for the organisation and are not over, as one value."""
    pairs = [part for name in _TOLD for part in (name, getattr(BlackoutRow, name))]
    return (
        select(func.jsonb_agg(func.jsonb_build_object(*pairs)))
        .where(binds(organization_id), BlackoutRow.ends_at > now)
        .scalar_subquery()
    )


def read_told(value: Sequence[Mapping[str, Any]] | None) -> tuple[Blackout, ...]:
    """What such a value says, in the order of its beginnings."""
    found = [_to_blackout(one) for one in value or ()]
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.id)))


def _to_blackout(one: Mapping[str, Any]) -> Blackout:
    return Blackout(
        id=one["id"],
        starts_at=_instant(one["starts_at"]),
        ends_at=_instant(one["ends_at"]),
        state=one["state"],
        country=one["country"],
        channel=Channel(one["channel"]) if one["channel"] else None,
        message_class=MessageClass(one["message_class"]) if one["message_class"] else None,
    )


def _instant(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _columns(draft: BlackoutDraft) -> dict[str, Any]:
    names = ("starts_at", "ends_at", "state", "country", "channel", "message_class", "reason")
    return {name: getattr(draft, name) for name in names}


def _to_view(row: Row[Any]) -> BlackoutView:
    return BlackoutView(
        blackout=_to_blackout(row._asdict()),
        reason=row.reason,
        is_everywhere=row.organization_id is None,
        entered_by=row.entered_by,
        entered_at=row.entered_at,
        changed_at=row.changed_at,
    )
