"""A patient's message with what is known of it, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from handbell.channels.types import InboundText
from handbell.messages.types import Question
from handbell.platform.db import OrganizationId, Tx
from handbell.replies.types import Reading


class Handled(StrEnum):
    """How a patient's message was dealt with. Values are stored and shown: append only."""

    CONFIRMED = "confirmed"
    LINK_SENT = "link_sent"
    OPTED_OUT = "opted_out"
    HELPED = "helped"
    OPTIONS_SENT = "options_sent"
    TO_STAFF = "to_staff"
    NOTED = "noted"
    """It asks for nothing, and nothing was done."""
    MARKETING_ENDED = "marketing_ended"
    RESUBSCRIBED = "resubscribed"
    HELD = "held"
    """What waits for the address waits longer, until a person or the patient has answered."""
    ASKED_WHICH = "asked_which"
    CRISIS_ANSWERED = "crisis_answered"
    SUPPRESSED = "suppressed"
    """Nothing goes to the address any more: it is not the patient's, or the patient has died."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Heard:
    """A patient's message with all that is known of it.

    `patient_id` is who wrote, where that is certain; `answer_to` is a patient of the number, to
    whom an answer may go; `patients` are all who are reached at the address. `address_id` is
    None where the number was hidden. `at` is when the patient wrote.
    """

    tx: Tx
    organization_id: OrganizationId
    id: int
    item: InboundText
    reading: Reading
    address_id: int | None
    patient_id: int | None
    answer_to: int | None
    patients: tuple[int, ...]
    question: Question | None
    at: datetime
    now: datetime


class Listener(Protocol):
    """Hears of each message once, in the transaction that dealt with it."""

    async def heard_in(self, heard: Heard, handled: Handled) -> None: ...
