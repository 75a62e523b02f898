"""What is known of a lost answer, and what may be done next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from handbell.platform.vocabulary import Channel, MessageClass, Purpose


class Settlement(StrEnum):
    """How an unknown attempt was settled. Values are stored and shown: append only.

    `callback` and `provider_list` prove that the provider has it; `not_found` that it does not,
    as far as its list can tell. `closed`: nobody knows, and reports wait no longer.
    """

    CALLBACK = "callback"
    PROVIDER_LIST = "provider_list"
    NOT_FOUND = "not_found"
    CLOSED = "closed"
    PERSON_SENT = "person_sent"
    PERSON_NOT_SENT = "person_not_sent"


class Verdict(StrEnum):
    """What a person has found out at the provider."""

    SENT = "sent"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What decides about an unknown attempt.

    `since` is when the answer was found to be lost. `asks_after` says how long after that the
    provider's list is asked, once for each; it is empty where there is no list. `looks` have
    found nothing. `may_resend`: the message has not been sent again after such a search before.
    """

    since: datetime
    message_class: MessageClass
    serves_at: datetime | None
    asks_after: tuple[timedelta, ...] = ()
    looks: int = 0
    may_resend: bool = False
    has_fallen_back: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the provider's list now."""


@dataclass(frozen=True, slots=True)
class Resend:
    """The provider does not have it: send it once more, through the gate."""


@dataclass(frozen=True, slots=True)
class OtherChannel:
    """The visit is near: take another channel; the doubt remains."""


@dataclass(frozen=True, slots=True)
class Close:
    """Nobody will know any more; a late callback still settles it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before then."""

    until: datetime


Step = LookUp | Resend | OtherChannel | Close | Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownAttempt:
    """An unknown attempt as people see it."""

    id: int
    message_id: int
    patient_id: int
    channel: Channel
    purpose: Purpose
    code: str | None
    since: datetime
    looks: int
    serves_at: datetime | None
    settlement: Settlement | None
    falls_back_to: int | None
