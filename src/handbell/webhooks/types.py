"""What comes in from a provider, what verifies it, and the ports that it is handed on to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from handbell.channels.types import InboundText, Provider, StatusEvent, TemplateStatus
from handbell.consent.types import Decision
from handbell.platform.db import OrganizationId, Tx


class Kind(StrEnum):
    """Which of our webhooks was called. Values are stored: append only."""

    TWILIO_STATUS = "twilio_status"
    TWILIO_INBOUND = "twilio_inbound"
    TWILIO_EVENTS = "twilio_events"
    SENDGRID_EVENTS = "sendgrid_events"
    SENDGRID_INBOUND = "sendgrid_inbound"
    WHATSAPP = "whatsapp"
    RELAY_STATUS = "relay_status"
    RELAY_INBOUND = "relay_inbound"

    @property
    def source(self) -> str:
        """Who calls: a provider, or a relay that we trust."""
        return self.value.partition("_")[0]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Request:
    """A provider's request: the raw bytes, and the parts of it that signatures cover.

    `token` is the attempt token of the query, `account` the account that its address names;
    header names are lower case.
    """

    kind: Kind
    raw: bytes
    path: str
    query: str
    headers: Mapping[str, str]
    token: str | None = None
    account: str | None = None

    @property
    def digest(self) -> bytes:
        """The same for every repetition of the request."""
        parts = (self.kind.encode(), self.query.encode(), self.raw)
        return sha256(b"\0".join(parts)).digest()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Secrets:
    """What accounts sign with. An empty one verifies nothing.

    `public_url` is where the providers reach us: Twilio signs it. `twilio_shared_key` is for
    requests that name a shared key of the account's; where it is empty, the auth token is.
    """

    public_url: str
    twilio_auth_token: str
    sendgrid_public_key: str
    whatsapp_app_secret: str
    whatsapp_verify_token: str
    twilio_shared_key: str = ""
    relay_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Delivery:
    """A request on its way into the database; `sealed` is its body, encrypted."""

    organization_id: OrganizationId
    kind: Kind
    digest: bytes
    sealed: bytes
    token: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadWebhook:
    """A callback that was given up; `problem` names the error of the last attempt."""

    id: int
    kind: Kind
    received_at: datetime
    attempts: int
    problem: str


class SecretBook(Protocol):
    """Knows what the accounts of the environment and of the organisations sign with."""

    @property
    def environment(self) -> Secrets: ...

    async def named(
        self, provider: Provider, reference: str
    ) -> Sequence[tuple[OrganizationId, Secrets]]:
        """The secrets of the accounts that go by this name at the provider, and whose they
        are."""


class Deliveries(Protocol):
    """What the delivery domain does with what providers and patients say."""

    async def opt_out_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        address_ids: Sequence[int],
        decision: Decision,
        *,
        now: datetime,
    ) -> object:
        """Stop the addresses in the caller's transaction."""

    async def settle(self, organization_id: OrganizationId, address_ids: Sequence[int]) -> int:
        """Wait for attempts in flight to them; give how many still are."""

    async def record_status(
        self, events: Sequence[StatusEvent], *, now: datetime
    ) -> Sequence[StatusEvent]:
        """Take events of attempts, in any order and repetition; give those that name an attempt
        which is not known, or not yet."""


class Approvals(Protocol):
    """Keeps what Meta says of registered templates."""

    async def take(self, told: Sequence[TemplateStatus], *, now: datetime) -> None:
        """Take what is told of the environment's account, in any order and repetition."""


class Inbound(Protocol):
    """Takes what patients write."""

    async def receive_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        item: InboundText,
        *,
        received_at: datetime,
        now: datetime,
    ) -> None:
        """Deal with one message; the same message again changes nothing."""
