"""Takes providers' callbacks: verify, store, commit, answer; then apply what they say."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog

from handbell.channels.service import find_line
from handbell.channels.types import InboundText, Provider
from handbell.consent.types import Decision, Method
from handbell.consent.types import Kind as ConsentKind
from handbell.directory import service as directory
from handbell.directory.errors import InvalidAddress
from handbell.organizations import service as organizations
from handbell.organizations.types import StopScope
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.outages import is_outage
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.replies.policy import reply_parser
from handbell.replies.types import Effect
from handbell.webhooks import reading, store
from handbell.webhooks.applying import Applier, context_of
from handbell.webhooks.batching import Batcher
from handbell.webhooks.errors import NotFromProvider, NotStored
from handbell.webhooks.types import (
    Approvals,
    Deliveries,
    Delivery,
    Inbound,
    Request,
    SecretBook,
)

APPLY_TOPIC: Final = store.APPLY_TOPIC
ENVIRONMENT: Final = OrganizationId(1)
"""Whose the accounts of the environment are, and a text on a line that nobody has."""
PHONE_CHANNELS: Final = (Channel.SMS, Channel.WHATSAPP)

log = structlog.get_logger(__name__)

_Stops = dict[OrganizationId, list[InboundText]]


async def stoppable_addresses_in(
    tx: Tx, organization_id: OrganizationId, keys: KeyRing, channel: Channel, sender: str
) -> list[int]:
    """What a STOP from this sender ends: the number on both phone channels, where the
    organisation has not chosen the one channel."""
    settings = await organizations.settings_in(tx, organization_id)
    is_number = channel in PHONE_CHANNELS and settings.stop_scope is StopScope.NUMBER
    return [
        await address_in(tx, organization_id, keys, one, sender)
        for one in (PHONE_CHANNELS if is_number else (channel,))
    ]


async def address_in(
    tx: Tx, organization_id: OrganizationId, keys: KeyRing, channel: Channel, sender: str
) -> int:
    """The sender's address, made if it is new. A number that we would never write to has one
    too: it can still be stopped."""
    address_hash = keys.address_hash(channel, _canonical(channel, sender))
    return await directory.ensure_address(tx, organization_id, channel, address_hash)


def hashes_of(keys: KeyRing, channel: Channel, sender: str) -> list[tuple[Channel, bytes]]:
    """What a sender is known by on every channel that the number or mailbox has."""
    channels = PHONE_CHANNELS if channel in PHONE_CHANNELS else (channel,)
    value = _canonical(channel, sender)
    return [(one, keys.address_hash(one, value)) for one in channels]


def _canonical(channel: Channel, sender: str) -> str:
    try:
        return directory.canonical_address(channel, sender).value
    except InvalidAddress:
        return sender


class WebhookHandler:
    """The only way in for what providers report. A callback is stored before it is answered,
    and a STOP has stopped before that."""

    def __init__(
        self,
        db: Database,
        keys: KeyRing,
        secrets: SecretBook,
        *,
        delivery: Deliveries,
        inbound: Inbound,
        approvals: Approvals,
    ) -> None:
        self._db = db
        self._keys = keys
        self._secrets = secrets
        self._delivery = delivery
        self._applier = Applier(
            db=db,
            keys=keys,
            delivery=delivery,
            inbound=inbound,
            approvals=approvals,
            owner=self._owner,
        )
        self._batcher = Batcher(self._store)

    def is_known_subscriber(self, token: str) -> bool:
        """Whether Meta, which sets a webhook up, knows our verify token."""
        own = self._secrets.environment.whatsapp_verify_token
        return bool(own) and hmac.compare_digest(own.encode(), token.encode())

    async def take(self, request: Request, *, now: datetime) -> None:
        """Store one request. When this returns, the caller may acknowledge it.

        Raises `NotFromProvider`, `NotStored`, `QueueFull` or, for a relay, `RelayUnreadable`. A
        repetition changes nothing.
        """
        try:
            await self._take(request, now=now)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("webhook.not_stored", count=1, error_type=type(error).__name__)
            raise NotStored from error

    async def take_and_apply(self, request: Request, *, now: datetime) -> None:
        """Take a request and do what it says at once, where somebody waits to see it."""
        await self.take(request, now=now)
        found = await store.find_delivery(self._db.direct, request.kind, request.digest)
        if found is not None:
            organization_id, delivery_id = found
            await self._applier.apply_many(organization_id, [delivery_id], now=now)

    async def _take(self, request: Request, *, now: datetime) -> None:
        if not await self._is_genuine(request, now=now):
            log.warning("webhook.refused", route=request.kind.value, reason="signature")
            raise NotFromProvider
        texts = _texts_of(request)
        stops = await self._stops(texts)
        owner = next(iter(stops), None) or await self._owner(texts[0] if texts else None)
        delivery = self._seal(request, owner, now=now)
        if stops:
            await self._store_stop(delivery, stops, now=now)
        else:
            await self._batcher.put(delivery)

    async def _is_genuine(self, request: Request, *, now: datetime) -> bool:
        """Whether the environment's account signed it, or the one that the request names: and
        that one speaks for its own organisation's lines only, and never of templates, which
        name no account."""
        if reading.is_genuine(request, self._secrets.environment, now=now):
            return True
        reference = reading.account_of(request)
        if reference is None:
            return False
        others = await self._secrets.named(Provider(request.kind.source), reference)
        signed = {
            owner for owner, secrets in others if reading.is_genuine(request, secrets, now=now)
        }
        if not signed or _speaks_of_templates(request):
            return False
        return {await self._owner(text) for text in _texts_of(request)} <= signed

    async def apply_many(
        self,
        organization_id: OrganizationId,
        many: Sequence[Mapping[str, Any]],
        *,
        now: datetime,
    ) -> None:
        """Do what stored callbacks say."""
        await self._applier.apply_many(
            organization_id, [int(args["delivery_id"]) for args in many], now=now
        )

    async def _stops(self, texts: Iterable[InboundText]) -> _Stops:
        """The texts that opt out, by the organisation that was written to."""
        stops: _Stops = {}
        for item in texts:
            said = reply_parser().read(item.body, provider_says=item.opt_out_type)
            if said.ends_messages and item.sender is not None:
                stops.setdefault(await self._owner(item), []).append(item)
        return stops

    def _class_ended(self, item: InboundText) -> MessageClass | None:
        """The one class that the text ends; None for all."""
        said = reply_parser().read(item.body, provider_says=item.opt_out_type)
        return MessageClass.MARKETING if Effect.MARKETING_ONLY in said.effects else None

    async def _owner(self, item: InboundText | None) -> OrganizationId:
        if item is None:
            return ENVIRONMENT
        line = await find_line(self._db.direct, item.channel, item.line)
        return line.organization_id if line else ENVIRONMENT

    def _seal(
        self, request: Request, organization_id: OrganizationId, *, now: datetime
    ) -> Delivery:
        digest = request.digest
        return Delivery(
            organization_id=organization_id,
            kind=request.kind,
            digest=digest,
            sealed=self._keys.seal_raw(request.raw, context=context_of(digest)),
            token=request.token,
            received_at=now,
        )

    async def _store(self, deliveries: Sequence[Delivery]) -> None:
        await store.put_all(self._db.direct, deliveries)

    async def _store_stop(self, delivery: Delivery, stops: _Stops, *, now: datetime) -> None:
        """Store and opt out in one transaction, then wait for what is just being sent.

        One request rarely tells of stops at two organisations; the others' come first, so that
        a request counts as stored only when every stop in it stands.
        """
        stopped: dict[OrganizationId, list[int]] = {}
        for organization_id, texts in reversed(list(stops.items())):
            async with self._db.transaction(organization_id) as tx:
                is_owner = organization_id == delivery.organization_id
                is_new = not is_owner or await store.put_in(tx, delivery)
                stopped[organization_id] = [
                    address_id
                    for item in texts
                    for address_id in await self._stop_in(
                        tx, organization_id, item, is_new=is_new, now=now
                    )
                ]
        for organization_id, address_ids in stopped.items():
            if in_flight := await self._delivery.settle(organization_id, address_ids):
                log.warning("webhook.stop_not_settled", count=in_flight)

    async def _stop_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        item: InboundText,
        *,
        is_new: bool,
        now: datetime,
    ) -> list[int]:
        address_ids = await stoppable_addresses_in(
            tx, organization_id, self._keys, item.channel, item.sender or ""
        )
        if is_new:
            decision = Decision(
                kind=ConsentKind.REVOKE,
                message_class=self._class_ended(item),
                method=Method.KEYWORD,
                source=item.provider.value,
                actor="patient",
                at=now,
                evidence=item.provider_ref,
            )
            await self._delivery.opt_out_in(tx, organization_id, address_ids, decision, now=now)
        return address_ids


def _speaks_of_templates(request: Request) -> bool:
    items = reading.read_items(request.kind, request.raw, token=request.token)
    return bool(reading.templates_of(items))


def _texts_of(request: Request) -> list[InboundText]:
    return reading.texts_of(reading.read_items(request.kind, request.raw, token=request.token))


def open_raw(keys: KeyRing, digest: bytes, sealed: bytes) -> bytes:
    """The body of a stored request as it came in."""
    return keys.unseal_raw(sealed, context=context_of(digest))
