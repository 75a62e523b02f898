"""A blackout as it is entered and as it is kept."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.blackouts.errors import InvalidBlackout
from handbell.scheduling.state_zones import TERRITORIES, ZONES_OF_STATE
from handbell.scheduling.types import Blackout


class BlackoutClass(StrEnum):
    """The classes that a blackout can hold back: an emergency and an answer always leave."""

    CARE = MessageClass.CARE
    BILLING_ADMIN = MessageClass.BILLING_ADMIN
    RESEARCH = MessageClass.RESEARCH
    MARKETING = MessageClass.MARKETING


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackoutDraft:
    """What an operator enters: nothing leaves in `starts_at` ≤ t < `ends_at`.

    None means any. A state is one of the United States, so it goes with no country or with US.
    Raises `InvalidBlackout`.
    """

    starts_at: datetime
    ends_at: datetime
    state: str | None = None
    country: str | None = None
    channel: Channel | None = None
    message_class: BlackoutClass | None = None
    reason: str

    def __post_init__(self) -> None:
        if not self.starts_at < self.ends_at:
            raise InvalidBlackout("A blackout ends after it starts.", field="ends_at")
        if self.state is None:
            return
        if self.state not in ZONES_OF_STATE and self.state not in TERRITORIES:
            raise InvalidBlackout("There is no such state.", field="state")
        if self.country not in {None, "US"}:
            raise InvalidBlackout("A state is one of the United States.", field="country")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackoutView:
    """A blackout with what people want to know of it. `is_everywhere`: for every organisation."""

    blackout: Blackout
    reason: str
    is_everywhere: bool
    entered_by: str
    entered_at: datetime
    changed_at: datetime
