"""From FHIR's words to ours. Pure: what is left out is named, nothing is looked up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from handbell.directory import service as directory
from handbell.directory.errors import InvalidAddress
from handbell.directory.types import (
    AppointmentStatus,
    Condition,
    ConditionStatus,
    Origin,
    Provider,
)
from handbell.integrations.fhir import resources, times
from handbell.integrations.fhir.places import to_country, to_state
from handbell.integrations.fhir.types import Reason
from handbell.patients.types import Contact, Registration, Residence
from handbell.platform.vocabulary import Channel
from handbell.scheduling.zones import candidate_zones

PREFERRED_NAMES: Final = ("official", "usual", None, "nickname", "anonymous", "temp")
NO_RESIDENCE: Final = frozenset({"old", "billing", "temp", "work"})
NATIONAL: Final = frozenset({"sms", "landline"})
TEXTED_USES: Final = frozenset({None, "mobile"})

STATUSES: Final = {
    "proposed": AppointmentStatus.BOOKED,
    "pending": AppointmentStatus.BOOKED,
    "booked": AppointmentStatus.BOOKED,
    "arrived": AppointmentStatus.COMPLETED,
    "checked-in": AppointmentStatus.COMPLETED,
    "fulfilled": AppointmentStatus.COMPLETED,
    "cancelled": AppointmentStatus.CANCELLED,
    "entered-in-error": AppointmentStatus.CANCELLED,
    "noshow": AppointmentStatus.NO_SHOW,
}

SNOMED: Final = "http://snomed.info/sct"
ICD_10: Final = "http://hl7.org/fhir/sid/icd-10"
ICD_10_CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
SYSTEM_ALIASES: Final = {
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "urn:oid:2.16.840.1.113883.6.3": ICD_10,
    "urn:oid:2.16.840.1.113883.6.90": ICD_10_CM,
}
KNOWN_SYSTEMS: Final = frozenset({SNOMED, ICD_10, ICD_10_CM})

NOT_DIAGNOSED: Final = {
    "unconfirmed": ConditionStatus.UNCONFIRMED,
    "provisional": ConditionStatus.UNCONFIRMED,
    "differential": ConditionStatus.UNCONFIRMED,
    "refuted": ConditionStatus.REFUTED,
    "entered-in-error": ConditionStatus.ENTERED_IN_ERROR,
}
"""Verification before course: what is not confirmed is not an active diagnosis."""

NO_PLACES: Final = frozenset({"pay", "ins", "govt", "edu", "reli", "crs", "cg", "bus", "team"})
"""Organisation types in which no patient is seen: payers, schools, sponsors."""

SENSITIVE_PLACES: Final = frozenset(
    {
        *("PSY", "PSI", "PSYCHF", "PHU", "CAPC"),  # of the mind
        *("SURF", "RHAT", "RTF"),  # addiction
        *("INFD", "PEDID", "INV"),  # infection, infertility
        *("ONCL", "PEDHO", "RADO"),  # cancer
        *("RHII", "RHMAD", "RHYAD", "UPC"),  # impairment, protection
    }
)
"""Codes of v3 ServiceDeliveryLocationRoleType whose name alone tells of a diagnosis."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PatientTold:
    """A registration, and why parts of the resource are not in it."""

    registration: Registration
    reasons: tuple[Reason, ...]


def to_registration(
    patient: resources.Patient, origin: Origin, *, provider: str | None, now: datetime
) -> PatientTold:
    """What the resource says of a patient; `provider` is the source's id of the clinician.

    An inactive record stands for nobody who could be told anything: its contacts go.
    """
    home = _residence(patient.address, now=now)
    country = to_country(home.country) if home else None
    is_elsewhere = bool(home and home.country and country is None)
    is_active = patient.active is not False
    telecom = patient.telecom if is_active else ()
    contacts, left = _contacts(telecom, is_elsewhere=is_elsewhere, now=now)
    name = _name(patient.name)
    registration = Registration(
        origin=origin,
        first_name=(name.given[0] if name.given else name.text) if name else None,
        last_name=name.family if name else None,
        birth_date=times.to_date(patient.birth_date),
        language=_language(patient.communication),
        timezone=patient.zone,
        residence=_to_residence(home, country) if home else None,
        contacts=contacts,
        provider_external_id=provider,
        deceased_at=_deceased_at(patient, origin),
    )
    reasons = {
        Reason.UNREADABLE_FIELD: bool(patient.birth_date and not registration.birth_date),
        Reason.UNKNOWN_COUNTRY: is_elsewhere,
        Reason.OUTDATED_CONTACT: left,
        Reason.INACTIVE: not is_active,
        Reason.DECEASED: registration.deceased_at is not None,
        Reason.UNKNOWN_ZONE: not _has_zone(registration),
    }
    return PatientTold(
        registration=registration, reasons=tuple(one for one, is_so in reasons.items() if is_so)
    )


def _name(names: Sequence[resources.HumanName]) -> resources.HumanName | None:
    by_use = {one.use: one for one in reversed(names)}
    preferred = (by_use[use] for use in PREFERRED_NAMES if use in by_use)
    return next(preferred, names[0] if names else None)


def _residence(
    addresses: Sequence[resources.Address], *, now: datetime
) -> resources.Address | None:
    current = [one for one in addresses if not _is_over(one.period, now=now)]
    at_home = [one for one in current if one.use == "home"]
    others = [one for one in current if one.use not in NO_RESIDENCE]
    return next(iter([*at_home, *others]), None)


