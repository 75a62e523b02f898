"""Conversations, what stands in them, and how a person answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from handbell.messages.types import Lifecycle, Reason
from handbell.platform.vocabulary import Channel, Purpose


class ConversationState(StrEnum):
    """Whose turn it is. Values are stored and shown: append only."""

    OPEN = "open"
    """A person at the practice has to look."""
    PENDING = "pending"
    """We answered, and wait for the patient."""
    CLOSED = "closed"


class EntryKind(StrEnum):
    """What an entry of a conversation is."""

    SENT = "sent"
    RECEIVED = "received"
    NOTE = "note"


class EventKind(StrEnum):
    """What those who watch the inbox are told. Values are stored and shown: append only."""

    RECEIVED = "received"
    SENT = "sent"
    NOTED = "noted"
    CHANGED = "changed"
    """State, assignment or patient."""
    ALERT = "alert"
    """Somebody may be in danger, or an emergency message needs a person now."""


class Wording(StrEnum):
    """How a person wants a text to travel."""

    AUTO = "auto"
    """In clear as far as the channel may carry it, else behind a link."""
    PLAIN = "plain"
    SECURE = "secure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When people read the inbox; weekdays count from 1, Monday. `closes` is not open any more.
    On public holidays of the United States it is closed where `closed_on_holidays`."""

    timezone: str = "America/New_York"
    opens: time = time(9)
    closes: time = time(17)
    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    closed_on_holidays: bool = True
    answers_after_hours: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Conversation:
    """All that passes between the practice and a patient, on every channel.

    Without a `patient_id` nobody knows who wrote: `candidates` are the patients who are reached
    at the address. `waiting_since` is the oldest message that nobody has answered.
    """

    id: int
    patient_id: int | None
    first_name: str | None
    last_name: str | None
    candidates: Sequence[int]
    state: ConversationState
    assigned_to: str | None
    last_received_at: datetime | None
    last_sent_at: datetime | None
    waiting_since: datetime | None
    open_tasks: int
    is_alert: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilter:
    """What a list is narrowed to; None leaves it open."""

    states: tuple[ConversationState, ...] | None = None
    assigned_to: str | None = None
    is_assigned: bool | None = None
    is_matched: bool | None = None
    patient_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Entry:
    """One thing in a conversation. `text` is None where it is not kept any more, or where it is
    not written before it leaves; `secure_text` is what stands behind the link of a secure
    message. `intent` and `handled` tell what the engine made of what a patient wrote."""

    kind: EntryKind
    id: int
    at: datetime
    channel: Channel | None = None
    text: str | None = None
    secure_text: str | None = None
    author: str | None = None
    purpose: Purpose | None = None
    status: str | None = None
    reasons: tuple[Reason, ...] = ()
    intent: str | None = None
    handled: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Written:
    """A text that a person wants a patient to read; `key` is unique for it."""

    text: str
    author: str
    key: str
    wording: Wording = Wording.AUTO
    channel: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of it. `findings` say what made a text private."""

    message_id: int
    channel: Channel
    wording: Wording
    lifecycle: Lifecycle
    scheduled_at: datetime | None
    reasons: tuple[Reason, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastHeard:
    """When a patient last wrote on a channel, and from which address."""

    channel: Channel
    address_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent:
    """Something happened; ids only. `mark` says where it stands among all of them."""

    mark: str
    kind: EventKind
    conversation_id: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """A text that is ready to be sent."""

    name: str
    language: str
    text: str
