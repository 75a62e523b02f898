"""When people read the inbox, as the organisation has said."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from handbell.inbox.tables import InboxSettingsRow
from handbell.inbox.types import Hours
from handbell.platform.db import OrganizationId, Tx


async def hours_in(tx: Tx, organization_id: OrganizationId) -> Hours:
    """The organisation's hours; the defaults where it has said nothing."""
    mine = InboxSettingsRow.organization_id == organization_id
    row = (await tx.execute(select(InboxSettingsRow.__table__).where(mine))).one_or_none()
    return Hours() if row is None else _to_hours(row)


async def write_hours(tx: Tx, organization_id: OrganizationId, hours: Hours) -> None:
    values = {
        "timezone": hours.timezone,
        "opens": hours.opens,
        "closes": hours.closes,
        "weekdays": sorted(hours.weekdays),
        "closed_on_holidays": hours.closed_on_holidays,
        "answers_after_hours": hours.answers_after_hours,
    }
    new = insert(InboxSettingsRow).values(organization_id=organization_id, **values)
    await tx.execute(new.on_conflict_do_update(index_elements=["organization_id"], set_=values))


def _to_hours(row: Row[Any]) -> Hours:
    return Hours(
        timezone=row.timezone,
        opens=row.opens,
        closes=row.closes,
        weekdays=frozenset(row.weekdays),
        closed_on_holidays=row.closed_on_holidays,
        answers_after_hours=row.answers_after_hours,
    )
