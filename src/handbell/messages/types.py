"""What the gate looks at, what it answers, and the reasons it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.types import WindowFacts


class Reason(StrEnum):
    """Why a message waits or never goes. Values are stored and shown: append only."""

    DECEASED = "deceased"
    WRONG_NUMBER = "wrong_number"
    NO_ADDRESS = "no_address"
    CHANNEL_RESTRICTED = "channel_restricted"
    OPTED_OUT = "opted_out"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    MARKETING_NOT_OPTED_IN = "marketing_not_opted_in"
    WHATSAPP_OFF_FOR_US = "whatsapp_off_for_us"
    NO_CONSENT = "no_consent"
    NO_TEMPLATE = "no_template"
    ABOVE_CEILING = "above_ceiling"
    USELESS = "useless"
    NO_LEGAL_TIME = "no_legal_time"
    OVER_CAP = "over_cap"
    OUTSIDE_WINDOW = "outside_window"
    PAUSED = "paused"
    PLANNED = "planned"


class ConsentStatus(StrEnum):
    """What the ledger says of one address, channel and message class."""

    EXPRESS = "express"
    EXPRESS_WRITTEN = "express_written"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapFacts:
    """How many counted sends are allowed per rolling period, and when the last ones left.

    `sent_at` is sorted, newest last; `per_week` None means no weekly cap. At exactly 24 hours
    the earlier send still counts (regulation.md, "Caps").
    """

    per_day: int
    per_week: int | None = None
    sent_at: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFacts:
    """The published version that would be used; levels are 0..3 (L0..L3).

    `sibling_level` is the level of its generic sibling, None where there is none.
    """

    level: int
    sibling_level: int | None
    ceiling: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityFacts:
    """Everything about the recipient and the content that does not depend on the hour.

    `address_id` is None where the patient has no address on the channel; `template` is None
    where no published version fits purpose, channel and language.
    """

    message_class: MessageClass
    channel: Channel
    address_id: int | None
    is_deceased: bool
    is_wrong_number: bool
    is_restricted: bool
    is_opted_out: bool
    is_optout_confirmation: bool
    is_allowed: bool
    has_marketing_opt_in: bool
    is_us_number: bool
    is_whatsapp_us_enabled: bool
    consent: ConsentStatus
    template: TemplateFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFacts:
    """All that the gate needs to know about one message on one channel.

    `serves_at` is the visit that a reminder is about; a message that serves nothing dated has
    None. `pause_until` is the patient's own wish.
    """

    eligibility: EligibilityFacts
    window: WindowFacts
    caps: CapFacts
    serves_at: datetime | None = None
    pause_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """The message may leave now. `use_sibling`: with the generic L0 text."""

    use_sibling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Defer:
    """The message may leave at `until`, not before."""

    until: datetime
    reasons: tuple[Reason, ...]
    use_sibling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """The message will never leave."""

    reasons: tuple[Reason, ...]


Decision = Send | Defer | Refuse
