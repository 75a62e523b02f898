"""What a patient's text can be an answer to, and who has answered it already. Pure."""

from collections.abc import Sequence
from typing import Final

from handbell.channels.types import InboundText, Provider
from handbell.messages.types import Question
from handbell.replies.types import Context

TWILIO_STOPS: Final = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
TWILIO_STARTS: Final = frozenset({"START", "UNSTOP"})
"""The words of Twilio's default handling: whole message, any case. It answers them itself, and
names them in OptOutType only where Advanced Opt-Out is on (Twilio, "Advanced Opt-Out")."""


def context_of(
    question: Question | None,
    patients: Sequence[int],
    *,
    is_opted_out: bool,
    is_after_marketing: bool,
) -> Context:
    """What the text can be an answer to.

    A message that the answer itself points at, or the only open one, decides; of several open
    ones none is chosen. `patients` are those who are reached at the address.
    """
    if is_opted_out:
        return Context.OPTED_OUT
    if question is None or not question.visits:
        if is_after_marketing:
            return Context.AFTER_MARKETING
        return Context.TWO_PATIENTS if len(patients) > 1 else Context.NO_OPEN_VISIT
    if question.is_clear:
        return Context.ONE_OPEN_VISIT
    return Context.TWO_PATIENTS if question.is_shared else Context.TWO_OPEN_VISITS


def has_twilio_stopped(item: InboundText) -> bool:
    """Whether Twilio has confirmed the opt-out itself, and blocks what would follow."""
    return _has_answered(item, "STOP", TWILIO_STOPS)


def has_twilio_started(item: InboundText) -> bool:
    return _has_answered(item, "START", TWILIO_STARTS)


def has_twilio_helped(item: InboundText) -> bool:
    return item.opt_out_type == "HELP"


def _has_answered(item: InboundText, kind: str, words: frozenset[str]) -> bool:
    is_keyword = item.provider is Provider.TWILIO and item.body.strip().upper() in words
    return item.opt_out_type == kind or is_keyword
