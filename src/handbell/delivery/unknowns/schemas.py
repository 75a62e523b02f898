"""Unknown attempts as the clients read and settle them."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.delivery.unknowns.types import Settlement, UnknownAttempt, Verdict
from handbell.platform.vocabulary import Channel, Purpose

_UNKNOWN: Final[dict[str, JsonValue]] = {
    "id": 44,
    "message_id": 91,
    "patient_id": 12,
    "channel": "whatsapp",
    "purpose": "appt_reminder",
    "code": "no_answer",
    "since": "2027-03-01T14:30:00Z",
    "looks": 0,
    "serves_at": "2027-03-02T14:30:00Z",
    "minutes_left": 1440,
    "settlement": None,
    "falls_back_to": None,
}


class UnknownAttemptOut(BaseModel):
    """An attempt whose answer was lost at `since`. `looks` into the provider's list have found
    nothing; `falls_back_to` is the message that took another channel meanwhile."""

    model_config = ConfigDict(json_schema_extra={"examples": [_UNKNOWN]})

    id: int
    message_id: int
    patient_id: int
    channel: Channel
    purpose: Purpose
    code: str | None
    since: datetime
    looks: int
    serves_at: datetime | None
    minutes_left: int | None
    settlement: Settlement | None
    falls_back_to: int | None

    @classmethod
    def of(cls, one: UnknownAttempt, *, now: datetime) -> "UnknownAttemptOut":
        left = None if one.serves_at is None else one.serves_at - now
        return cls(
            id=one.id,
            message_id=one.message_id,
            patient_id=one.patient_id,
            channel=one.channel,
            purpose=one.purpose,
            code=one.code,
            since=one.since,
            looks=one.looks,
            serves_at=one.serves_at,
            minutes_left=None if left is None else int(left.total_seconds() // 60),
            settlement=one.settlement,
            falls_back_to=one.falls_back_to,
        )


class SettleIn(BaseModel):
    """What a person has found at the provider. `not_sent` sends it once more."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"verdict": "sent"}]}
    )

    verdict: Verdict


class SettledOut(BaseModel):
    """How it is settled now."""

    id: int
    settlement: Settlement
