"""What a text can mean."""

from dataclasses import dataclass
from enum import StrEnum


class Intent(StrEnum):
    """What the patient wants. Values are stored: append only."""

    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    STOP = "stop"
    START = "start"
    HELP = "help"
    OTHER = "other"


class Effect(StrEnum):
    """What a text may mean besides its intent."""

    MAY_CONCERN_VISIT = "may_concern_visit"
    """"Cancel" stops the messages by law, and may have been meant for the visit."""
    MAY_RESUBSCRIBE = "may_resubscribe"
    """"Yes" confirms, and is a carrier's word for starting again after a stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a text means, by which rule (None: no rule knows it) of which version of the rules."""

    intent: Intent
    rule: str | None
    version: str
    effects: frozenset[Effect] = frozenset()
