"""Takes what a record system tells of providers, places and visits; newest statement stands.

Every function works inside the caller's transaction, one event at a time.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from handbell.directory import store
from handbell.directory.errors import InvalidZone, UnknownAppointment
from handbell.directory.policy import canonical_address, is_older
from handbell.directory.tables import AppointmentRow, LocationRow, ProviderRow
from handbell.directory.types import (
    AppointmentChange,
    AppointmentStatus,
    Location,
    Origin,
    Provider,
    Stale,
    Taken,
    ThingKind,
    Upserted,
)
from handbell.platform.db import OrganizationId, Tx

__all__ = ["canonical_address", "ensure_address", "find_id", "upsert"]

ensure_address = store.ensure_address
find_id = store.find_id

DEFAULT_DURATION_MINUTES = 30


async def upsert(
    tx: Tx,
    organization_id: OrganizationId,
    kind: ThingKind,
    origin: Origin,
    write: Callable[[int | None], Awaitable[Taken]],
) -> Upserted:
    """Let `write` create (given None) or change (given our id) unless the news is old."""
    known = await store.lock_external_id(tx, organization_id, kind, origin)
    if known and is_older(origin, version=known.version, told_at=known.told_at):
        return Stale(known.internal_id)
    taken = await write(known.internal_id if known else None)
    await store.record_external_id(tx, organization_id, kind, origin, taken.internal_id)
    return taken


async def upsert_provider(
    tx: Tx, organization_id: OrganizationId, origin: Origin, provider: Provider
) -> Upserted:
    async def write(known: int | None) -> Taken:
        if provider.name is None and known is not None:
            return Taken(internal_id=known, changed=False)
        values = {"name": provider.name or ""}
        return await _write(tx, organization_id, ProviderRow, known, values)

    return await upsert(tx, organization_id, ThingKind.PROVIDER, origin, write)


async def ensure_provider(
    tx: Tx, organization_id: OrganizationId, source: str, external_id: str
) -> int:
    """A provider that others name before its own event came: it begins without a name."""
    never = datetime.fromtimestamp(0, UTC)
    origin = Origin(source=source, external_id=external_id, version=None, told_at=never)
    known = await store.lock_external_id(tx, organization_id, ThingKind.PROVIDER, origin)
    if known:
        return int(known.internal_id)
    nameless = Provider(name=None)
    return (await upsert_provider(tx, organization_id, origin, nameless)).internal_id


async def upsert_location(
    tx: Tx, organization_id: OrganizationId, origin: Origin, location: Location
) -> Upserted:
    async def write(known: int | None) -> Taken:
        values = {
            "name": location.name,
            "timezone": location.timezone,
            "phone": location.phone,
            "sensitive": location.sensitive,
        }
        return await _write(tx, organization_id, LocationRow, known, values)

    return await upsert(tx, organization_id, ThingKind.LOCATION, origin, write)


async def find_location_zone(tx: Tx, location_id: int) -> str | None:
    statement = select(LocationRow.timezone).where(LocationRow.id == location_id)
    return (await tx.execute(statement)).scalar_one_or_none()


async def upsert_appointment(
    tx: Tx,
    organization_id: OrganizationId,
    origin: Origin,
    appointment: AppointmentChange,
    *,
    now: datetime,
) -> Upserted:
    """Take a change of a visit; its version grows with each real change.

    A visit that the patient confirmed stays confirmed while its start stays. Raises
    `UnknownAppointment` when a new one lacks its start.
    """

    async def write(known: int | None) -> Taken:
        if known is None:
            return await _book(tx, organization_id, appointment, now=now)
        return await _change_appointment(tx, known, appointment, now=now)

    return await upsert(tx, organization_id, ThingKind.APPOINTMENT, origin, write)


async def _book(
    tx: Tx, organization_id: OrganizationId, appointment: AppointmentChange, *, now: datetime
) -> Taken:
    if appointment.starts_at is None:
        raise UnknownAppointment("No such appointment, and no start to book it.", field="start")
    if appointment.timezone is None:
        raise InvalidZone("The appointment's time zone is unknown.", field="timezone")
    values = {
        "organization_id": organization_id,
        "duration_minutes": DEFAULT_DURATION_MINUTES,
        "changed_at": now,
        **_said(appointment),
    }
    return Taken(internal_id=await store.create(tx, AppointmentRow, values), changed=True)


async def _change_appointment(
    tx: Tx, appointment_id: int, appointment: AppointmentChange, *, now: datetime
) -> Taken:
    before = (
        await tx.execute(
            select(AppointmentRow.status, AppointmentRow.starts_at)
            .where(AppointmentRow.id == appointment_id)
            .with_for_update()
        )
    ).one()
    values = _said(appointment)
    starts_at = appointment.starts_at or before.starts_at
    is_confirmed = before.status == AppointmentStatus.CONFIRMED
    if is_confirmed and values["status"] == "booked" and starts_at == before.starts_at:
        del values["status"]
    changed = await store.change(tx, AppointmentRow, appointment_id, values)
    if changed:
        grown = {"version": AppointmentRow.version + 1, "changed_at": now}
        where = AppointmentRow.id == appointment_id
        await tx.execute(update(AppointmentRow).where(where).values(**grown))
    return Taken(internal_id=appointment_id, changed=changed)


def _said(appointment: AppointmentChange) -> dict[str, Any]:
    values = {
        "status": appointment.status.value,
        "patient_id": appointment.patient_id,
        "provider_id": appointment.provider_id,
        "location_id": appointment.location_id,
        "starts_at": appointment.starts_at,
        "timezone": appointment.timezone,
        "duration_minutes": appointment.duration_minutes,
        "kind": appointment.kind,
    }
    return {name: value for name, value in values.items() if value is not None}


async def _write(
    tx: Tx,
    organization_id: OrganizationId,
    row: Any,
    known: int | None,
    values: dict[str, Any],
) -> Taken:
    if known is None:
        row_id = await store.create(tx, row, {"organization_id": organization_id, **values})
        return Taken(internal_id=row_id, changed=True)
    return Taken(internal_id=known, changed=await store.change(tx, row, known, values))
