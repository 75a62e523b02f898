"""Dead letters as the clients read them."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.delivery.deadletters.policy import remedy_of
from handbell.delivery.deadletters.types import (
    DeadLetter,
    Fix,
    Group,
    GroupRetried,
    Retried,
    State,
    Tried,
)
from handbell.messages.service import words_of
from handbell.messages.types import Reason
from handbell.platform.vocabulary import Channel, Purpose

_LETTER: Final[dict[str, JsonValue]] = {
    "id": 5,
    "fix": "landline",
    "words": "The number is a landline or takes no texts.",
    "what_to_do": "Ask for a mobile number or an e-mail address, or call.",
    "state": "open",
    "message_id": 91,
    "patient_id": 12,
    "appointment_id": 7,
    "channel": "sms",
    "purpose": "appt_reminder",
    "code": "21614",
    "died_at": "2027-03-01T14:30:00Z",
    "serves_at": "2027-03-02T14:30:00Z",
    "minutes_left": 1440,
    "no_other_channel": ["no_address"],
    "closed_at": None,
    "closed_by": None,
    "replay_message_id": None,
}


class DeadLetterOut(BaseModel):
    """A message that nobody got. `fix` is the group of what would mend it, `words` and
    `what_to_do` say so; `minutes_left` until the visit that it is about, negative once that
    has begun; `no_other_channel` is why no other one was taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LETTER]})

    id: int
    fix: Fix
    words: str
    what_to_do: str
    state: State
    message_id: int
    patient_id: int
    appointment_id: int | None
    channel: Channel
    purpose: Purpose
    code: str | None
    died_at: datetime
    serves_at: datetime | None
    minutes_left: int | None
    no_other_channel: list[Reason]
    closed_at: datetime | None
    closed_by: str | None
    replay_message_id: int | None

    @classmethod
    def of(cls, one: DeadLetter, *, now: datetime) -> "DeadLetterOut":
        left, told = one.time_left(now=now), remedy_of(one.fix)
        return cls(
            id=one.id,
            fix=one.fix,
            words=told.words,
            what_to_do=told.what_to_do,
            state=one.state,
            message_id=one.message_id,
            patient_id=one.patient_id,
            appointment_id=one.appointment_id,
            channel=one.channel,
            purpose=one.purpose,
            code=one.code,
            died_at=one.died_at,
            serves_at=one.serves_at,
            minutes_left=None if left is None else int(left.total_seconds() // 60),
            no_other_channel=list(one.no_other_channel),
            closed_at=one.closed_at,
            closed_by=one.closed_by,
            replay_message_id=one.replay_message_id,
        )


class TriedOut(BaseModel):
    """One attempt of the message, or of one that it falls back from."""

    message_id: int
    channel: Channel
    no: int
    started_at: datetime
    outcome: str | None
    code: str | None

    @classmethod
    def of(cls, one: Tried) -> "TriedOut":
        return cls(
            message_id=one.message_id,
            channel=one.channel,
            no=one.no,
            started_at=one.started_at,
            outcome=one.outcome,
            code=one.code,
        )


class DeadLetterWithTries(DeadLetterOut):
    """The same with every attempt on every channel, oldest first."""

    tried: list[TriedOut] = []


class GroupOut(BaseModel):
    """Open dead letters that the same thing would mend; `soonest` is the next visit of them."""

    fix: Fix
    count: int
    soonest: datetime | None
    words: str
    what_to_do: str

    @classmethod
    def of(cls, one: Group) -> "GroupOut":
        told = remedy_of(one.fix)
        return cls(
            fix=one.fix,
            count=one.count,
            soonest=one.soonest,
            words=told.words,
            what_to_do=told.what_to_do,
        )


class RetriedOut(BaseModel):
    """What came of sending it once more. Where the gate refuses, `status` is `refused`,
    `message_id` is null, `sentence` says why, and the letter stays in the list."""

    dead_letter_id: int
    status: str
    message_id: int | None
    reasons: list[Reason]
    sentence: str

    @classmethod
    def of(cls, one: Retried) -> "RetriedOut":
        is_sent = one.message_id is not None
        return cls(
            dead_letter_id=one.dead_letter_id,
            status="retried" if is_sent else "refused",
            message_id=one.message_id,
            reasons=list(one.reasons),
            sentence=sentence_of(one),
        )


def sentence_of(one: Retried) -> str:
    """What came of a retry, for a person."""
    if one.message_id is not None:
        return "It is on its way once more."
    why = "; ".join(words_of(reason) for reason in one.reasons)
    return f"It cannot be sent: {why}." if why else "It cannot be sent."


class GroupIn(BaseModel):
    """The group to retry."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"fix": "account_problem"}]}
    )

    fix: Fix


class GroupRetriedOut(BaseModel):
    """What came of each; `is_more`: ask again for the rest."""

    retried: int
    refused: int
    is_more: bool
    results: list[RetriedOut]

    @classmethod
    def of(cls, made: GroupRetried) -> "GroupRetriedOut":
        results = [RetriedOut.of(one) for one in made.retried]
        refused = sum(one.message_id is None for one in made.retried)
        return cls(
            retried=len(results) - refused,
            refused=refused,
            is_more=made.is_more,
            results=results,
        )
