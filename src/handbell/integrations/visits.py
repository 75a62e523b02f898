"""What every way in for visits shares: the visit's zone, its instant, and its reminders."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from handbell.directory import service as directory
from handbell.platform import outbox
from handbell.platform.db import OrganizationId, Tx
from handbell.preferences import service as preferences

PLAN_TOPIC: Final = "reminders.plan"


async def zone_of_visit(
    tx: Tx, organization_id: OrganizationId, *, patient_id: int, location_id: int | None
) -> str:
    """The zone of the place, else the one that the patient lives by."""
    if location_id is not None:
        zone = await directory.find_location_zone(tx, location_id)
        if zone is not None:
            return zone
    resolved: dict[int, Any] = dict(
        await preferences.resolve_many_in(tx, organization_id, [patient_id])
    )
    return str(resolved[patient_id].timezone)


def instant_of(start: datetime | None, zone: str) -> datetime | None:
    """A start without an offset is local to the zone."""
    if start is None or start.tzinfo is not None:
        return start
    return start.replace(tzinfo=ZoneInfo(zone))


async def plan_reminders(
    tx: Tx, organization_id: OrganizationId, appointment_id: int, *, now: datetime
) -> None:
    """Have the reminders of a new or changed visit planned after the commit (R8.1, R8.2)."""
    args = {"appointment_id": appointment_id}
    await outbox.add(tx, organization_id, PLAN_TOPIC, args, now=now)