def _to_residence(home: resources.Address, country: str | None) -> Residence:
    return Residence(
        line=", ".join(home.line) or None,
        city=home.city,
        state=to_state(home.state, country),
        postal_code=home.postal_code,
        country=country,
    )


def _contacts(
    telecom: Iterable[resources.ContactPoint],
    *,
    is_elsewhere: bool,
    now: datetime,
) -> tuple[tuple[Contact, ...], bool]:
    """The contacts, and whether an outdated one was left out.

    A number of a country that we do not know is only sure with its country code.
    """
    kept: list[Contact] = []
    is_outdated = False
    for one in telecom:
        channel = _channel(one)
        if one.value is None or (one.system is None and one.use is None):
            continue
        if _is_over(one.period, now=now) or (channel == Channel.EMAIL and one.use == "old"):
            is_outdated = True
        elif one.value.startswith("+") or not (is_elsewhere and channel in NATIONAL):
            kept.append(Contact(channel=channel, value=one.value))
    return tuple(kept), is_outdated


def _channel(point: resources.ContactPoint) -> str:
    """A number at home, at work or of old is no mobile; what we do not know keeps its word."""
    if point.system == "phone":
        return Channel.SMS if point.use in TEXTED_USES else "landline"
    return point.system or "unknown"


def _is_over(period: resources.Period | None, *, now: datetime) -> bool:
    end = times.to_day(period.end) if period else None
    return end is not None and end < now.date()


def _language(spoken: Sequence[resources.Communication]) -> str | None:
    preferred = sorted(spoken, key=lambda one: one.preferred is not True)
    language = preferred[0].language if preferred else None
    if language is None:
        return None
    return next((one.code for one in language.coding if one.code), language.text)


def _deceased_at(patient: resources.Patient, origin: Origin) -> datetime | None:
    """When the patient died; a day that cannot be read is a death all the same."""
    if patient.deceased_date_time:
        return times.to_aware(patient.deceased_date_time) or origin.told_at
    return origin.told_at if patient.deceased_boolean else None


def _has_zone(told: Registration) -> bool:
    home = told.residence or Residence()
    phones = (one.value for one in told.contacts or () if one.channel == Channel.SMS)
    return bool(
        candidate_zones(
            stated=told.timezone,
            country=home.country,
            state=home.state,
            postal_code=home.postal_code,
            phone=next(_usable(phones, home.country), None),
        ).zones
    )


def _usable(phones: Iterable[str], country: str | None) -> Iterator[str]:
    for phone in phones:
        try:
            yield directory.canonical_address(Channel.SMS, phone, region=country).value
        except InvalidAddress:
            continue


def to_provider(practitioner: resources.Practitioner) -> Provider:
    """A clinician as patients know them, such as `Dr. Lane Jacobi`."""
    name = _name(practitioner.name)
    if name is None:
        return Provider(name=None)
    parts = (*name.prefix, *name.given, name.family)
    return Provider(name=" ".join(part for part in parts if part) or name.text)


def is_place_of_care(organization: resources.Organization) -> bool:
    return not NO_PLACES.intersection(_codes(organization.type))


def is_sensitive(types: Sequence[resources.Concept]) -> bool:
    return not SENSITIVE_PLACES.isdisjoint(_codes(types))


def _codes(concepts: Iterable[resources.Concept]) -> Iterator[str]:
    return (one.code for concept in concepts for one in concept.coding if one.code)


def to_phone(telecom: Sequence[resources.ContactPoint]) -> str | None:
    return next((one.value for one in telecom if one.system == "phone" and one.value), None)


def to_conditions(told: resources.Condition) -> tuple[Condition, ...]:
    """One for each coding; systems keep the URL that they are told with."""
    onset = told.onset_date_time or (told.onset_period.start if told.onset_period else None)
    codings = {
        (SYSTEM_ALIASES.get(one.system or "", one.system or ""), one.code)
        for one in (told.code.coding if told.code else ())
        if one.code
    }
    return tuple(
        Condition(
            system=system,
            code=code,
            status=_condition_status(told),
            onset_on=times.to_day(onset),
            recorded_on=times.to_day(told.recorded_date),
        )
        for system, code in sorted(codings)
    )


def _condition_status(told: resources.Condition) -> ConditionStatus:
    verified = _codes([told.verification_status] if told.verification_status else [])
    for code in verified:
        if code in NOT_DIAGNOSED:
            return NOT_DIAGNOSED[code]
    course = _codes([told.clinical_status] if told.clinical_status else [])
    known = (ConditionStatus(code) for code in course if code in set(ConditionStatus))
    return next(known, ConditionStatus.UNKNOWN)


def to_minutes(told: resources.Appointment) -> int | None:
    """How long the visit lasts, if that is at most a day."""
    minutes = told.minutes_duration
    start, end = times.to_instant(told.start), times.to_instant(told.end)
    if minutes is None and start and end and bool(start.tzinfo) == bool(end.tzinfo):
        minutes = int((end - start).total_seconds() // 60)
    return minutes if minutes is not None and 1 <= minutes <= 1440 else None  # noqa: PLR2004


def to_kind(told: resources.Appointment) -> str | None:
    return next(_codes([told.appointment_type] if told.appointment_type else []), None)
