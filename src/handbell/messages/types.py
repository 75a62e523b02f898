"""Orders, what the gate looks at and answers, and what is shown of a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from handbell.platform.vocabulary import Channel, MessageClass, Purpose
from handbell.scheduling.types import Anchor, WindowFacts

MessageId = NewType("MessageId", int)


class Lifecycle(StrEnum):
    """Where a message stands with us. Values are stored and shown: append only."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"
    UNKNOWN = "unknown"


PENDING = (Lifecycle.SCHEDULED, Lifecycle.QUEUED)
"""What may still be withdrawn: nothing has been said to a provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRef:
    """A visit that a message tells of: which version of it, and when that begins."""

    appointment_id: int
    version: int | None
    starts_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOrder:
    """A wish to tell one patient one thing; only the gate turns it into a message.

    `order_key` is unique in the organisation for ever: repeating it gives the first admission.
    Without a `channel` the patient's order of channels decides; a reply names the `address_id`
    that it answers, and `answers_at`, when the patient wrote. `reminder_offset` is in minutes
    before `serves_at`, the start of the visit. `variables` are the caller's own. `not_on` are
    channels that it may not take; `falls_back_from` is the message that failed on them. `others`
    are further visits of the same day, in their order, that the message tells of as well.
    """

    patient_id: int
    purpose: Purpose
    anchor: Anchor
    order_key: str
    ordered_by: str
    channel: Channel | None = None
    address_id: int | None = None
    template_id: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    appointment_id: int | None = None
    appointment_version: int | None = None
    reminder_offset: int | None = None
    serves_at: datetime | None = None
    answers_at: datetime | None = None
    not_on: frozenset[Channel] = frozenset()
    falls_back_from: MessageId | None = None
    others: tuple[VisitRef, ...] = ()


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
    SUPERSEDED = "superseded"
    NO_SENDER = "no_sender"
    WITHDRAWN = "withdrawn"
    LEAKS = "leaks"
    TOO_LONG = "too_long"
    UNRENDERABLE = "unrenderable"
    RETRYING = "retrying"
    GIVEN_UP = "given_up"
    PROVIDER_REFUSED = "provider_refused"
    AWAITING_OUTCOME = "awaiting_outcome"
    BLACKOUT = "blackout"
    TEMPLATE_NOT_APPROVED = "template_not_approved"
    MARKETING_INCOMPLETE = "marketing_incomplete"
    CATEGORY_OFF = "category_off"
    CONFIDENTIAL = "confidential"
    NOT_A_PATIENT = "not_a_patient"
    SKIPPED = "skipped"
    HELD = "held"
    AWAITING_PERSON = "awaiting_person"
    PROVIDER_DOWN = "provider_down"
    OVER_LEGAL_CAP = "over_legal_cap"


class Told(StrEnum):
    """Who is told of what a message is about. Values are stored: append only."""

    SELF = "self"
    GUARDIAN = "guardian"
    CAREGIVER = "caregiver"


NOT_ARRIVED: Final = ("failed", "bounced", "expired", "cancelled")
"""How a send ended that has told the patient nothing."""


class ConsentStatus(StrEnum):
    """What the ledger says of one address, channel and message class."""

    EXPRESS = "express"
    EXPRESS_WRITTEN = "express_written"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapFacts:
    """How many counted sends are allowed per rolling period, and when the last ones left.

    `sent_at` is sorted, newest last; `per_week` None means no weekly cap. At exactly 24 hours
    the earlier send still counts (regulation.md, "Caps"). A cap of 0 allows none at all.

    What the law of a place counts besides: `others_sent_at` is marketing to the same number for
    other patients, `commercial_sent_at` marketing and billing to the patient, where a country
    counts these together. Both are sorted, too.
    """

    per_day: int
    per_week: int | None = None
    sent_at: Sequence[datetime] = ()
    others_sent_at: Sequence[datetime] = ()
    commercial_sent_at: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFacts:
    """The published version that would be used; levels are 0..3 (L0..L3).

    `sibling_level` is the level of its generic sibling, None where there is none. A WhatsApp
    template is approved by Meta, or not; every other text counts as approved.
    """

    level: int
    sibling_level: int | None
    ceiling: int
    is_approved: bool = True
    is_sibling_approved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityFacts:
    """Everything about the recipient and the content that does not depend on the hour.

    `address_id` is None where the patient has no address on the channel; `template` is None
    where no published version fits purpose, channel and language. `is_superseded`: the visit it
    is about was moved, cancelled or is otherwise no longer what the order knew. `has_sender`:
    the organisation has an account for the channel. `is_category_off`: messages of the purpose
    are not wanted, or not on this channel. `told` is who would read it; a `is_confidential`
    visit is told neither to them nor at an address that they have too. `is_patient` is false
    for somebody who is only told in a patient's place.
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
    is_superseded: bool = False
    has_sender: bool = True
    is_category_off: bool = False
    told: Told = Told.SELF
    is_confidential: bool = False
    is_relatives_address: bool = False
    is_patient: bool = True
    tells_of_mistake: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFacts:
    """All that the gate needs to know about one message on one channel.

    `serves_at` is the visit that a reminder is about; a message that serves nothing dated has
    None. `pause_until` is the patient's own wish; until `hold_until` a reply from the address
    waits for a person.
    """

    eligibility: EligibilityFacts
    window: WindowFacts
    caps: CapFacts
    serves_at: datetime | None = None
    pause_until: datetime | None = None
    hold_until: datetime | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What became of an order. A refusal is an answer, with every reason."""

    message_id: MessageId
    lifecycle: Lifecycle
    channel: Channel
    scheduled_at: datetime | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMessage:
    """A message about a visit, whatever became of it; `serves_at` and `appointment_version` are
    of that visit. `visits` are all that it tells of; `is_regular`: it was planned with the visit,
    and is no repetition of another one."""

    id: MessageId
    purpose: Purpose
    reminder_offset: int | None
    serves_at: datetime | None
    appointment_version: int | None
    lifecycle: Lifecycle
    visits: tuple[VisitRef, ...] = ()
    is_regular: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The message that a patient's answer belongs to.

    `visits` are all that it asked about. `is_named`: the answer itself points at it.
    `open_elsewhere` counts other visits that we have asked about on the address and that are
    still open; `is_shared`: another patient's are among them.
    """

    message_id: MessageId
    patient_id: int
    appointment_id: int | None
    purpose: Purpose
    visits: tuple[VisitRef, ...]
    is_named: bool
    open_elsewhere: int
    is_shared: bool = False

    @property
    def is_clear(self) -> bool:
        """Whether the answer can mean the visits of this message only."""
        return self.is_named or self.open_elsewhere == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """What a list is narrowed to; None leaves it open. `progress` narrows accepted messages."""

    patient_id: int | None = None
    appointment_id: int | None = None
    channel: Channel | None = None
    lifecycles: tuple[Lifecycle, ...] | None = None
    progress: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A message as it is shown: address and text are the patient's data, in clear. `visits` are
    all that it tells of, in the order of the day; the first is `appointment_id`."""

    id: MessageId
    patient_id: int
    template_id: int | None
    purpose: Purpose
    message_class: MessageClass
    channel: Channel
    recipient: str | None
    subject: str | None
    body: str | None
    variables: Mapping[str, str]
    lifecycle: Lifecycle
    progress: str | None
    reasons: tuple[Reason, ...]
    ordered_by: str
    created_at: datetime
    scheduled_at: datetime | None
    sent_at: datetime | None
    replied_at: datetime | None
    appointment_id: int | None
    appointment_version: int | None
    reminder_offset: int | None
    provider_message_id: str | None
    visits: tuple[VisitRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """When something last happened between us and a patient."""

    last_sent: datetime | None
    last_opened: datetime | None
    last_replied: datetime | None
