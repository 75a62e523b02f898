"""What the choice of a sending time reads, and what it answers."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from handbell.platform.vocabulary import Channel, MessageClass


class WindowReason(StrEnum):
    """Why an instant is closed, or why a plan is not where its anchor pointed."""

    QUIET_HOURS = "quiet_hours"
    CHANNEL_HOURS = "channel_hours"
    FEDERAL_WINDOW = "federal_window"
    STATE_WINDOW = "state_window"
    UNKNOWN_STATE_WINDOW = "unknown_state_window"
    COUNTRY_WINDOW = "country_window"
    HOLIDAY = "holiday"
    BLACKOUT = "blackout"
    IN_THE_PAST = "in_the_past"
    MOVED_EARLIER = "moved_earlier"
    MOVED_LATER = "moved_later"


class HourSource(StrEnum):
    """Where the hour of a plan comes from."""

    STATED = "stated"
    BEST_HOUR = "best_hour"
    WORK_HOURS = "work_hours"
    DEFAULT = "default"


class WhenClosed(StrEnum):
    """What becomes of a message whose wished time is not allowed. Values are stored: append
    only. `send_anyway` passes over the channel's default hours, never over quiet hours, a law or a
    blackout."""

    SHIFT = "shift"
    SKIP = "skip"
    SEND_ANYWAY = "send_anyway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """Nothing of the kind leaves in `starts_at` ≤ t < `ends_at`; None means any.

    `state` is one of the United States, `country` an ISO 3166 code.
    """

    id: int
    starts_at: datetime
    ends_at: datetime
    state: str | None = None
    country: str | None = None
    channel: Channel | None = None
    message_class: MessageClass | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFacts:
    """All that decides when one message may leave.

    `zones` are candidate IANA names, the primary first; every one must allow the instant, and
    none means every zone of the fifty states. `quiet_start` ≤ t < `quiet_end` is quiet; equal
    bounds mean no quiet hours. Equal work bounds mean that they are not known. `best_hour` is
    0..23 in the primary zone. `answers_at` is the patient's own message that a reply answers.
    `blackouts` are those that bind this message. `without_courtesy`: the default hours of the
    channel do not bind.
    `rules_version` names the rule table that binds, None the running one: an old receipt is
    judged by the table of its own day.
    """

    message_class: MessageClass
    channel: Channel
    zones: tuple[str, ...]
    states: tuple[str, ...] = ()
    country: str | None = None
    quiet_start: time = time(0)
    quiet_end: time = time(0)
    work_start: time = time(0)
    work_end: time = time(0)
    best_hour: int | None = None
    answers_at: datetime | None = None
    blackouts: tuple[Blackout, ...] = ()
    rules_version: str | None = None
    without_courtesy: bool = False


@dataclass(frozen=True, slots=True)
class At:
    """Send at this instant; `serves_at` is the visit that the message is about."""

    instant: datetime
    serves_at: datetime | None = None
    when_closed: WhenClosed = WhenClosed.SHIFT


@dataclass(frozen=True, slots=True)
class OnDay:
    """Send on this day of the primary zone, at an hour of our choice."""

    day: date
    serves_at: datetime | None = None
    when_closed: WhenClosed = WhenClosed.SHIFT


@dataclass(frozen=True, slots=True)
class Free:
    """Send on the first allowed day, at an hour of our choice."""


Anchor = At | OnDay | Free


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The instant to send at, a whole minute in UTC, and why it is not where it was asked for."""

    send_at: datetime
    hour_source: HourSource
    reasons: tuple[WindowReason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWindow:
    """Nothing is allowed within the horizon; `reasons` held at its start."""

    reasons: tuple[WindowReason, ...]
