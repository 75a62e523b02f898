"""What a record system tells of, in our words."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from handbell.platform.vocabulary import Channel
from handbell.scheduling.types import WhenClosed


class ThingKind(StrEnum):
    """What an external id stands for."""

    PATIENT = "patient"
    PROVIDER = "provider"
    LOCATION = "location"
    APPOINTMENT = "appointment"
    SLOTS = "slots"
    """The free slots of a provider, under the provider's id."""


class HeldFor(StrEnum):
    """What a reply may have meant for which its address waits. Values are stored: append only."""

    POSSIBLE_OPT_OUT = "possible_opt_out"
    DECEASED = "deceased"


class AppointmentStatus(StrEnum):
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


class ConditionStatus(StrEnum):
    """The course of a condition, unless it is not, or not yet, the patient's at all."""

    ACTIVE = "active"
    RECURRENCE = "recurrence"
    RELAPSE = "relapse"
    INACTIVE = "inactive"
    REMISSION = "remission"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    UNCONFIRMED = "unconfirmed"
    REFUTED = "refuted"
    ENTERED_IN_ERROR = "entered_in_error"


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
    """A clinician, and how their visits are reminded of; None was not said."""

    name: str | None
    reminder_hours_before: tuple[int, ...] | None = None
    auto_reminders: bool | None = None


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
    confidential: bool | None = None


DEFAULT_REMINDER_HOURS: Final = (24, 2)
"""Hours before a visit, where its provider said nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """A visit as it stands, and how its provider wants patients reminded of it.

    `timezone` is the place's; `starts_at` is an instant in UTC. A confidential one is nobody's
    business but the patient's, by its own mark or by its place.
    """

    appointment_id: int
    version: int
    status: AppointmentStatus
    starts_at: datetime
    timezone: str
    patient_id: int
    hours_before: tuple[int, ...] = DEFAULT_REMINDER_HOURS
    auto_reminders: bool = True
    when_closed: WhenClosed = WhenClosed.SHIFT
    is_confidential: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSlot:
    """A free slot as it is told; `timezone` is the place's."""

    starts_at: datetime
    timezone: str
    location_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A free slot that can be asked for."""

    id: int
    starts_at: datetime
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitView:
    """A visit with the names that its patient may be shown; `location` goes by its own name,
    also where it is sensitive."""

    appointment_id: int
    version: int
    status: AppointmentStatus
    starts_at: datetime
    timezone: str
    patient_id: int
    provider: str | None
    location: str | None
    is_location_sensitive: bool
    duration_minutes: int
    changed_at: datetime
    provider_id: int | None
    location_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Condition:
    """A coded diagnosis; `system` is the URL of its code system, empty if none was told."""

    system: str
    code: str
    status: ConditionStatus
    onset_on: date | None
    recorded_on: date | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """A clinician as the staff see them. `reminder_hours_before` None: nothing was said;
    `signature` stands under letters."""

    id: int
    name: str
    reminder_hours_before: tuple[int, ...] | None
    auto_reminders: bool
    when_closed: WhenClosed
    signature: str | None
