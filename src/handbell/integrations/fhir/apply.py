"""One resource in its transaction: read, compared with what is known, written if it is news."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from handbell.directory import service as directory
from handbell.directory.types import (
    AppointmentChange,
    AppointmentStatus,
    Location,
    Origin,
    Stale,
    ThingKind,
    Upserted,
)
from handbell.integrations import visits
from handbell.integrations.fhir import mapping, resources, times
from handbell.integrations.fhir.places import only_zone
from handbell.integrations.fhir.references import IdentifierIndex, resolve
from handbell.integrations.fhir.resources import Read, Reference, Resource, read_as
from handbell.integrations.fhir.types import Found, Known, Outcome, Reason, Result, Target
from handbell.patients.service import PatientService
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.preferences import service as preferences
from handbell.preferences.errors import InvalidPreference

MAPPING: Final = 1
"""Grows when the same resource would be mapped otherwise than before."""

PATIENTS_HELD: Final = 100_000
"""Of so many patients an import keeps our ids at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What is the same for the whole of one import."""

    organization_id: OrganizationId
    source: str
    now: datetime
    identifiers: IdentifierIndex = field(default_factory=IdentifierIndex)
    patient_ids: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One resource, and what is remembered of it."""

    tx: Tx
    run: Import
    patients: PatientService
    keys: KeyRing
    found: Found
    external_id: str
    known: Known | None

    def read(self, model: type[Read]) -> tuple[Read, list[str]]:
        """What we use of the resource, with the reasons to begin with."""
        resource, is_whole = read_as(model, self.found.body)
        if isinstance(resource, Resource):
            self.run.identifiers.add(self.found.type, resource.identifier, self.external_id)
        return resource, [] if is_whole else [Reason.UNREADABLE_FIELD]

    def origin(self, resource: Resource, *, prefix: str = "") -> Origin:
        """A resource that does not say when it was written speaks of now."""
        told = times.to_aware(resource.meta.last_updated if resource.meta else None)
        return Origin(
            source=self.run.source,
            external_id=f"{prefix}{self.external_id}",
            version=None,
            told_at=min(told or self.run.now, self.run.now),
        )

    def resolve(self, reference: Reference | None, expected: str | None = None) -> Target | None:
        links, identifiers = self.found.links, self.run.identifiers
        return resolve(reference, expected, links=links, identifiers=identifiers)

    def digest(self, resource: Resource, *resolved: object) -> bytes:
        """Equal for statements that say the same and point to the same things."""
        said = f"{self.found.type}/{MAPPING}/{resource.model_dump_json()}/{resolved!r}"
        return self.keys.address_hash("fhir", said)[:16]

    def unchanged(self, digest: bytes) -> Result | None:
        """The answer, if the last import said just this."""
        if self.known is None or digest not in self.known.digests:
            return None
        return Result(outcome=Outcome.UNCHANGED, reasons=self.known.reasons, digest=digest)

    async def find(self, kind: ThingKind, external_id: str) -> int | None:
        run = self.run
        return await directory.find_id(self.tx, run.organization_id, kind, run.source, external_id)

    async def is_new(self, kind: ThingKind, origin: Origin) -> bool:
        return self.known is None and await self.find(kind, origin.external_id) is None


def skipped(*reasons: str) -> Result:
    return Result(outcome=Outcome.SKIPPED, reasons=reasons)


async def take(step: Step) -> Result:
    """Apply one resource of a type that is used."""
    return await TAKERS[step.found.type](step)


async def take_practitioner(step: Step) -> Result:
    told, reasons = step.read(resources.Practitioner)
    digest = step.digest(told)
    if same := step.unchanged(digest):
        return same
    origin = step.origin(told)
    is_new = await step.is_new(ThingKind.PROVIDER, origin)
    upserted = await directory.upsert_provider(
        step.tx, step.run.organization_id, origin, mapping.to_provider(told)
    )
    return _to_result(upserted, is_new, reasons, digest)


async def take_organization(step: Step) -> Result:
    """A place like any other: visits and places may name it. Payers and the like are none."""
    told, reasons = step.read(resources.Organization)
    if not mapping.is_place_of_care(told):
        return skipped(Reason.NOT_A_PLACE_OF_CARE)
    zone = _own_zone(told) or next(
        (zone for one in told.address if (zone := only_zone(one))), None
    )
    place = _Place(name=told.name, zone=zone, phone=mapping.to_phone(told.telecom))
    return await _take_place(step, told, place, reasons)


