"""Links with the real gate and the real delivery: out in an e-mail, and back as a click."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from handbell.actions.router import links_router
from handbell.actions.service import ActionService
from handbell.audit.service import AuditService
from handbell.channels import service as channels
from handbell.channels.service import EnvironmentAccount
from handbell.channels.types import (
    Accepted,
    Baa,
    EmailContent,
    NewLine,
    Outbound,
    Outcome,
    Provider,
)
from handbell.delivery.service import DeliveryService
from handbell.links.types import LinkKind
from handbell.messages.service import MessageService
from handbell.messages.types import SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Channel, Lane, Purpose
from handbell.scheduling.types import At

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
ACCOUNTS = (
    EnvironmentAccount(
        provider=Provider.TWILIO,
        reference="AC1",
        baa=Baa.SIGNED,
        lines=(NewLine(address="+12125550100"),),
    ),
    EnvironmentAccount(
        provider=Provider.SENDGRID,
        reference="SG1",
        baa=Baa.SIGNED,
        lines=(NewLine(address="us@example.org"),),
    ),
)


@dataclass
class Mailbox:
    """A sender that keeps what it is given."""

    received: list[EmailContent] = field(default_factory=list)

    async def send(self, out: Outbound) -> Outcome:
        assert isinstance(out.content, EmailContent)
        self.received.append(out.content)
        return Accepted(provider_ref=f"m{len(self.received)}")


@dataclass
class Post:
    """Sends reminders of the practice's visit by e-mail."""

    messages: MessageService
    delivery: DeliveryService
    practice: Any
    db: Database
    mailbox: Mailbox = field(default_factory=Mailbox)

    async def order(self, key: str, at: datetime) -> None:
        order = SendOrder(
            patient_id=self.practice.patient_id,
            purpose=Purpose.APPT_REMINDER,
            anchor=At(at),
            order_key=key,
            ordered_by="test",
            channel=Channel.EMAIL,
            appointment_id=self.practice.appointment_id,
            appointment_version=1,
        )
        await self.messages.admit(self.practice.organization_id, order, now=NOW)

    async def deliver(self, now: datetime) -> None:
        for leased in await self.delivery.lease_due(Lane.CARE, now=now):
            senders = await self.senders()
            await self.delivery.deliver(leased.organization_id, leased.message_ids, senders)

    async def senders(self) -> dict[int, Mailbox]:
        async with self.db.transaction(self.practice.organization_id) as tx:
            lines = await channels.lines_in(tx, self.practice.organization_id)
        return {one.account_id: self.mailbox for one in lines if one.channel is Channel.EMAIL}

    def links(self) -> list[str]:
        """The paths of the links in the last e-mail, in the order of the text."""
        found = re.findall(
            r'href="https://m\.example\.org([^"]+)"', self.mailbox.received[-1].html
        )
        return list(found)


@pytest.fixture
async def post(
    db: Database, keys: KeyRing, organization: OrganizationId, practice: Any, clock: FrozenClock
) -> Post:
    async with db.engine_transaction() as tx:
        await channels.ensure_accounts(tx, organization, ACCOUNTS, now=NOW)
        await tx.execute(
            text("UPDATE organizations SET phone = '212-555-0100', postal_address = '1 Main St'")
        )
    messages = MessageService(db, keys, AuditService(db, keys), public_url="https://m.example.org")
    return Post(messages, DeliveryService(db, messages, clock), practice, db)


@pytest.fixture
async def browser(
    db: Database, keys: KeyRing, post: Post, clock: FrozenClock
) -> AsyncIterator[httpx.AsyncClient]:
    audit = AuditService(db, keys)
    actions = ActionService(db, keys, audit, post.messages, post.delivery)
    app = FastAPI()
    app.include_router(links_router(actions, clock))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as browser:
        yield browser


async def stored(db: Database, organization: OrganizationId, columns: str) -> list[Any]:
    async with db.transaction(organization) as tx:
        query = f"SELECT {columns} FROM messages ORDER BY id"  # noqa: S608 - columns of this file
        return [tuple(row) for row in await tx.execute(text(query))]


@pytest.mark.requirement("R5.4")
async def test_the_links_in_an_email_confirm_move_and_unsubscribe(
    browser: httpx.AsyncClient,
    post: Post,
    practice: Any,
    db: Database,
    organization: OrganizationId,
) -> None:
    await post.order("first", NOW)
    await post.order("second", NOW + timedelta(hours=1))
    await post.deliver(NOW)
    confirm, move, stop = post.links()
    assert (await browser.post(confirm, data={"choice": "confirm"})).status_code == 200
    assert (await browser.post(move, data={"choice": "reschedule"})).status_code == 200
    assert await practice.status() == "confirmed 1"
    assert len(await practice.tasks()) == 1
    for _ in range(2):
        done = await browser.post(stop, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    await post.deliver(NOW + timedelta(hours=2))
    assert len(post.mailbox.received) == 1
    assert [row[0] for row in await stored(db, organization, "lifecycle")] == [
        "accepted",
        "refused",
    ]
    audited = await practice.audited()
    assert audited.count("consent.revoked") == 1


@pytest.mark.requirement("R2.6")
async def test_an_email_carries_the_headers_of_one_click_unsubscribing(post: Post) -> None:
    await post.order("first", NOW)
    await post.deliver(NOW)
    assert post.mailbox.received[0].headers == {
        "List-Unsubscribe": f"<https://m.example.org{post.links()[-1]}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@pytest.mark.requirement("R7.9")
async def test_an_expired_link_orders_one_message_however_often_it_is_asked(
    browser: httpx.AsyncClient,
    practice: Any,
    db: Database,
    organization: OrganizationId,
    clock: FrozenClock,
) -> None:
    await practice.tell(version=2, starts_at=NOW + timedelta(days=5))
    path = await practice.link(LinkKind.PORTAL, version=2)
    clock.advance(timedelta(hours=25))
    for _ in range(3):
        answer = await browser.post(path, data={"choice": "fresh"})
        assert "A new message is on its way" in answer.text
    columns = "lifecycle, channel, address_id, appointment_version, scheduled_at"
    sent_to = ("scheduled", "sms", practice.address_id, 2, clock.instant)
    assert await stored(db, organization, columns) == [sent_to]
