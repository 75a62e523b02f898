"""Which pauses are in force; `delivery.pauses` makes and ends them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, or_, select

from handbell.channels.tables import PauseRow, SenderLineRow
from handbell.channels.types import Line, NewOrders, Pause, PauseScope
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Lane


def is_paused(*, organization_id: str, lane: str, channel: str, now: str) -> str:
    """The SQL condition that all messages of an organisation, lane and channel are stopped. The
    arguments are SQL: columns or parameters. Which line a message leaves from is not known to
    SQL, so that pauses of lines are left to the worker."""
    return f"""EXISTS (
        SELECT 1 FROM pauses p
        WHERE p.ended_at IS NULL AND (p.until_at IS NULL OR p.until_at > {now})
          AND p.line_id IS NULL
          AND (p.organization_id IS NULL OR p.organization_id = {organization_id})
          AND (p.lane = {lane} OR (p.lane IS NULL AND {lane} <> 'urgent'))
          AND (p.channel IS NULL OR p.channel = {channel})
    )"""  # noqa: S608 - names of ours only


async def pauses_in_force(
    tx: Tx, organization_id: OrganizationId, *, now: datetime
) -> list[Pause]:
    """What stops the organisation's delivery now, the oldest first."""
    row = PauseRow
    statement = (
        select(row.__table__)
        .where(
            row.ended_at.is_(None),
            or_(row.until_at.is_(None), row.until_at > now),
            or_(row.organization_id.is_(None), row.organization_id == organization_id),
        )
        .order_by(row.id)
    )
    return [to_pause(found) for found in await tx.execute(statement)]


async def find_line_in(tx: Tx, line_id: int) -> Line | None:
    """One of the lines that the transaction may see."""
    statement = select(SenderLineRow.__table__).where(SenderLineRow.id == line_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        return None
    return Line(
        id=row.id,
        organization_id=OrganizationId(row.organization_id),
        account_id=row.account_id,
        channel=Channel(row.channel),
        address=row.address,
        reference=row.reference,
    )


def to_pause(row: Row[Any]) -> Pause:
    organization_id = row.organization_id
    return Pause(
        id=row.id,
        scope=PauseScope(
            organization_id=None if organization_id is None else OrganizationId(organization_id),
            lane=Lane(row.lane) if row.lane else None,
            channel=Channel(row.channel) if row.channel else None,
            line_id=row.line_id,
        ),
        new_orders=NewOrders(row.new_orders),
        reason=row.reason,
        paused_by=row.paused_by,
        paused_at=row.paused_at,
        until_at=row.until_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )
