"""A practice whose patients answer, with the real messages and actions behind it."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from handbell.actions.service import ActionService
from handbell.channels.types import InboundText, Provider
from handbell.consent.types import Decision, Kind, Method
from handbell.delivery.service import DeliveryService
from handbell.inbound.service import InboundService
from handbell.messages.types import SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At
from handbell.webhooks.service import address_in

_numbers = count(1)
PROVIDERS = {Channel.SMS: Provider.TWILIO, Channel.WHATSAPP: Provider.WHATSAPP}
NUMBER = "+12125550123"


@dataclass
class Chat:
    """Patients of one practice who are asked and who answer."""

    practice: Any
    service: InboundService
    delivery: DeliveryService
    db: Database
    clock: FrozenClock
    visits: list[int] = field(default_factory=list)

    async def ask(
        self,
        patient_id: int,
        *,
        channel: Channel = Channel.SMS,
        visit_id: int | None = None,
        in_days: int = 2,
    ) -> int:
        """Book a visit, remind of it, and let the message have gone out; give the visit's id."""
        now = self.clock.instant
        if visit_id is None:
            visit_id = await self.practice.visit(patient_id, now + timedelta(days=in_days))
        version = await self.practice.value(
            "SELECT version FROM appointments WHERE id = :id", id=visit_id
        )
        order = SendOrder(
            patient_id=patient_id,
            purpose=Purpose.APPT_REMINDER,
            anchor=At(now),
            order_key=f"asked:{next(_numbers)}",
            ordered_by="tests",
            channel=channel,
            appointment_id=visit_id,
            appointment_version=version,
        )
        admitted = await self.practice.messages.admit(self.practice.id, order, now=now)
        await self.practice.execute(
            "UPDATE messages SET lifecycle = 'accepted', sent_at = :at WHERE id = :id",
            at=now,
            id=admitted.message_id,
        )
        self.visits.append(visit_id)
        return visit_id

    async def hear(
        self,
        body: str,
        *,
        channel: Channel = Channel.SMS,
        after: timedelta = timedelta(),
        **more: Any,
    ) -> InboundText:
        """Let the patient write; it is dealt with `after` it came in."""
        ref = f"ref-{next(_numbers)}"
        told = {
            "provider": PROVIDERS[channel],
            "channel": channel,
            "key": ref,
            "provider_ref": ref,
            "line": "+12025550100",
            "sender": NUMBER,
        }
        item = InboundText(body=body, **(told | more))
        await self.take(item, after=after)
        return item

    async def take(self, item: InboundText, *, after: timedelta = timedelta()) -> None:
        async with self.db.transaction(self.practice.id) as tx:
            await self.service.receive_in(
                tx,
                self.practice.id,
                item,
                received_at=self.clock.instant,
                now=self.clock.instant + after,
            )

    async def stop(self, *channels: str) -> None:
        """Let the number have been stopped on these channels."""
        now = self.clock.instant
        async with self.db.transaction(self.practice.id) as tx:
            address_ids = [
                await address_in(tx, self.practice.id, self.practice.keys, Channel(one), NUMBER)
                for one in channels
            ]
            decision = Decision(
                kind=Kind.REVOKE,
                message_class=None,
                method=Method.STAFF,
                source="tests",
                actor="tests",
                at=now,
            )
            await self.delivery.opt_out_in(tx, self.practice.id, address_ids, decision, now=now)

    async def answers(self) -> list[str]:
        """The purposes of what was answered, oldest first."""
        rows = await self.practice.rows(
            "SELECT purpose FROM messages WHERE ordered_by = 'inbound' ORDER BY id"
        )
        return [row.purpose for row in rows]

    async def handled(self) -> list[str]:
        rows = await self.practice.rows("SELECT handled FROM inbound_messages ORDER BY id")
        return [row.handled for row in rows]

    async def tasks(self) -> list[str]:
        rows = await self.practice.rows("SELECT kind FROM staff_tasks ORDER BY id")
        return [row.kind for row in rows]

    async def status(self, visit_id: int) -> str:
        query = "SELECT status FROM appointments WHERE id = :id"
        return str(await self.practice.value(query, id=visit_id))


@pytest.fixture
def chat(practice: Any, db: Database, keys: KeyRing, clock: FrozenClock) -> Chat:
    delivery = DeliveryService(db, practice.messages, clock)
    actions = ActionService(db, keys, practice.audit, practice.messages, delivery)
    service = InboundService(keys, practice.audit, practice.messages, actions)
    return Chat(practice, service, delivery, db, clock)
