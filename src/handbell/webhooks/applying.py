"""Does what stored callbacks say: together where it can, one by one where something is wrong."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from handbell.channels.types import InboundText, StatusEvent, WebhookItem
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.outages import is_outage
from handbell.webhooks import reading, store
from handbell.webhooks.types import Approvals, Deliveries, Inbound

ATTEMPTS: Final = 5
"""Failed attempts to apply a callback until it is given up and its problem written down."""
WAITS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""How long a callback waits each time for the attempt that it speaks of. The provider's answer
to our request, or a look-up, tells which one that is; after the last wait it is let go."""

log = structlog.get_logger(__name__)


def context_of(digest: bytes) -> str:
    """What the stored body is bound to."""
    return f"webhook_deliveries.raw/{digest.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """Hands on what callbacks say; safe to repeat. `owner` finds whom a text was written to."""

    db: Database
    keys: KeyRing
    delivery: Deliveries
    inbound: Inbound
    approvals: Approvals
    owner: Callable[[InboundText], Awaitable[OrganizationId]]

    async def apply_many(
        self, organization_id: OrganizationId, delivery_ids: Sequence[int], *, now: datetime
    ) -> None:
        """Their events together, what patients wrote one by one.

        An error of the events is raised, for each callback to be tried alone; that of a single
        one is counted and raised, and after the last attempt it is written down instead.
        """
        if len(delivery_ids) == 1:
            await self._apply_counted(organization_id, delivery_ids[0], now=now)
            return
        stored = await store.find_unapplied(self.db.direct, delivery_ids)
        plain: dict[int, store.Stored] = {}
        events: dict[int, list[StatusEvent]] = {}
        for delivery_id, one in sorted(stored.items()):
            items = self._read(one)
            if reading.texts_of(items) or reading.templates_of(items):
                await self._apply_counted(organization_id, delivery_id, now=now)
                continue
            plain[delivery_id] = one
            events[delivery_id] = [_dated(event, one) for event in reading.events_of(items)]
        every = [event for told in events.values() for event in told]
        lost = {event.key for event in await self.delivery.record_status(every, now=now)}
        waiting = {no for no, told in events.items() if any(one.key in lost for one in told)}
        await self._finish(plain, waiting, now=now)

    async def _apply_counted(
        self, organization_id: OrganizationId, delivery_id: int, *, now: datetime
    ) -> None:
        found = await store.find_unapplied(self.db.direct, [delivery_id])
        if delivery_id not in found:
            return
        try:
            is_waiting = await self._apply(found[delivery_id], now=now)
        except Exception as error:  # noqa: BLE001 - counted, and raised for the outbox
            await self._count_failure(organization_id, delivery_id, error)
            return
        await self._finish(found, {delivery_id} if is_waiting else set(), now=now)

    async def _finish(
        self, applied: Mapping[int, store.Stored], waiting: set[int], *, now: datetime
    ) -> None:
        """Mark them done, but for those that wait for an attempt to become known."""
        parked = {no for no in waiting if applied[no].parked < len(WAITS)}
        for delivery_id in sorted(parked):
            until = now + WAITS[applied[delivery_id].parked]
            await store.park(self.db.direct, delivery_id, until=until, now=now)
        if let_go := waiting - parked:
            log.warning("webhook.attempt_unknown", count=len(let_go))
        if done := sorted(applied.keys() - parked):
            await store.mark_applied(self.db.direct, done, now=now)

    async def _apply(self, stored: store.Stored, *, now: datetime) -> bool:
        """Every item gets its turn; the first error is raised after the last item. Say whether
        an event waits for its attempt."""
        items = self._read(stored)
        errors: list[Exception] = []
        is_waiting = await self._apply_events(stored, reading.events_of(items), errors)
        for text in reading.texts_of(items):
            try:
                await self._receive(text, stored, now=now)
            except Exception as error:  # noqa: BLE001 - raised below, after the other items
                errors.append(error)
        try:
            await self.approvals.take(reading.templates_of(items), now=stored.received_at)
        except Exception as error:  # noqa: BLE001 - raised below, after the other items
            errors.append(error)
        if errors:
            raise errors[0]
        return is_waiting

    async def _apply_events(
        self, stored: store.Stored, events: Sequence[StatusEvent], errors: list[Exception]
    ) -> bool:
        """All events at once; if that fails, each by itself."""
        dated = [_dated(event, stored) for event in events]
        try:
            return bool(await self.delivery.record_status(dated, now=stored.received_at))
        except Exception as error:  # noqa: BLE001 - raised by the caller, after the other items
            if len(dated) == 1 or is_outage(error):
                errors.append(error)
                return False
        waiting = [await self._apply_events(stored, [event], errors) for event in events]
        return any(waiting)

    async def _receive(self, text: InboundText, stored: store.Stored, *, now: datetime) -> None:
        organization_id = await self.owner(text)
        async with self.db.transaction(organization_id) as tx:
            await self.inbound.receive_in(
                tx, organization_id, text, received_at=stored.received_at, now=now
            )

    def _read(self, stored: store.Stored) -> tuple[WebhookItem, ...]:
        raw = self.keys.unseal_raw(stored.sealed, context=context_of(stored.digest))
        return reading.read_items(stored.kind, raw, token=stored.token)

    async def _count_failure(
        self, organization_id: OrganizationId, delivery_id: int, error: Exception
    ) -> None:
        """A database that is away is no fault of the callback's."""
        if is_outage(error):
            raise error
        name = type(error).__name__
        async with self.db.transaction(organization_id) as tx:
            attempt = await store.mark_failed(tx, delivery_id, problem=name, limit=ATTEMPTS)
        log.warning(
            "webhook.not_applied", delivery_id=delivery_id, attempt=attempt, error_type=name
        )
        if attempt < ATTEMPTS:
            raise error


def _dated(event: StatusEvent, stored: store.Stored) -> StatusEvent:
    """Where the provider gives no time, the event counts from when we heard of it."""
    return replace(event, occurred_at=event.occurred_at or stored.received_at)
