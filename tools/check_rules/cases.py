"""What is asked: a patient, a message, an instant. Primitive values, nothing of the product's."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

ORGANIZATION_ZONE: Final = "America/New_York"
"""The organisation's zone, which stands in for a patient's that nobody knows."""

CLASSES: Final = ("care", "marketing", "billing_admin", "research", "inbound_reply", "emergency")
WHEN_CLOSED: Final = ("shift", "skip", "send_anyway")
CHANNELS: Final = ("sms", "whatsapp", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is known of where a patient is, and of the patient's hours (minutes of the day).

    `sent_at` counts in the patient's own caps; `others_sent_at` is marketing to the same number
    for other patients, `commercial_sent_at` marketing and billing to the patient."""

    stated: str | None = None
    country: str | None = "US"
    state: str | None = None
    postal_code: str | None = None
    phone: str | None = None
    quiet: tuple[int, int] = (0, 0)
    work: tuple[int, int] = (0, 0)
    best_hour: int | None = None
    sent_at: tuple[datetime, ...] = ()
    others_sent_at: tuple[datetime, ...] = ()
    commercial_sent_at: tuple[datetime, ...] = ()
    pause_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What shall be sent. With an `instant` there, with a `day` on it, with neither any day.
    `when_closed` is what becomes of one with an instant or a day whose wish is not open."""

    message_class: str = "care"
    channel: str = "sms"
    instant: datetime | None = None
    day: date | None = None
    serves_at: datetime | None = None
    answers_at: datetime | None = None
    when_closed: str = "shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A blackout: nothing of the kind leaves in [start, end). None means any."""

    start: datetime
    end: datetime
    state: str | None = None
    country: str | None = None
    channel: str | None = None
    message_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question. `near` names the row or place that a directed case was made for."""

    patient: Patient
    message: Message
    now: datetime
    near: str = ""
    blackouts: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What oracle and product are compared by. Instants are UTC; None means there is none.

    `closed_by`: every reason against this very instant. `closes_at`: when the hours end in which
    it may leave now, at most a day ahead; None for what has no hours. `next_at`: the first
    allowed whole minute. `plan`: instant, source of the hour, and every reason. `verdict`: what
    the gate says of a message with no other obstacle, the instant that it names, and its reasons;
    it alone hangs on `when_closed`.
    """

    closed_by: frozenset[str]
    closes_at: datetime | None
    next_at: datetime | None
    plan: tuple[datetime | None, str, frozenset[str]]
    verdict: tuple[str, datetime | None, frozenset[str]]