async def take_location(step: Step) -> Result:
    """A place; without a zone of its own it lies where its organisation does."""
    told, reasons = step.read(resources.Location)
    zone = _own_zone(told) or only_zone(told.address) or await _owner_zone(step, told)
    place = _Place(
        name=told.name,
        zone=zone,
        phone=mapping.to_phone(told.telecom),
        is_sensitive=mapping.is_sensitive(told.type),
    )
    return await _take_place(step, told, place, reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    name: str | None
    zone: str | None
    phone: str | None
    is_sensitive: bool = False


async def _take_place(step: Step, told: Resource, place: _Place, reasons: list[str]) -> Result:
    """A visit's hour is said in the zone of its place, so none is guessed."""
    if place.zone is None:
        return skipped(*reasons, Reason.UNKNOWN_ZONE)
    digest = step.digest(told, place.zone)
    if same := step.unchanged(digest):
        return same
    prefix = "Organization/" if step.found.type == "Organization" else ""
    origin = step.origin(told, prefix=prefix)
    is_new = await step.is_new(ThingKind.LOCATION, origin)
    location = Location(
        name=place.name or "",
        timezone=place.zone,
        phone=place.phone,
        sensitive=place.is_sensitive,
    )
    upserted = await directory.upsert_location(step.tx, step.run.organization_id, origin, location)
    return _to_result(upserted, is_new, reasons, digest)


def _own_zone(told: Resource) -> str | None:
    try:
        return told.zone and preferences.canonical_zone(told.zone)
    except InvalidPreference:
        return None


async def _owner_zone(step: Step, told: resources.Location) -> str | None:
    owner = step.resolve(told.managing_organization, "Organization")
    if owner is None:
        return None
    place_id = await step.find(ThingKind.LOCATION, f"Organization/{owner.id}")
    return await directory.find_location_zone(step.tx, place_id) if place_id else None


async def take_patient(step: Step) -> Result:
    told, reasons = step.read(resources.Patient)
    provider = await _general_practitioner(step, told, reasons)
    digest = step.digest(told, provider)
    if same := step.unchanged(digest):
        return same
    origin = step.origin(told)
    is_new = await step.is_new(ThingKind.PATIENT, origin)
    mapped = mapping.to_registration(told, origin, provider=provider, now=step.run.now)
    registered = await step.patients.register_in(
        step.tx, step.run.organization_id, mapped.registration, now=step.run.now
    )
    if registered.is_stale:
        return skipped(Reason.OLDER_THAN_KNOWN)
    left = [one.code for one in registered.reasons]
    return Result(
        outcome=Outcome.CREATED if is_new else Outcome.UPDATED,
        reasons=tuple(dict.fromkeys([*reasons, *mapped.reasons, *left])),
        internal_id=registered.patient_id,
        digest=digest,
    )


async def _general_practitioner(
    step: Step, told: resources.Patient, reasons: list[str]
) -> str | None:
    for reference in told.general_practitioner:
        target = step.resolve(reference, "Practitioner")
        if target is None and (reference.reference or reference.identifier):
            reasons.append(Reason.UNRESOLVED_REFERENCE)
        elif target and await _is(step, target, "Practitioner", ThingKind.PROVIDER):
            return target.id
    return None


async def _is(step: Step, target: Target, name: str, kind: ThingKind) -> bool:
    """Whether it is of this type; a bare `urn:uuid:` is what we know under its id."""
    if target.type is not None:
        return target.type == name
    return await step.find(kind, target.id) is not None


async def take_condition(step: Step) -> Result:
    told, reasons = step.read(resources.Condition)
    patient_id = await _patient_id(step, step.resolve(told.subject, "Patient"))
    if patient_id is None:
        return skipped(*reasons, Reason.UNKNOWN_PATIENT)
    conditions = mapping.to_conditions(told)
    if not conditions:
        return skipped(*reasons, Reason.NO_CODE)
    digest = step.digest(told, patient_id)
    if same := step.unchanged(digest):
        return same
    if any(one.system not in mapping.KNOWN_SYSTEMS for one in conditions):
        reasons.append(Reason.UNKNOWN_CODE_SYSTEM)
    written = await directory.put_conditions(
        step.tx,
        step.run.organization_id,
        step.origin(told),
        patient_id=patient_id,
        conditions=conditions,
        now=step.run.now,
    )
    outcome = Outcome.CREATED if step.known is None else Outcome.UPDATED
    return Result(
        outcome=outcome,
        reasons=tuple(dict.fromkeys(reasons)),
        internal_id=next(iter(written), None),
        digest=digest,
    )


async def _patient_id(step: Step, target: Target | None) -> int | None:
    """Our id of the patient; patients of one import come before all that speaks of them."""
    if target is None or target.type not in {None, "Patient"}:
        return None
    held = step.run.patient_ids.get(target.id)
    if held is None:
        held = await step.find(ThingKind.PATIENT, target.id)
        if held is not None and len(step.run.patient_ids) < PATIENTS_HELD:
            step.run.patient_ids[target.id] = held
    return held


@dataclass(slots=True)
class _Cast:
    """Who takes part in a visit, and where."""

    patient_ids: list[int] = field(default_factory=list)
    provider: str | None = None
    location_id: int | None = None


async def take_appointment(step: Step) -> Result:
    """Take the visit. One that is over when we first hear of it is history: nothing to plan."""
    told, reasons = step.read(resources.Appointment)
    cast = await _cast(step, told, reasons)
    status = mapping.STATUSES.get(told.status or "")
    start = times.to_instant(told.start)
    if status is None:
        return skipped(*reasons, Reason.UNUSABLE_STATUS)
    if not cast.patient_ids:
        return skipped(*reasons, Reason.UNKNOWN_PATIENT)
    if start is None:
        return skipped(*reasons, Reason.NO_START)
    digest = step.digest(told, cast.patient_ids, cast.provider, cast.location_id)
    if same := step.unchanged(digest):
        return same
    return await _put_appointment(step, told, cast, (status, start), (reasons, digest))


async def _put_appointment(
    step: Step,
    told: resources.Appointment,
    cast: _Cast,
    when: tuple[AppointmentStatus, datetime],
    so_far: tuple[list[str], bytes],
) -> Result:
    run, (status, start), (reasons, digest) = step.run, when, so_far
    origin = step.origin(told)
    is_new = await step.is_new(ThingKind.APPOINTMENT, origin)
    patient_id = cast.patient_ids[0]
    zone = await visits.zone_of_visit(
        step.tx, run.organization_id, patient_id=patient_id, location_id=cast.location_id
    )
    change = AppointmentChange(
        status=status,
        patient_id=patient_id,
        provider_id=await _provider_id(step, cast.provider),
        location_id=cast.location_id,
        starts_at=(starts_at := visits.instant_of(start, zone)),
        timezone=zone,
        duration_minutes=mapping.to_minutes(told),
        kind=mapping.to_kind(told),
    )
    upserted = await directory.upsert_appointment(
        step.tx, run.organization_id, origin, change, now=run.now
    )
    result = _to_result(upserted, is_new, reasons, digest)
    is_history = is_new and starts_at is not None and starts_at < run.now
    if result.outcome in {Outcome.CREATED, Outcome.UPDATED} and not is_history:
        await visits.plan_reminders(
            step.tx, run.organization_id, upserted.internal_id, now=run.now
        )
    return result


async def _provider_id(step: Step, external_id: str | None) -> int | None:
    if external_id is None:
        return None
    run = step.run
    return await directory.ensure_provider(step.tx, run.organization_id, run.source, external_id)


async def _cast(step: Step, told: resources.Appointment, reasons: list[str]) -> _Cast:
    cast = _Cast()
    for reference in (told.subject, *(one.actor for one in told.participant)):
        target = step.resolve(reference)
        if target is not None:
            await _join(step, cast, target, reasons)
        elif reference and (reference.reference or reference.identifier):
            reasons.append(Reason.UNRESOLVED_REFERENCE)
    if len(cast.patient_ids) > 1:
        reasons.append(Reason.SEVERAL_PATIENTS)
    return cast


async def _join(step: Step, cast: _Cast, target: Target, reasons: list[str]) -> None:
    """Give a participant the role of its type; of several clinicians or places the first."""
    patient_id = await _patient_id(step, target)
    if patient_id is not None:
        if patient_id not in cast.patient_ids:
            cast.patient_ids.append(patient_id)
    elif await _is(step, target, "Practitioner", ThingKind.PROVIDER):
        cast.provider = cast.provider or target.id
    elif target.type in {None, "Location"}:
        location_id = await step.find(ThingKind.LOCATION, target.id)
        cast.location_id = cast.location_id or location_id
        if location_id is None:
            reasons.append(Reason.UNKNOWN_LOCATION)


def _to_result(
    upserted: Upserted,
    is_new: bool,  # noqa: FBT001 - a fact, not a switch
    reasons: list[str],
    digest: bytes,
) -> Result:
    if isinstance(upserted, Stale):
        return skipped(Reason.OLDER_THAN_KNOWN)
    changed = Outcome.CREATED if is_new else Outcome.UPDATED
    return Result(
        outcome=changed if upserted.changed else Outcome.UNCHANGED,
        reasons=tuple(dict.fromkeys(reasons)),
        internal_id=upserted.internal_id,
        digest=digest,
    )


TAKERS: Final[Mapping[str, Callable[[Step], Awaitable[Result]]]] = {
    "Organization": take_organization,
    "Practitioner": take_practitioner,
    "Location": take_location,
    "Patient": take_patient,
    "Condition": take_condition,
    "Appointment": take_appointment,
}
