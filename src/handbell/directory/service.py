"""Takes what a record system tells of providers, places and visits; newest statement stands.

Every function works inside the caller's transaction, one event at a time.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from handbell.directory import conditions, slots, store, visits
from handbell.directory.errors import InvalidZone, UnknownAppointment
from handbell.directory.policy import canonical_address, is_older
from handbell.directory.tables import AppointmentRow, LocationRow, ProviderRow
from handbell.directory.types import (
    AppointmentChange,
    AppointmentStatus,
    Location,
    Origin,
    Provider,
    ProviderFacts,
    Stale,
    Taken,
    ThingKind,
    Upserted,
)
from handbell.platform.db import OrganizationId, Tx
from handbell.scheduling.types import WhenClosed

__all__ = [
    "birth_year_in",
    "canonical_address",
    "channel_of_in",
    "coming_visits_in",
    "ensure_address",
    "find_id",
    "find_visit_in",
    "first_name_in",
    "forget_told_in",
    "free_slots_in",
    "held_for_in",
    "hold_addresses_in",
    "lock_visit_in",
    "lock_visits_in",
    "mark_wrong_number_in",
    "patients_on_address_in",
    "put_conditions",
    "put_slots",
    "release_addresses_in",
    "same_day_in",
    "set_cancelled_in",
    "set_confirmed_in",
    "subject_key_in",
    "subject_keys_in",
    "upsert",
    "want_slot_in",
]

ensure_address = store.ensure_address
find_id = store.find_id
put_conditions = conditions.put_conditions
mark_wrong_number_in = store.mark_wrong_number
forget_told_in = store.forget_told
hold_addresses_in = store.hold_addresses
release_addresses_in = store.release_addresses
held_for_in = store.held_for
patients_on_address_in = store.patients_on_address
subject_key_in = store.subject_key
subject_keys_in = store.subject_keys
find_visit_in = visits.find_visit_in
coming_visits_in = visits.coming_visits_in
lock_visit_in = visits.lock_visit_in
lock_visits_in = visits.lock_visits_in
same_day_in = visits.same_day_in
birth_year_in = visits.birth_year_in
put_slots = slots.put_slots
free_slots_in = slots.free_slots_in
want_slot_in = slots.want_slot_in
set_cancelled_in = visits.set_cancelled_in
set_confirmed_in = visits.set_confirmed_in
first_name_in = visits.first_name_in
channel_of_in = visits.channel_of_in

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
        said = {
            "name": "" if known is None and provider.name is None else provider.name,
            "reminder_hours_before": provider.reminder_hours_before,
            "auto_reminders": provider.auto_reminders,
        }
        values = {name: value for name, value in said.items() if value is not None}
        return await _write(tx, organization_id, ProviderRow, known, values)

    return await upsert(tx, organization_id, ThingKind.PROVIDER, origin, write)


async def find_provider_in(tx: Tx, provider_id: int) -> ProviderFacts | None:
    """A clinician of the organisation."""
    statement = select(ProviderRow.__table__).where(ProviderRow.id == provider_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        return None
    hours = row.reminder_hours_before
    return ProviderFacts(
        id=row.id,
        name=row.name,
        reminder_hours_before=None if hours is None else tuple(hours),
        auto_reminders=row.auto_reminders,
        when_closed=WhenClosed(row.when_closed),
        signature=row.signature,
    )


async def change_provider_in(tx: Tx, provider_id: int, facts: Mapping[str, Any]) -> None:
    """Write some columns of a clinician, as people do who do not speak for a record system."""
    await store.change(tx, ProviderRow, provider_id, dict(facts))


async def ensure_provider(
    tx: Tx, organization_id: OrganizationId, source: str, external_id: str
) -> int:
    """A provider that others name before its own event came: it begins without a name."""
    known = await find_id(tx, organization_id, ThingKind.PROVIDER, source, external_id)
    if known is not None:
        return known
    never = datetime.fromtimestamp(0, UTC)
    origin = Origin(source=source, external_id=external_id, version=None, told_at=never)
    nameless = Provider(name=None)
    return (await upsert_provider(tx, organization_id, origin, nameless)).internal_id


async def has_provider(tx: Tx, provider_id: int) -> bool:
    """Whether the organisation of the transaction has this clinician."""
    statement = select(ProviderRow.id).where(ProviderRow.id == provider_id)
    return (await tx.execute(statement)).scalar_one_or_none() is not None


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
    """Take a change of a visit; its version grows when its start or its status changes: what a
    patient was asked about, and what links and answers are bound to.

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
    statement = select(AppointmentRow.__table__).where(AppointmentRow.id == appointment_id)
    before = (await tx.execute(statement.with_for_update())).one()
    values = _said(appointment)
    starts_at = appointment.starts_at or before.starts_at
    is_confirmed = before.status == AppointmentStatus.CONFIRMED
    if is_confirmed and values["status"] == "booked" and starts_at == before.starts_at:
        del values["status"]
    if all(getattr(before, name) == value for name, value in values.items()):
        return Taken(internal_id=appointment_id, changed=False)
    is_another = (
        starts_at != before.starts_at or values.get("status", before.status) != before.status
    )
    grown = {"version": before.version + int(is_another), "changed_at": now}
    where = AppointmentRow.id == appointment_id
    await tx.execute(update(AppointmentRow).where(where).values(**values, **grown))
    return Taken(internal_id=appointment_id, changed=True)


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
        "confidential": appointment.confidential,
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
