"""Conversations as the clients send and read them."""

from datetime import datetime, time
from typing import Annotated, Final, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from handbell.inbox.errors import TimeZoneUnknown
from handbell.inbox.types import (
    Conversation,
    ConversationState,
    Entry,
    EntryKind,
    Hours,
    QuickReply,
    Sent,
    Wording,
    Written,
)
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.lines import Line, printable
from handbell.platform.vocabulary import Channel, Purpose

LONGEST: Final = 4000
RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST),
    AfterValidator(printable),
]
Weekday = Annotated[int, Field(ge=1, le=7)]
_CONVERSATION: Final[dict[str, JsonValue]] = {
    "id": 9,
    "patient_id": 12,
    "first_name": "Ada",
    "last_name": "Rivera",
    "candidates": [],
    "state": "open",
    "assigned_to": None,
    "last_received_at": "2027-03-01T14:30:00Z",
    "last_sent_at": None,
    "waiting_since": "2027-03-01T14:30:00Z",
    "open_tasks": 1,
    "is_alert": False,
    "changed_at": "2027-03-01T14:30:01Z",
}
_ENTRY: Final[dict[str, JsonValue]] = {
    "kind": "received",
    "id": 77,
    "at": "2027-03-01T14:30:00Z",
    "channel": "sms",
    "text": "Can I bring my daughter?",
    "secure_text": None,
    "author": None,
    "purpose": None,
    "status": None,
    "reasons": [],
    "intent": "other",
    "handled": "to_staff",
}
_HOURS: Final[dict[str, JsonValue]] = {
    "timezone": "America/New_York",
    "opens": "09:00:00",
    "closes": "17:00:00",
    "weekdays": [1, 2, 3, 4, 5],
    "closed_on_holidays": True,
    "answers_after_hours": True,
}


class ConversationOut(BaseModel):
    """All that passes between the practice and a patient. `patient_id` is null where nobody
    knows who wrote; `candidates` are then the patients who are reached at the address.
    `is_alert`: somebody may be in danger."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CONVERSATION]})

    id: int
    patient_id: int | None
    first_name: str | None
    last_name: str | None
    candidates: list[int]
    state: ConversationState
    assigned_to: str | None
    last_received_at: datetime | None
    last_sent_at: datetime | None
    waiting_since: datetime | None
    open_tasks: int
    is_alert: bool
    changed_at: datetime

    @classmethod
    def of(cls, one: Conversation) -> Self:
        return cls(
            **{name: getattr(one, name) for name in cls.model_fields if name != "candidates"},
            candidates=list(one.candidates),
        )


class EntryOut(BaseModel):
    """One thing in a conversation. `secure_text` is what a person wrote where the message itself
    only says that there is something to read; `reasons` say why a message waits or never goes."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    kind: EntryKind
    id: int
    at: datetime
    channel: Channel | None
    text: str | None
    secure_text: str | None
    author: str | None
    purpose: Purpose | None
    status: str | None
    reasons: list[Reason]
    intent: str | None
    handled: str | None

    @classmethod
    def of(cls, one: Entry) -> Self:
        told = {name: getattr(one, name) for name in cls.model_fields if name != "reasons"}
        return cls(**told, reasons=list(one.reasons))


class OpenIn(BaseModel):
    """Whose conversation to open."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"patient_id": 12}]})

    patient_id: RowId


class ChangeIn(BaseModel):
    """What to change; what is not named stays. `assigned_to` null gives it back to all."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"state": "closed"}, {"assigned_to": "user:5"}]},
    )

    state: ConversationState | None = None
    assigned_to: Line | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.model_fields_set or ("state" in self.model_fields_set and self.state is None):
            raise ValueError("nothing to change")
        return self

    def to_changes(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class NoteIn(BaseModel):
    """Something for the colleagues; no patient sees it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "Ask about the form."}]}
    )

    text: Words


class ReplyIn(BaseModel):
    """What a person writes to the patient. `wording`: `auto` sends it in clear as far as the
    channel may carry it, else as a secure message; `plain` refuses what is too private;
    `secure` sends only a link. Without a `channel` it goes where the patient last wrote."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "Yes, please bring your card."}]},
    )

    text: Words
    wording: Wording = Wording.AUTO
    channel: Channel | None = None

    def to_written(self, *, author: str, key: str) -> Written:
        return Written(
            text=self.text, author=author, key=key, wording=self.wording, channel=self.channel
        )


class SentOut(BaseModel):
    """What became of a reply. `status` is `refused` with its `reasons` where it may not go.
    `findings` say what made a text private."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message_id": 501,
                    "channel": "sms",
                    "wording": "plain",
                    "status": "scheduled",
                    "scheduled_at": "2027-03-01T14:31:00Z",
                    "reasons": [],
                    "findings": [],
                }
            ]
        }
    )

    message_id: int
    channel: Channel
    wording: Wording
    status: Lifecycle
    scheduled_at: datetime | None
    reasons: list[Reason]
    findings: list[str]

    @classmethod
    def of(cls, sent: Sent) -> Self:
        return cls(
            message_id=sent.message_id,
            channel=sent.channel,
            wording=sent.wording,
            status=sent.lifecycle,
            scheduled_at=sent.scheduled_at,
            reasons=list(sent.reasons),
            findings=list(sent.findings),
        )


class QuickReplyOut(BaseModel):
    """A text that is ready to be sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "we_call_you", "language": "en", "text": "We will call you today."}
            ]
        }
    )

    name: str
    language: str
    text: str

    @classmethod
    def of(cls, one: QuickReply) -> Self:
        return cls(name=one.name, language=one.language, text=one.text)


class HoursBody(BaseModel):
    """When people read the inbox. Weekdays count from 1, Monday; `closes` is not open any more.
    A message that waits for a person outside these hours is answered once in 12 hours, unless
    `answers_after_hours` is false."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_HOURS]})

    timezone: Annotated[str, StringConstraints(max_length=64)]
    opens: time
    closes: time
    weekdays: Annotated[list[Weekday], Field(max_length=7)]
    closed_on_holidays: bool = True
    answers_after_hours: bool = True

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens.tzinfo or self.closes.tzinfo or self.opens >= self.closes:
            raise ValueError("it opens before it closes")
        return self

    def to_hours(self) -> Hours:
        """Raises `TimeZoneUnknown`."""
        if self.timezone not in available_timezones():
            raise TimeZoneUnknown
        told = self.model_dump() | {"weekdays": frozenset(self.weekdays)}
        return Hours(**told)

    @classmethod
    def of(cls, hours: Hours) -> Self:
        told = {name: getattr(hours, name) for name in cls.model_fields}
        return cls(**(told | {"weekdays": sorted(hours.weekdays)}))
