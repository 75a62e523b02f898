"""Orders and messages as the clients speak of them."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
)

from handbell.messages.progress import ProgressState
from handbell.messages.types import Admission, Job, Lifecycle, Reason
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass, Purpose

RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]

_OURS_ALONE: Final = MessageClass.INBOUND_REPLY


def _for_callers(purpose: Purpose) -> Purpose:
    if CLASS_OF_PURPOSE[purpose] is _OURS_ALONE:
        raise ValueError("answers to patients are not ordered")
    return purpose


def _iso_text(value: object) -> object:
    """A bare number would be read as seconds of some epoch."""
    if value is not None and not (isinstance(value, str) and "-" in value[1:]):
        raise ValueError("not an ISO 8601 instant")
    return value


CallerPurpose = Annotated[
    Purpose,
    AfterValidator(_for_callers),
    WithJsonSchema(
        {
            "type": "string",
            "enum": [str(one) for one in Purpose if CLASS_OF_PURPOSE[one] is not _OURS_ALONE],
        }
    ),
]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
VariableValue = Annotated[str, Field(max_length=500)]

_ORDER: Final[dict[str, JsonValue]] = {
    "patient_id": 12,
    "purpose": "appt_reminder",
    "appointment_id": 7,
    "variables": {},
    "preferred_channel": "sms",
    "send_at": "2027-03-01T09:30:00-05:00",
}


class MessageIn(BaseModel):
    """One message to one patient. Without `send_at` the hour is ours to choose; without
    `preferred_channel` the patient's own order of channels decides."""

    model_config = ConfigDict(
        extra="forbid", coerce_numbers_to_str=True, json_schema_extra={"examples": [_ORDER]}
    )

    patient_id: RowId
    purpose: CallerPurpose
    template_id: RowId | None = None
    variables: Annotated[dict[VariableName, VariableValue], Field(max_length=50)] = {}
    preferred_channel: Channel | None = None
    send_at: Annotated[AwareDatetime, BeforeValidator(_iso_text)] | None = None
    campaign_id: RowId | None = None
    is_urgent: bool = False
    appointment_id: RowId | None = None


class AdmissionOut(BaseModel):
    """What became of the order. A refusal is an answer: `status` is `refused`, `reasons` say
    why, and the job can be read and explained like any other."""

    job_id: str
    scheduled_at: datetime | None
    channel: Channel
    estimated_delivery: datetime | None
    status: Lifecycle
    reasons: list[Reason]

    @classmethod
    def of(cls, admission: Admission) -> "AdmissionOut":
        is_refused = admission.lifecycle is Lifecycle.REFUSED
        at = None if is_refused else admission.scheduled_at
        return cls(
            job_id=str(admission.message_id),
            scheduled_at=at,
            channel=admission.channel,
            estimated_delivery=at,
            status=admission.lifecycle,
            reasons=list(admission.reasons),
        )


class JobStatus(StrEnum):
    """Where a message stands, in the one word that clients know."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    PROCESSING = "processing"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"
    FAILED = "failed"
    CANCELLED = "cancelled"


_OF_LIFECYCLE: Final = {
    Lifecycle.SCHEDULED: JobStatus.SCHEDULED,
    Lifecycle.QUEUED: JobStatus.QUEUED,
    Lifecycle.SENDING: JobStatus.PROCESSING,
    Lifecycle.UNKNOWN: JobStatus.PROCESSING,
    Lifecycle.REFUSED: JobStatus.CANCELLED,
    Lifecycle.EXPIRED: JobStatus.CANCELLED,
    Lifecycle.CANCELLED: JobStatus.CANCELLED,
    Lifecycle.FAILED: JobStatus.FAILED,
}
_OF_PROGRESS: Final = {
    ProgressState.DELIVERED: JobStatus.DELIVERED,
    ProgressState.OPENED: JobStatus.OPENED,
    ProgressState.CLICKED: JobStatus.CLICKED,
    ProgressState.BOUNCED: JobStatus.BOUNCED,
    ProgressState.FAILED: JobStatus.FAILED,
    ProgressState.EXPIRED: JobStatus.FAILED,
    ProgressState.CANCELLED: JobStatus.FAILED,
}


def job_status(lifecycle: Lifecycle, progress: str | None) -> JobStatus:
    """Put our lifecycle and the provider's progress into the clients' one word.

    What a provider has taken is `sent` until the provider says more; what it then expired or
    cancelled has `failed`. What we never sent, for whatever reason, is `cancelled`.
    """
    if lifecycle is not Lifecycle.ACCEPTED:
        return _OF_LIFECYCLE[lifecycle]
    return (
        JobStatus.SENT
        if progress is None
        else _OF_PROGRESS.get(ProgressState(progress), JobStatus.SENT)
    )


def narrowed_to(wanted: JobStatus) -> tuple[tuple[Lifecycle, ...], tuple[str | None, ...]]:
    """The other way round: the lifecycles, and the progress of those accepted, that a word
    stands for."""
    steps: tuple[str | None, ...] = (None, *ProgressState)
    fitting = tuple(one for one in steps if job_status(Lifecycle.ACCEPTED, one) is wanted)
    others = [one for one, word in _OF_LIFECYCLE.items() if word is wanted]
    return (*others, *([Lifecycle.ACCEPTED] if fitting else [])), fitting


class JobVisitOut(BaseModel):
    """A visit that a message tells of. `starts_at` is what it tells; a message that was ordered
    without one tells none."""

    appointment_id: int
    appointment_version: int | None
    starts_at: datetime | None


class JobOut(BaseModel):
    """A message. `status` is the clients' word, `lifecycle` and `progress` are ours, and
    `reasons` say why it waits or was refused. `visits` are all that it tells of, in the order of
    the day: reminders of one day are one message."""

    id: int
    patient_id: int
    template_id: int | None
    campaign_id: int | None
    purpose: Purpose
    channel: Channel
    recipient: str | None
    subject: str | None
    body: str | None
    variables: dict[str, str]
    scheduled_at: datetime | None
    sent_at: datetime | None
    status: JobStatus
    is_urgent: bool
    appointment_id: int | None
    appointment_version: int | None
    reminder_offset: int | None
    visits: list[JobVisitOut]
    provider_message_id: str | None
    lifecycle: Lifecycle
    progress: str | None
    reasons: list[Reason]

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        return cls(
            id=job.id,
            patient_id=job.patient_id,
            template_id=job.template_id,
            campaign_id=None,
            purpose=job.purpose,
            channel=job.channel,
            recipient=job.recipient,
            subject=job.subject,
            body=job.body,
            variables=dict(job.variables),
            scheduled_at=job.scheduled_at,
            sent_at=job.sent_at,
            status=job_status(job.lifecycle, job.progress),
            is_urgent=job.message_class is MessageClass.EMERGENCY,
            appointment_id=job.appointment_id,
            appointment_version=job.appointment_version,
            reminder_offset=job.reminder_offset,
            visits=[
                JobVisitOut(
                    appointment_id=one.appointment_id,
                    appointment_version=one.version,
                    starts_at=one.starts_at,
                )
                for one in job.visits
            ],
            provider_message_id=job.provider_message_id,
            lifecycle=job.lifecycle,
            progress=job.progress,
            reasons=list(job.reasons),
        )


def order_key(idempotency_key: str, body: bytes) -> str:
    """The key of the order that a repeated request repeats: another body is another order."""
    return f"api:{idempotency_key}:{hashlib.sha256(body).hexdigest()[:16]}"
