"""What each kind of event does, inside the transaction of its event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from handbell.consent.types import Kind
from handbell.directory import service as directory
from handbell.directory.errors import InvalidZone, UnknownPatient
from handbell.directory.types import (
    AppointmentChange,
    AppointmentStatus,
    Location,
    NewSlot,
    Origin,
    Provider,
    Stale,
    Taken,
    ThingKind,
)
from handbell.integrations import visits
from handbell.integrations.events.payloads import (
    AppointmentData,
    DefaultsData,
    LocationData,
    MergeData,
    PatientData,
    ProviderData,
    SlotData,
    SlotsData,
)
from handbell.messages import service as messages
from handbell.patients.service import PatientService
from handbell.patients.types import Contact, Registration, Residence, ToldConsent
from handbell.platform.db import OrganizationId, Tx
from handbell.preferences import service as preferences
from handbell.preferences.types import FIELDS, Level, LevelChange

STATUS_OF_TYPE: Final = {
    "appointment.booked": AppointmentStatus.BOOKED,
    "appointment.rescheduled": AppointmentStatus.BOOKED,
    "appointment.cancelled": AppointmentStatus.CANCELLED,
    "appointment.completed": AppointmentStatus.COMPLETED,
    "appointment.no_show": AppointmentStatus.NO_SHOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event in its transaction."""

    tx: Tx
    organization_id: OrganizationId
    type: str
    origin: Origin
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A part that was left out."""

    code: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Our id of the thing; what was left out of the event is named in `reasons`."""

    id: int
    is_stale: bool
    reasons: tuple[Left, ...] = ()


async def apply_location(told: Told, data: LocationData) -> Applied:
    location = Location(
        name=data.name,
        timezone=preferences.canonical_zone(data.timezone),
        phone=data.phone,
        sensitive=data.sensitive,
    )
    result = await directory.upsert_location(told.tx, told.organization_id, told.origin, location)
    return Applied(id=result.internal_id, is_stale=isinstance(result, Stale))


async def apply_provider(told: Told, data: ProviderData) -> Applied:
    """A provider's name and defaults (R8.4); the defaults reach their patients at once.

    How visits are reminded of holds for visits that are planned from now on.
    """
    defaults = data.defaults or DefaultsData()
    provider = Provider(
        name=data.name,
        reminder_hours_before=defaults.reminder_hours_before,
        auto_reminders=defaults.enable_auto_reminders,
    )
    result = await directory.upsert_provider(told.tx, told.organization_id, told.origin, provider)
    if isinstance(result, Taken) and data.defaults is not None:
        await _put_defaults(told, result.internal_id, data.defaults)
    return Applied(id=result.internal_id, is_stale=isinstance(result, Stale))


async def apply_slots(told: Told, data: SlotsData) -> Applied:
    """The free slots of a provider, all at once; patients choose from them."""
    provider_id = await directory.ensure_provider(
        told.tx, told.organization_id, told.origin.source, data.id
    )

    async def write(known: int | None) -> Taken:
        slots = [await _to_slot(told, one) for one in data.slots]
        await directory.put_slots(told.tx, told.organization_id, provider_id, slots, now=told.now)
        return Taken(internal_id=known or provider_id, changed=True)

    result = await directory.upsert(
        told.tx, told.organization_id, ThingKind.SLOTS, told.origin, write
    )
    return Applied(id=result.internal_id, is_stale=isinstance(result, Stale))


async def _to_slot(told: Told, slot: SlotData) -> NewSlot:
    """Raises `InvalidZone` where neither the slot nor its place has a zone."""
    location_id = await _find(told, ThingKind.LOCATION, slot.location_id)
    zone = slot.timezone and preferences.canonical_zone(slot.timezone)
    if not zone and location_id is not None:
        zone = await directory.find_location_zone(told.tx, location_id)
    starts_at = visits.instant_of(slot.start, zone) if zone else None
    if not zone or starts_at is None:
        raise InvalidZone("The slot's time zone is unknown.", field="timezone")
    return NewSlot(starts_at=starts_at, timezone=zone, location_id=location_id)


