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
    CANCEL_VISIT = "cancel_visit"
    HOLD = "hold"
    """Perhaps an end of all messages: pause what can wait, and ask or let a person decide."""
    WRONG_NUMBER = "wrong_number"
    DECEASED = "deceased"
    CRISIS = "crisis"
    TAPBACK = "tapback"
    """A reaction to one of our messages, which quotes our own words."""
    NOTHING = "nothing"
    """Asks for nothing: thanks, or a wish that all stays as it is."""


class Effect(StrEnum):
    """What a text may mean besides its intent. Values are stored: append only."""

    MAY_CONCERN_VISIT = "may_concern_visit"
    """"Cancel" stops the messages by law, and may have been meant for the visit."""
    MAY_RESUBSCRIBE = "may_resubscribe"
    """"Yes" confirms, and is a carrier's word for starting again after a stop."""
    OPTS_OUT = "opts_out"
    """The text also ends all messages."""
    MARKETING_ONLY = "marketing_only"
    """The end of messages that is asked for leaves those about care."""
    WRONG_NUMBER = "wrong_number"
    DECEASED = "deceased"
    ASK_WHICH = "ask_which"
    """A clear wish, and no single visit that it can be about: nothing is done."""
    FOR_STAFF = "for_staff"
    """A person should read it, whatever is done by itself."""
    LIKED = "liked"
    """A reaction of approval. It confirms nothing."""


class Context(StrEnum):
    """What the text can be an answer to."""

    ONE_OPEN_VISIT = "one_open_visit"
    TWO_OPEN_VISITS = "two_open_visits"
    NO_OPEN_VISIT = "no_open_visit"
    AFTER_MARKETING = "after_marketing"
    OPTED_OUT = "opted_out"
    TWO_PATIENTS = "two_patients_on_number"


class Confidence(StrEnum):
    """How a reading was found. Values are stored: append only."""

    HIGH = "high"
    """The whole message, or the sentence that opens it, is known."""
    MEDIUM = "medium"
    """A known phrase stands in it, or it is made of known parts."""
    LOW = "low"
    """No rule knows it, or what it says can be meant in two ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a text means, by which rule (None: no rule knows it) of which version of the rules."""

    intent: Intent
    rule: str | None
    version: str
    effects: frozenset[Effect] = frozenset()
    confidence: Confidence = Confidence.LOW

    @property
    def ends_messages(self) -> bool:
        """Whether messages to the address end: all, or with `MARKETING_ONLY` those."""
        return self.intent is Intent.STOP or Effect.OPTS_OUT in self.effects

    @property
    def tells_death(self) -> bool:
        return self.intent is Intent.DECEASED or Effect.DECEASED in self.effects

    @property
    def tells_wrong_number(self) -> bool:
        return self.intent is Intent.WRONG_NUMBER or Effect.WRONG_NUMBER in self.effects
