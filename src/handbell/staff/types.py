"""Tasks for people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TaskKind(StrEnum):
    """Why somebody has to look. Values are stored and shown: append only."""

    RESCHEDULE_WISH = "reschedule_wish"
    UNCLEAR_REPLY = "unclear_reply"
    UNMATCHED_SENDER = "unmatched_sender"
    POSSIBLE_CANCELLATION = "possible_cancellation"
    RESUBSCRIBE_WISH = "resubscribe_wish"
    CRISIS = "crisis"
    """Somebody may be in danger: it stands before all others."""
    POSSIBLE_OPT_OUT = "possible_opt_out"
    WRONG_NUMBER = "wrong_number"
    DECEASED = "deceased"
    URGENT_CALL = "urgent_call"
    """An emergency message did not reach the patient so far: somebody has to telephone."""
    URGENT_UNDELIVERED = "urgent_undelivered"
    """For who sent it: nothing has confirmed its delivery in time."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StaffTask:
    """Something for a person; `note` is the patient's own words and is stored encrypted."""

    kind: TaskKind
    patient_id: int | None = None
    appointment_id: int | None = None
    inbound_message_id: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OpenTask:
    """A task that nobody has closed yet, with its note in clear."""

    id: int
    task: StaffTask
    created_at: datetime