async def _put_defaults(told: Told, provider_id: int, defaults: DefaultsData) -> None:
    fields = {
        name: value
        for name in defaults.model_fields_set.intersection(FIELDS)
        if (value := getattr(defaults, name)) is not None
    }
    said = LevelChange(
        level=Level.PROVIDER,
        level_id=provider_id,
        fields=fields,
        actor=told.origin.source,
    )
    await preferences.change_in(told.tx, told.organization_id, said, now=told.now)
    await messages.replan_later_in(told.tx, told.organization_id, None, now=told.now)


async def apply_patient(told: Told, data: PatientData, patients: PatientService) -> Applied:
    registered = await patients.register_in(
        told.tx, told.organization_id, to_registration(told, data), now=told.now
    )
    return Applied(
        id=registered.patient_id,
        is_stale=registered.is_stale,
        reasons=tuple(Left(code=one.code, field=one.field) for one in registered.reasons),
    )


async def apply_merge(told: Told, data: MergeData, patients: PatientService) -> Applied:
    """One record ends in another; the id in the answer is the survivor's."""
    merged = await patients.merge_in(
        told.tx, told.organization_id, told.origin, survivor=data.merged_into, now=told.now
    )
    return Applied(id=merged.patient_id, is_stale=merged.is_stale)


def to_registration(told: Told, data: PatientData) -> Registration:
    died_at = data.deceased_at
    if told.type == "patient.deceased":
        died_at = died_at or told.origin.told_at
    home = data.address
    contacts = data.contacts
    return Registration(
        origin=told.origin,
        first_name=data.first_name,
        last_name=data.last_name,
        birth_date=data.birth_date,
        language=data.language,
        timezone=data.timezone,
        residence=Residence(**home.model_dump(exclude={"version"})) if home else None,
        contacts=None
        if contacts is None
        else tuple(Contact(channel=one.channel, value=one.value) for one in contacts),
        provider_external_id=data.provider_id,
        consents=tuple(
            ToldConsent(
                channel=one.channel,
                message_class=one.message_class,
                kind=Kind.GRANT if one.granted else Kind.REVOKE,
                method=one.method,
                text_version=one.text_version,
                at=one.at,
            )
            for one in data.consents
        ),
        deceased_at=died_at,
    )


async def apply_appointment(told: Told, data: AppointmentData) -> Applied:
    """Take the visit, and have its reminders planned anew if anything changed (R8.1, R8.2)."""
    source = told.origin.source
    patient_id = await _find(told, ThingKind.PATIENT, data.patient_id)
    if patient_id is None:
        raise UnknownPatient("The source has not told us of this patient.", field="patient_id")
    location_id = await _find(told, ThingKind.LOCATION, data.location_id)
    is_location_unknown = data.location_id is not None and location_id is None
    provider_id = data.provider_id and await directory.ensure_provider(
        told.tx, told.organization_id, source, data.provider_id
    )
    is_placed = data.start is not None or data.timezone is not None
    zone = await _zone(told, data, patient_id, location_id) if is_placed else ""
    change = AppointmentChange(
        status=STATUS_OF_TYPE[told.type],
        patient_id=patient_id,
        provider_id=provider_id or None,
        location_id=location_id,
        starts_at=visits.instant_of(data.start, zone),
        timezone=zone if data.start else None,
        duration_minutes=data.duration_minutes,
        kind=data.kind,
        confidential=data.confidential,
    )
    result = await directory.upsert_appointment(
        told.tx, told.organization_id, told.origin, change, now=told.now
    )
    if isinstance(result, Taken) and result.changed:
        await visits.plan_reminders(
            told.tx, told.organization_id, result.internal_id, now=told.now
        )
    unknown = (Left(code="unknown_location", field="location_id"),)
    return Applied(
        id=result.internal_id,
        is_stale=isinstance(result, Stale),
        reasons=unknown if is_location_unknown else (),
    )


async def _find(told: Told, kind: ThingKind, external_id: str | None) -> int | None:
    if external_id is None:
        return None
    return await directory.find_id(
        told.tx, told.organization_id, kind, told.origin.source, external_id
    )


async def _zone(
    told: Told, data: AppointmentData, patient_id: int, location_id: int | None
) -> str:
    """The visit's zone: as told, else the place's, else the one the patient lives by."""
    if data.timezone is not None:
        return preferences.canonical_zone(data.timezone)
    return await visits.zone_of_visit(
        told.tx, told.organization_id, patient_id=patient_id, location_id=location_id
    )
