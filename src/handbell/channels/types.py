"""What goes out to a provider, what its answer means, and what its webhooks say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Channel, Lane


class Provider(StrEnum):
    """A messaging company whose API we speak."""

    SENDGRID = "sendgrid"
    TWILIO = "twilio"
    WHATSAPP = "whatsapp"


class Baa(StrEnum):
    """Whether the provider account is covered by a HIPAA business associate agreement."""

    SIGNED = "signed"
    NOT_REQUIRED = "not_required"
    NONE = "none"


CHANNEL_OF_PROVIDER: Final[Mapping[Provider, Channel]] = {
    Provider.SENDGRID: Channel.EMAIL,
    Provider.TWILIO: Channel.SMS,
    Provider.WHATSAPP: Channel.WHATSAPP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A number or mailbox of ours: E.164 or an e-mail address. `reference` is the provider's
    own id of it, where it sends by one: WhatsApp's phone number id."""

    id: int
    organization_id: OrganizationId
    account_id: int
    channel: Channel
    address: str
    reference: str | None = None

    @property
    def sender(self) -> str:
        """What the provider is told to send from."""
        return self.reference or self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A line as it is given to us. `tier` None leaves what is written of it."""

    address: str
    reference: str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with a provider, without its secrets. The environment's is changed there."""

    id: int
    organization_id: OrganizationId
    provider: Provider
    reference: str
    baa: Baa
    is_of_environment: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRate:
    """Messages to one person: one every so many seconds, and so many at once."""

    every_seconds: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePace:
    """What a line may do. Rates are units (SMS segments, else messages) per second, None where
    no limit is known; caps are units per calendar day in `day_zone`."""

    line: Line
    provider: Provider
    tier: str
    rate: float | None
    daily_cap: int | None
    account_rate: float | None
    account_cap: int | None
    day_zone: str
    recipient: PairRate | None


class NewOrders(StrEnum):
    """What happens to orders that come while delivery is paused."""

    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseScope:
    """What a pause stops; None is not narrowed down. No organisation: all of them. No lane: every
    lane but the urgent one, which only stops where it is named. A line's names its channel too."""

    organization_id: OrganizationId | None = None
    lane: Lane | None = None
    channel: Channel | None = None
    line_id: int | None = None

    def covers(self, lane: Lane, channel: Channel | None, line_id: int | None = None) -> bool:
        """Whether it stops the organisation's messages on the lane and the channel that leave
        from the line. Without a channel: on every one; without a line: from every one."""
        if self.line_id not in {None, line_id}:
            return False
        of_lane = lane is self.lane or (self.lane is None and lane is not Lane.URGENT)
        return of_lane and (self.channel is None or self.channel is channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause as stored: who stopped what, why, and until when (None: until it is ended)."""

    id: int
    scope: PauseScope
    new_orders: NewOrders
    reason: str
    paused_by: str
    paused_at: datetime
    until_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsContent:
    """A text message; at most 1600 characters."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Attachment:
    """A file that travels with an e-mail; `media_type` without parameters."""

    filename: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailContent:
    """An e-mail: both parts are always present. `categories` are for the provider's own figures
    and say nothing of a patient."""

    subject: str
    html: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class MediaKind(StrEnum):
    """What may stand above the text of a WhatsApp template."""

    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppText:
    """Free text: allowed only inside the 24 hours after the patient's last message."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppMedia:
    """A picture, video or document above a template's text, by a link that Meta fetches."""

    kind: MediaKind
    link: str
    filename: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppTemplate:
    """An approved template of Meta's with its parameters in order.

    `header` is the variable of a text header, or the file of a media header. Quick replies
    with `button_payloads` stand first among the buttons, then links; `url_suffixes` are the
    variable ends of those.
    """

    name: str
    language: str
    parameters: tuple[str, ...]
    header: str | WhatsAppMedia | None = None
    button_payloads: tuple[str, ...] = ()
    url_suffixes: tuple[str, ...] = ()


Content = SmsContent | EmailContent | WhatsAppText | WhatsAppTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One attempt to send one message.

    `attempt_token` is random and comes back in the provider's callbacks, so that they find
    the attempt even when the worker died before it could record the answer.
    `validity` is how long the provider may go on trying; None leaves it to the provider.
    `sender` is the line as the provider calls it (`Line.sender`).
    """

    sender: str
    to: str
    content: Content
    attempt_token: str
    validity: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider has the message."""

    provider_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The provider said no for good. Trying again is useless."""

    code: str
    opted_out: bool = False
    bad_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Nothing was sent. Trying again is safe, after the pause or from the instant that the
    provider named in `retry_after`."""

    code: str
    retry_after: timedelta | datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The request may have been taken. Trying again may message the patient twice."""

    code: str


Outcome = Accepted | Refused | Retry | Unknown


class Sender(Protocol):
    """Sends through one provider account. Never raises for what a provider may answer."""

    async def send(self, out: Outbound) -> Outcome: ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sought:
    """An attempt whose answer was lost, as its provider would know it; `sender` as in
    `Outbound`."""

    sender: str
    to: str
    text: str
    started_at: datetime
    attempt_token: str


class Lookup(Protocol):
    """Asks a provider what it has taken. Never raises for what a provider may answer.

    `asks_after` says how long after the doubt the list is asked, once for each: lists lag.
    """

    @property
    def asks_after(self) -> tuple[timedelta, ...]: ...

    async def find(self, sought: Sought) -> tuple[str, ...] | None:
        """The provider's ids of what fits, oldest first; None where it could not tell."""
        ...


class EventKind(StrEnum):
    """What a provider's callback says of an attempt, normalised over the providers."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    MACHINE_OPENED = "machine_opened"
    BOUNCED = "bounced"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    COMPLAINED = "complained"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """One event of one attempt, found by the attempt's token or the provider's id.

    `key` is the same for every repetition of the event. `occurred_at` is None where the
    provider gives no time (Twilio).
    """

    provider: Provider
    key: str
    kind: EventKind
    attempt_token: str | None = None
    provider_ref: str | None = None
    occurred_at: datetime | None = None
    code: str | None = None
    opted_out: bool = False
    bad_address: bool = False
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundText:
    """What a patient wrote, or the button a patient pressed, on one of our lines.

    `sender` and `line` are E.164 numbers with the plus (or e-mail addresses); `sender` is
    None where WhatsApp hides the number. `context_ref` is the provider's id of our message
    that is answered. `opt_out_type` is Twilio's OptOutType (STOP, START, HELP), as evidence.
    """

    provider: Provider
    channel: Channel
    key: str
    line: str
    body: str
    sender: str | None
    provider_ref: str
    context_ref: str | None = None
    occurred_at: datetime | None = None
    opt_out_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStatus:
    """What Meta says of a registered template, in our words: pending, approved, rejected or
    paused. `name`, `language` and `reason` are Meta's."""

    provider: Provider
    key: str
    name: str
    language: str
    state: str
    reason: str | None = None
    category: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A well-formed item that means nothing to us; it is kept raw and nothing else happens."""

    provider: Provider
    key: str
    why: str


WebhookItem = StatusEvent | InboundText | TemplateStatus | Ignored
