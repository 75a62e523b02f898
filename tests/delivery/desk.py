"""The practice's delivery with one fake sender for all channels, as the tests drive it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from handbell.channels.types import Accepted, Lookup, Outbound, Outcome, Sought
from handbell.consent.types import Decision, Kind, Method
from handbell.delivery.deadletters.service import FALL_BACK_TOPIC, DeadLetterService
from handbell.delivery.service import DeliveryService
from handbell.delivery.unknowns.service import SETTLE_TOPIC, UnknownService
from handbell.messages.types import Job, Lifecycle, SendOrder
from handbell.platform import outbox
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Lane, Purpose
from handbell.scheduling.types import At

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VISIT = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)


@dataclass
class FakeSender:
    """Plays outcomes in order, then accepts; remembers what it was given."""

    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[Outbound] = field(default_factory=list)
    may_go: asyncio.Event | None = None
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, out: Outbound) -> Outcome:
        self.sent.append(out)
        self.called.set()
        if self.may_go is not None:
            await self.may_go.wait()
        if self.outcomes:
            return self.outcomes.pop(0)
        return Accepted(provider_ref=f"SM{len(self.sent)}")


@dataclass
class FakeLookup:
    """A provider's list: what it says, answer by answer, then that it has nothing."""

    answers: list[tuple[str, ...] | None] = field(default_factory=list)
    sought: list[Sought] = field(default_factory=list)
    asks_after: tuple[timedelta, ...] = (
        timedelta(seconds=20),
        timedelta(seconds=60),
        timedelta(seconds=120),
    )

    async def find(self, sought: Sought) -> tuple[str, ...] | None:
        self.sought.append(sought)
        return self.answers.pop(0) if self.answers else ()


class Desk:
    """The practice's delivery with one fake sender for all channels."""

    def __init__(self, practice: Any, clock: FrozenClock) -> None:
        self.practice = practice
        self.clock = clock
        self.sender = FakeSender()
        self.delivery = DeliveryService(practice.db, practice.messages, clock)
        self.dead_letters = DeadLetterService(practice.db, practice.messages)
        self.lookup = FakeLookup()
        self.unknowns = UnknownService(practice.db, practice.messages, self)
        self.handlers = {
            FALL_BACK_TOPIC: self.dead_letters.fall_back,
            SETTLE_TOPIC: self.unknowns.settle,
        }

    async def of(self, organization_id: OrganizationId) -> dict[int, Lookup]:
        """The list of the account for text messages; the other two have none."""
        query = (
            "SELECT id FROM provider_accounts WHERE provider = 'twilio' AND organization_id = :id"
        )
        found = await self.practice.rows(query, id=organization_id)
        return {row.id: self.lookup for row in found}

    async def order(self, patient: int, key: str = "key", **more: Any) -> int:
        told: dict[str, Any] = {
            "purpose": Purpose.APPT_REMINDER,
            "anchor": At(self.clock.instant, VISIT),
            "ordered_by": "tests",
            "serves_at": VISIT,
        }
        one = SendOrder(patient_id=patient, order_key=key, **(told | more))
        admitted = await self.practice.messages.admit(
            self.practice.id, one, now=self.clock.instant
        )
        assert admitted.lifecycle is Lifecycle.SCHEDULED, admitted
        return int(admitted.message_id)

    async def booked(self, patient: int, at: datetime = VISIT) -> dict[str, Any]:
        visit = await self.practice.visit(patient, at)
        told: dict[str, Any] = {"appointment_id": visit, "appointment_version": 1}
        return told if at == VISIT else told | {"serves_at": at, "anchor": At(NOON, at)}

    async def run(self, lane: Lane = Lane.CARE) -> None:
        """Lease and deliver what is due now."""
        for leased in await self.delivery.lease_due(lane, now=self.clock.instant):
            await self.deliver(leased.message_ids)

    async def deliver(self, ids: Sequence[int]) -> None:
        senders = await self.practice.senders(self.sender)
        await self.delivery.deliver(self.practice.id, ids, senders)

    async def job(self, message_id: int) -> Job:
        job: Job = await self.practice.messages.get(self.practice.id, message_id)
        return job

    async def stop(self, address_ids: Sequence[int]) -> Any:
        decision = Decision(
            kind=Kind.REVOKE,
            message_class=None,
            method=Method.KEYWORD,
            source="tests",
            actor="patient",
            at=self.clock.instant,
        )
        return await self.delivery.opt_out(
            self.practice.id, address_ids, decision, now=self.clock.instant
        )

    async def address(self) -> int:
        found: int = await self.practice.value("SELECT id FROM addresses WHERE channel = 'sms'")
        return found

    async def work(self) -> list[str]:
        """Do what is due in the outbox, until nothing is; give the topics in their order."""
        done = []
        while claimed := await outbox.claim(self.practice.db.direct, now=self.clock.instant):
            for work in claimed:
                if handler := self.handlers.get(work.topic):
                    await handler(work.organization_id, work.args, now=self.clock.instant)
                    done.append(work.topic)
                await outbox.done(self.practice.db.direct, [work.id])
        return done

    async def pass_time(self, by: timedelta, *, step: timedelta = timedelta(seconds=10)) -> None:
        """Let time pass, doing at each step what is due in the outbox."""
        until = self.clock.instant + by
        while self.clock.instant < until:
            self.clock.instant = min(until, self.clock.instant + step)
            await self.work()
