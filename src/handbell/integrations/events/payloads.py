"""The `data` of each event type, as sources send it."""

from datetime import date, datetime, time
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from handbell.integrations.events.envelope import Version
from handbell.platform.instants import GivenInstant, OfOurTimes
from handbell.platform.vocabulary import Channel


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


SourceId = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=255)]
"""The source's own id: a string; a number is read as its digits."""

Name = Annotated[str, Field(max_length=200)]


def _furthest_first(hours: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(hours), reverse=True))


HoursBefore = Annotated[
    tuple[Annotated[int, Field(ge=1, le=720)], ...],
    Field(max_length=5),
    AfterValidator(_furthest_first),
]
"""Hours before a visit, each once; an empty list means a confirmation and no reminder."""


class Payload(BaseModel):
    """Fields we do not know are ignored, so that a source may send more."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    version: Version = None


class LocationData(Payload):
    id: SourceId
    name: Name
    timezone: str
    sensitive: bool = False
    phone: str | None = None


class ResidenceData(Payload):
    line: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class ContactData(Payload):
    channel: str
    value: str = Field(max_length=254)


class ConsentData(Payload):
    channel: Channel
    message_class: str | None = Field(default=None, alias="class")
    granted: bool
    method: str
    text_version: str | None = None
    at: GivenInstant | None = None


class PatientData(Payload):
    id: SourceId
    first_name: Name | None = None
    last_name: Name | None = None
    birth_date: date | None = None
    language: str | None = None
    timezone: str | None = None
    address: ResidenceData | None = None
    contacts: list[ContactData] | None = None
    provider_id: SourceId | None = None
    consents: list[ConsentData] = []
    deceased_at: GivenInstant | None = None


class MergeData(Payload):
    """The record `id` ends in `merged_into`; both are the source's own ids."""

    id: SourceId
    merged_into: SourceId


class AppointmentData(Payload):
    """`start` has an offset, or is local to `timezone` (else to the place's zone)."""

    id: SourceId
    patient_id: SourceId
    provider_id: SourceId | None = None
    location_id: SourceId | None = None
    start: Annotated[datetime, OfOurTimes] | None = None
    timezone: str | None = None
    duration_minutes: int | None = Field(default=None, ge=1, le=1440)
    kind: str | None = Field(default=None, alias="type", max_length=100)
    confidential: bool | None = None
    status: str | None = None


class DefaultsData(Payload):
    """A provider's defaults; what is absent stays as it was."""

    timezone: str | None = None
    language: str | None = None
    quiet_start: time | None = None
    quiet_end: time | None = None
    work_start: time | None = None
    work_end: time | None = None
    best_hour: int | None = None
    allow_email: bool | None = None
    allow_sms: bool | None = None
    allow_whatsapp: bool | None = None
    channel_order: tuple[Channel, ...] | None = None
    enable_auto_reminders: bool | None = None
    reminder_hours_before: HoursBefore | None = None


class ProviderData(Payload):
    id: SourceId
    name: Name | None = None
    defaults: DefaultsData | None = None


class SlotData(Payload):
    """`start` has an offset, or is local to `timezone` (else to the place's zone)."""

    start: Annotated[datetime, OfOurTimes]
    timezone: str | None = None
    location_id: SourceId | None = None


class SlotsData(Payload):
    """All the free slots of the provider `id`: what is not listed is free no more."""

    id: SourceId
    slots: Annotated[list[SlotData], Field(max_length=500)]


PAYLOADS: Final[dict[str, type[Payload]]] = {
    "location.updated": LocationData,
    "patient.registered": PatientData,
    "patient.updated": PatientData,
    "patient.deceased": PatientData,
    "patient.merged": MergeData,
    "appointment.booked": AppointmentData,
    "appointment.rescheduled": AppointmentData,
    "appointment.cancelled": AppointmentData,
    "appointment.completed": AppointmentData,
    "appointment.no_show": AppointmentData,
    "provider.settings_updated": ProviderData,
    "provider.slots_updated": SlotsData,
}
