"""What lies in the list of dead letters, and what became of one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from handbell.messages.types import Reason
from handbell.platform.vocabulary import Channel, Purpose


class Fix(StrEnum):
    """What would mend it. Values are stored and shown: append only."""

    WRONG_NUMBER = "wrong_number"
    LANDLINE = "landline"
    UNREACHABLE = "unreachable"
    BAD_MAILBOX = "bad_mailbox"
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    OPTED_OUT = "opted_out"
    TEMPLATE_REJECTED = "template_rejected"
    CONTENT_REFUSED = "content_refused"
    ACCOUNT_PROBLEM = "account_problem"
    PROVIDER_TROUBLE = "provider_trouble"
    TOO_LATE = "too_late"
    BUG = "bug"


class State(StrEnum):
    """Where a dead letter stands. Values are stored and shown: append only.

    `arrived`: a late callback showed that the message had reached the patient after all.
    """

    OPEN = "open"
    RETRIED = "retried"
    DISCARDED = "discarded"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What is wrong, and what a person may do about it, in a sentence each."""

    words: str
    what_to_do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that nobody got. `code` is the provider's of the last attempt, or the reason
    why the text could not leave; `no_other_channel` says why no other one was taken."""

    id: int
    fix: Fix
    state: State
    message_id: int
    patient_id: int
    channel: Channel
    purpose: Purpose
    code: str | None
    died_at: datetime
    serves_at: datetime | None
    appointment_id: int | None
    no_other_channel: tuple[Reason, ...]
    closed_at: datetime | None
    closed_by: str | None
    replay_message_id: int | None

    def time_left(self, *, now: datetime) -> timedelta | None:
        """Until the visit that it is about, negative once that has begun; None without one."""
        return None if self.serves_at is None else self.serves_at - now


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A page of the list; `fix` None means every group."""

    fix: Fix | None = None
    state: State = State.OPEN
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt of the message, or of one that it falls back from."""

    message_id: int
    channel: Channel
    no: int
    started_at: datetime
    outcome: str | None
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Open dead letters that the same thing would mend; `soonest` is the next visit of them."""

    fix: Fix
    count: int
    soonest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What came of sending it once more. Where the gate refuses, `message_id` is None, the
    reasons say why, and the letter stays in the list."""

    dead_letter_id: int
    message_id: int | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRetried:
    """What came of a group; `is_more`: ask again for the rest."""

    retried: tuple[Retried, ...]
    is_more: bool
