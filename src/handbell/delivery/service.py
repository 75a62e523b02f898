"""Leases, sends and records messages; takes callbacks and opt-outs."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import structlog

from handbell.audit.types import AuditEntry
from handbell.channels.types import Outcome, Refused, StatusEvent, Unknown
from handbell.consent.types import Decision
from handbell.delivery import claiming, invitations, leasing, opting, outcomes
from handbell.delivery.deadletters.service import FALL_BACK_TOPIC
from handbell.delivery.deadletters.store import NOT_DELIVERED, close_arrived
from handbell.delivery.detours import take_detours
from handbell.delivery.meters.service import Meter
from handbell.delivery.outcomes import Found
from handbell.delivery.pacing import Pacing
from handbell.delivery.told import told_by_answer, told_by_event
from handbell.delivery.types import Claim, Due, Leased, OptedOut, Senders
from handbell.delivery.unknowns.service import leave_doubts, settle_by_callback
from handbell.messages.service import MessageService, has_arrived, withdraw_fall_back
from handbell.messages.types import Lifecycle
from handbell.platform import outbox
from handbell.platform.clock import Clock
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Lane

CalendarEntry = invitations.Visit
calendar = invitations.calendar

log = structlog.get_logger(__name__)

_GATHER_SECONDS = 0.003
"""Answers that come within this of each other are written together."""


class DeliveryService:
    """The way of a due message to its provider, and of the provider's words back."""

    def __init__(self, db: Database, messages: MessageService, clock: Clock) -> None:
        self.db = db
        self.messages = messages
        self.clock = clock
        self._turns: dict[Lane, int] = {}
        self._pacing: Pacing | None = None
        self._meter: Meter | None = None

    def pace_with(self, pacing: Pacing) -> None:
        """Keep to limits and breakers from now on. Stepped time has neither: they go by the
        real clock."""
        self._pacing = pacing

    def count_with(self, meter: Meter) -> None:
        """Count what providers answer from now on."""
        self._meter = meter

    async def look(self, *, now: datetime) -> Due:
        """Say where something is due."""
        return await leasing.look(self.db.direct, now=now)

    async def lease_due(self, lane: Lane, *, now: datetime) -> list[Leased]:
        """Lease what is due in a lane; organisations take turns."""
        after = self._turns.get(lane, 0)
        leased, self._turns[lane] = await leasing.lease_due(
            self.db.direct, lane, after=after, now=now
        )
        return leased

    async def sweep(self, *, now: datetime) -> int:
        """Take back ended leases; say how many outcomes were lost with their workers."""
        async with self.db.engine_transaction() as tx:
            lost = await leasing.sweep(tx, now=now)
            await leave_doubts(tx, self.messages, lost, now=now)
        return len(lost)

    async def deliver(
        self, organization_id: OrganizationId, message_ids: Sequence[int], senders: Senders
    ) -> None:
        """Claim, call, record. Safe to run twice: what is not queued any more is passed over.

        The gate decides under a lock on the address, right before the call, so a STOP that was
        acknowledged earlier is always seen. The provider is called between two transactions.
        What the limits or a breaker do not let through is put back before it is claimed.
        """
        if self._pacing is None:
            await self._deliver(organization_id, message_ids, senders)
            return
        all_started, held = await self._pacing.start(organization_id, message_ids, senders)
        if held:
            await self._take_detours(organization_id, held, self._pacing)
        for started in all_started:
            try:
                await self._deliver(organization_id, started.message_ids, started.senders)
            finally:
                await self._pacing.finish(started)

    async def _take_detours(
        self, organization_id: OrganizationId, held: Sequence[int], pacing: Pacing
    ) -> None:
        now, failing = await self.clock.now(), await pacing.failing(organization_id)
        async with self.db.transaction(organization_id) as tx:
            gone = await take_detours(
                tx, self.messages, organization_id, held, not_on=failing, now=now
            )
        if gone:
            log.warning("delivery.fell_back", count=len(gone), organization_id=organization_id)

    async def _deliver(
        self, organization_id: OrganizationId, message_ids: Sequence[int], senders: Senders
    ) -> None:
        now = await self.clock.now()
        async with self.db.transaction(organization_id) as tx:
            claims, unsendable = await claiming.claim_in(
                tx, self.messages, organization_id, message_ids, now=now
            )
            await self._leave_fall_backs(tx, organization_id, unsendable, now=now)
        if claims:
            await self._send_all(organization_id, claims, senders)

    async def _send_all(
        self, organization_id: OrganizationId, claims: Sequence[Claim], senders: Senders
    ) -> None:
        calls = {asyncio.ensure_future(_send(claim, senders)): claim for claim in claims}
        pending = set(calls)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if pending:
                more, pending = await asyncio.wait(pending, timeout=_GATHER_SECONDS)
                done |= more
            answered = [(calls[call], call.result()) for call in done]
            await self._record(organization_id, answered)

    async def _record(
        self, organization_id: OrganizationId, answered: Sequence[tuple[Claim, Outcome]]
    ) -> None:
        now = await self.clock.now()
        written = [outcomes.to_written(claim, outcome, now=now) for claim, outcome in answered]
        if self._meter is not None:
            for (claim, _), one in zip(answered, written, strict=True):
                self._meter.count_send(claim.channel, one.outcome)
        stops = [
            (claim, outcome.code)
            for claim, outcome in answered
            if isinstance(outcome, Refused) and outcome.opted_out
        ]
        async with self.db.transaction(organization_id) as tx:
            for claim, code in sorted(stops, key=lambda stop: stop[0].address_id):
                decision = told_by_answer(claim.channel, code, at=now)
                await self.opt_out_in(tx, organization_id, [claim.address_id], decision, now=now)
            await outcomes.write_in(tx, written, now=now)
            failed = [one.message_id for one in written if one.lifecycle is Lifecycle.FAILED]
            await self._leave_fall_backs(tx, organization_id, failed, now=now)
            doubts = [
                (organization_id, one.attempt_id)
                for one in written
                if one.lifecycle is Lifecycle.UNKNOWN
            ]
            if doubts:
                await leave_doubts(tx, self.messages, doubts, now=now)

    async def record_status(
        self, events: Sequence[StatusEvent], *, now: datetime
    ) -> Sequence[StatusEvent]:
        """Take what providers say of attempts. Any order, any repetition; an opt-out that names
        an address we know counts without an attempt.

        Gives the events that name an attempt which we do not know: the callback may be quicker
        than the answer that tells us the provider's id.
        """
        if not events:
            return ()
        found = await outcomes.find_attempts(self.db.direct, events)
        known_keys = {event.key for event, _ in found}
        strays = [one for one in events if one.opted_out and one.key not in known_keys]
        known = await self._find_addresses(strays)
        by_organization: dict[OrganizationId, list[tuple[StatusEvent, Found]]] = defaultdict(list)
        for event, attempt in found:
            by_organization[attempt.organization_id].append((event, attempt))
        for organization_id, told in sorted(by_organization.items()):
            await self._record_events(organization_id, told, now=now)
        for event, organization_id, address_id in known:
            decision = told_by_event(event, now=now)
            await self.opt_out(organization_id, [address_id], decision, now=now)
        unknown = (one for one in events if one.key not in known_keys)
        return tuple(one for one in unknown if one.provider_ref or one.attempt_token)

    async def _find_addresses(
        self, strays: Sequence[StatusEvent]
    ) -> list[tuple[StatusEvent, OrganizationId, int]]:
        if not strays:
            return []
        async with self.db.engine_transaction() as tx:
            return await outcomes.find_addresses(tx, self.messages.keys, strays)

    async def _record_events(
        self,
        organization_id: OrganizationId,
        told: Sequence[tuple[StatusEvent, Found]],
        *,
        now: datetime,
    ) -> None:
        async with self.db.transaction(organization_id) as tx:
            stops = [(event, found) for event, found in told if event.opted_out]
            for event, found in sorted(stops, key=lambda pair: pair[1].address_id):
                decision = told_by_event(event, now=now)
                await self.opt_out_in(tx, organization_id, [found.address_id], decision, now=now)
            states = await outcomes.record_events_in(tx, organization_id, told, now=now)
            failed = {id_ for id_, state in states.items() if state in NOT_DELIVERED}
            await self._leave_fall_backs(tx, organization_id, sorted(failed), now=now)
            arrived = {id_ for id_, state in states.items() if has_arrived(state)}
            await close_arrived(tx, arrived, now=now)
            attempt_ids = sorted({found.attempt_id for _, found in told})
            settled = await settle_by_callback(tx, self.messages, attempt_ids, now=now)
            taken = arrived | (set(settled) - failed)
            await withdraw_fall_back(tx, sorted(taken), now=now)
        if self._pacing is not None:
            heard = [(event, found.address_id) for event, found in told]
            await self._pacing.hear_callbacks(organization_id, heard)

    async def _leave_fall_backs(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        message_ids: Sequence[int],
        *,
        now: datetime,
    ) -> None:
        """What failed for good takes another channel, or goes to the dead letters."""
        for message_id in message_ids:
            args = {"message_id": message_id}
            await outbox.add(tx, organization_id, FALL_BACK_TOPIC, args, now=now)

    async def opt_out_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        address_ids: Sequence[int],
        decision: Decision,
        *,
        now: datetime,
    ) -> OptedOut:
        """Opt addresses out inside another use case; commit, then `settle`."""
        done = await opting.opt_out_in(
            tx, organization_id, address_ids, decision, keys=self.messages.keys, now=now
        )
        entry = AuditEntry(
            organization_id=organization_id,
            at=now,
            actor=decision.actor,
            action="consent.revoked",
            subject={"address_ids": list(done.address_ids), "method": decision.method},
        )
        await self.messages.audit.record(tx, entry)
        return done

    async def settle(self, organization_id: OrganizationId, address_ids: Sequence[int]) -> int:
        """Wait, at most ten seconds, for attempts in flight; give how many still are."""
        return await opting.settle(self.db, organization_id, address_ids)

    async def opt_out(
        self,
        organization_id: OrganizationId,
        address_ids: Sequence[int],
        decision: Decision,
        *,
        now: datetime,
    ) -> OptedOut:
        """Opt addresses out and wait for what is in flight to them."""
        async with self.db.transaction(organization_id) as tx:
            done = await self.opt_out_in(tx, organization_id, address_ids, decision, now=now)
        await self.settle(organization_id, address_ids)
        return done


async def _send(claim: Claim, senders: Senders) -> Outcome:
    """Call the provider once. A fault of our own after the attempt was stored leaves the
    outcome unknown: the request may have left."""
    sender = senders.get(claim.line.account_id) if claim.line else None
    if sender is None:
        return Refused(code="no_sender")
    try:
        return await sender.send(claim.outbound)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it must not be sent again
        log.warning("send.failed", error_type=type(fault).__name__, message_id=claim.message_id)
        return Unknown(code="fault")
