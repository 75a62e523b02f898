"""What an outcome says of the account and the line, beside what it says of the message."""

from typing import Final

from handbell.channels.providers.failures import Failure, failure_of
from handbell.channels.types import Accepted, Outcome, Provider, Refused

_TOO_FAST: Final = frozenset({"http_429", "63018"})
"""An answer without the provider's own words, and Twilio's word for WhatsApp's limit."""
_OF_RECIPIENT: Final = frozenset({"131049", "131056"})
"""Meta: this person has had enough for now. Others may be written to."""


def is_fault(provider: Provider, outcome: Outcome) -> bool | None:
    """Whether an outcome speaks against the account; None where it says nothing of its health.

    A refusal is about the message and shows that the provider works, unless it refuses our
    credentials. Too fast is the business of the limits.
    """
    if isinstance(outcome, Accepted):
        return False
    failure = failure_of(provider, outcome.code)
    if isinstance(outcome, Refused):
        return failure is Failure.AUTH
    says_nothing = is_too_fast(provider, outcome.code) or failure in {
        Failure.RATE_LIMIT,
        Failure.POLICY_TIME,
    }
    return None if says_nothing else True


def is_too_fast(provider: Provider, code: str | None) -> bool:
    """Whether a code says that the sender, not only one recipient, was sent to too fast."""
    if code in _TOO_FAST:
        return True
    return code not in _OF_RECIPIENT and failure_of(provider, code) is Failure.RATE_LIMIT
