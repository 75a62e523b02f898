"""Takes providers' callbacks: verify, store, commit, answer; then apply what they say."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import structlog

from handbell.channels.service import find_line
from handbell.channels.types import InboundText, StatusEvent, WebhookItem
from handbell.consent.types import Decision, Method
from handbell.consent.types import Kind as ConsentKind
from handbell.directory import service as directory
from handbell.directory.errors import InvalidAddress
from handbell.organizations import service as organizations
from handbell.organizations.types import StopScope
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.replies.policy import ReplyParser
from handbell.replies.types import Intent
from handbell.webhooks import reading, store
from handbell.webhooks.batching import Batcher
from handbell.webhooks.errors import NotFromProvider
from handbell.webhooks.types import Deliveries, Delivery, Inbound, Request, SecretBook

APPLY_TOPIC: Final = store.APPLY_TOPIC
ATTEMPTS: Final = 5
"""Failed attempts to apply a callback until it is given up and its problem written down."""
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
    try:
        value = directory.canonical_address(channel, sender).value
    except InvalidAddress:
        value = sender
    address_hash = keys.address_hash(channel, value)
    return await directory.ensure_address(tx, organization_id, channel, address_hash)


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
    ) -> None:
        self._db = db
        self._keys = keys
        self._secrets = secrets
        self._delivery = delivery
        self._inbound = inbound
        self._parser = ReplyParser()
        self._batcher = Batcher(self._store)

    def is_known_subscriber(self, token: str) -> bool:
        """Whether Meta, which sets a webhook up, knows our verify token."""
        own = self._secrets.environment.whatsapp_verify_token
        return bool(own) and hmac.compare_digest(own.encode(), token.encode())

    async def take(self, request: Request, *, now: datetime) -> None:
        """Store one request. When this returns, the caller may acknowledge it.

        Raises `NotFromProvider` or `NotStored`. A repetition changes nothing.
        """
        texts = reading.texts_of(
            reading.read_items(request.kind, request.raw, token=request.token)
        )
        if not await self._is_genuine(request, texts):
            log.warning("webhook.refused", route=request.kind.value, reason="signature")
            raise NotFromProvider
        stops = await self._stops(texts)
        owner = next(iter(stops), None) or await self._owner(texts[0] if texts else None)
        delivery = self._seal(request, owner, now=now)
        if stops:
            await self._store_stop(delivery, stops, now=now)
        else:
            await self._batcher.put(delivery)

    async def _is_genuine(self, request: Request, texts: Sequence[InboundText]) -> bool:
        """Whether the environment's account signed it, or the one that the request names: and
        that one speaks for its own organisation's lines only."""
        if reading.is_genuine(request, self._secrets.environment):
            return True
        reference = reading.account_of(request)
        if reference is None:
            return False
        others = await self._secrets.named(request.kind.provider, reference)
        signed = {owner for owner, secrets in others if reading.is_genuine(request, secrets)}
        return bool(signed) and {await self._owner(text) for text in texts} <= signed

    async def apply_many(
        self,
        organization_id: OrganizationId,
        many: Sequence[Mapping[str, Any]],
        *,
        now: datetime,
    ) -> None:
        """Do what several stored callbacks say: their events together, what patients wrote one
        by one. An error of the events is raised; `apply` then counts it where it belongs."""
        ids = [int(args["delivery_id"]) for args in many]
        if len(ids) == 1:
            await self.apply(organization_id, many[0], now=now)
            return
        stored = await store.find_unapplied(self._db.direct, ids)
        plain: list[int] = []
        events: list[StatusEvent] = []
        for delivery_id, one in sorted(stored.items()):
            items = self._read(one)
            if reading.texts_of(items):
                await self.apply(organization_id, {"delivery_id": delivery_id}, now=now)
                continue
            plain.append(delivery_id)
            events += [_dated(event, one.received_at) for event in reading.events_of(items)]
        await self._delivery.record_status(events, now=now)
        await store.mark_applied(self._db.direct, plain, now=now)

    async def apply(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Do what a stored callback says; once it is done, again changes nothing.

        An error is raised for the outbox to try again; after the last attempt it is written
        down instead, and the callback stays as it is.
        """
        delivery_id = int(args["delivery_id"])
        found = await store.find_unapplied(self._db.direct, [delivery_id])
        stored = found.get(delivery_id)
        if stored is None:
            return
        try:
            await self._apply(stored, now=now)
        except Exception as error:  # noqa: BLE001 - counted, and raised for the outbox
            await self._count_failure(organization_id, delivery_id, error)
            return
        await store.mark_applied(self._db.direct, [delivery_id], now=now)

    async def _apply(self, stored: store.Stored, *, now: datetime) -> None:
        """Every item gets its turn; the first error is raised after the last item."""
        items = self._read(stored)
        errors: list[Exception] = []
        for one in _turns(items):
            try:
                await self._hand_on(one, stored, now=now)
            except Exception as error:  # noqa: BLE001 - raised below, after the other items
                errors.append(error)
        if errors:
            raise errors[0]

    def _read(self, stored: store.Stored) -> tuple[WebhookItem, ...]:
        raw = self._keys.unseal_raw(stored.sealed, context=_context(stored.digest))
        return reading.read_items(stored.kind, raw, token=stored.token)

    async def _hand_on(
        self, turn: list[StatusEvent] | InboundText, stored: store.Stored, *, now: datetime
    ) -> None:
        if isinstance(turn, list):
            await self._delivery.record_status(turn, now=stored.received_at)
            return
        organization_id = await self._owner(turn)
        async with self._db.transaction(organization_id) as tx:
            await self._inbound.receive_in(
                tx, organization_id, turn, received_at=stored.received_at, now=now
            )

    async def _count_failure(
        self, organization_id: OrganizationId, delivery_id: int, error: Exception
    ) -> None:
        name = type(error).__name__
        async with self._db.transaction(organization_id) as tx:
            attempt = await store.mark_failed(tx, delivery_id, problem=name, limit=ATTEMPTS)
        log.warning(
            "webhook.not_applied", delivery_id=delivery_id, attempt=attempt, error_type=name
        )
        if attempt < ATTEMPTS:
            raise error

    async def _stops(self, texts: Iterable[InboundText]) -> _Stops:
        """The texts that opt out, by the organisation that was written to."""
        stops: _Stops = {}
        for item in texts:
            said = self._parser.read(item.body, provider_says=item.opt_out_type)
            if said.intent is Intent.STOP and item.sender is not None:
                stops.setdefault(await self._owner(item), []).append(item)
        return stops

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
            sealed=self._keys.seal_raw(request.raw, context=_context(digest)),
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
                message_class=None,
                method=Method.KEYWORD,
                source=item.provider.value,
                actor="patient",
                at=now,
                evidence=item.provider_ref,
            )
            await self._delivery.opt_out_in(tx, organization_id, address_ids, decision, now=now)
        return address_ids


def _turns(items: Iterable[WebhookItem]) -> list[list[StatusEvent] | InboundText]:
    """All events together, and each text alone."""
    items = tuple(items)
    events = reading.events_of(items)
    return [*([events] if events else []), *reading.texts_of(items)]


def _dated(event: StatusEvent, received_at: datetime) -> StatusEvent:
    """Where the provider gives no time, the event counts from when we heard of it."""
    return replace(event, occurred_at=event.occurred_at or received_at)


def _context(digest: bytes) -> str:
    return f"webhook_deliveries.raw/{digest.hex()}"
