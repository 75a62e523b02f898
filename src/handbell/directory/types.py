"""What a record system tells of, in our words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handbell.platform.vocabulary import Channel


class ThingKind(StrEnum):
    """What an external id stands for."""

    PATIENT = "patient"
    PROVIDER = "provider"
    LOCATION = "location"
    APPOINTMENT = "appointment"


class AppointmentStatus(StrEnum):
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a statement comes from: the system, its own id, its version or the time it told.

    An integer version counts before the time; a lower one loses.
    """

    source: str
    external_id: str
    version: int | None
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A number in E.164 or a mailbox, in the one form that is hashed. `country` is ISO 3166-1
    alpha-2 and known for numbers only."""

    channel: Channel
    value: str
    country: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A clinician; a name of None was not said."""

    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place of care; a sensitive one is never named in a message."""

    name: str
    timezone: str
    phone: str | None
    sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentChange:
    """What an event says of a visit; None means that it does not say."""

    status: AppointmentStatus
    patient_id: int
    provider_id: int | None
    location_id: int | None
    starts_at: datetime | None
    timezone: str | None
    duration_minutes: int | None
    kind: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The statement was taken. `changed` is false when it said nothing new."""

    internal_id: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Stale:
    """A newer statement was taken before; nothing changed."""

    internal_id: int


Upserted = Taken | Stale
