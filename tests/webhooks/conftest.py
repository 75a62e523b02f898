"""The webhooks over HTTP, signed as the providers sign, with stand-ins for what lies behind."""

import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from sqlalchemy import text
from tests.secret_book import FixedSecrets

from handbell.audit.service import AuditService
from handbell.channels.types import InboundText, StatusEvent
from handbell.consent.types import Decision
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.http import install_problems
from handbell.sandbox import signing
from handbell.templates.approvals.service import ApprovalService
from handbell.webhooks.router import relay_router, webhooks_router
from handbell.webhooks.service import WebhookHandler
from handbell.webhooks.types import Secrets

PUBLIC_URL = "https://m.example.org"
TOKEN = "twilio-token"
APP_SECRET = "app-secret"
SHARED_KEY = "shared-key"
RELAY_SECRET = "relay-secret"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SENDGRID = "X-Twilio-Email-Event-Webhook"


@dataclass
class FakeDelivery:
    """Notes what is asked of it, in order, and whether the request's row stood by then."""

    calls: list[str] = field(default_factory=list)
    stopped: list[tuple[OrganizationId, list[int], Decision]] = field(default_factory=list)
    settled: list[list[int]] = field(default_factory=list)
    events: list[StatusEvent] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    fails: bool = False
    away: bool = False

    async def opt_out_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        address_ids: Sequence[int],
        decision: Decision,
        *,
        now: datetime,
    ) -> object:
        assert now == decision.at
        stored = (await tx.execute(text("SELECT count(*) FROM webhook_deliveries"))).scalar_one()
        self.calls.append(f"opt_out with {stored} stored")
        self.stopped.append((organization_id, list(address_ids), decision))
        if self.fails:
            raise RuntimeError
        return None

    async def settle(self, organization_id: OrganizationId, address_ids: Sequence[int]) -> int:
        self.calls.append(f"settle of {organization_id}")
        self.settled.append(list(address_ids))
        return 0

    async def record_status(
        self, events: Sequence[StatusEvent], *, now: datetime
    ) -> Sequence[StatusEvent]:
        if self.away:
            raise ConnectionRefusedError
        if self.fails or any(event.provider_ref == "poison" for event in events):
            raise RuntimeError
        if events:
            self.events.extend(events)
            self.times.append(now)
        return [event for event in events if event.provider_ref in self.unknown]


@dataclass
class FakeInbound:
    """Keeps what it is given; a poisonous body is an error."""

    poison: str = "poison"
    taken: list[tuple[OrganizationId, InboundText, datetime]] = field(default_factory=list)

    async def receive_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        item: InboundText,
        *,
        received_at: datetime,
        now: datetime,
    ) -> None:
        assert tx.in_transaction()
        assert now >= received_at
        if item.body == self.poison:
            raise RuntimeError
        self.taken.append((organization_id, item, received_at))


@dataclass
class Hooks:
    """A client that signs, and what the webhooks handed on."""

    client: httpx.AsyncClient
    handler: WebhookHandler
    delivery: FakeDelivery
    inbound: FakeInbound
    db: Database
    clock: FrozenClock
    practice: Any
    key: ec.EllipticCurvePrivateKey

    async def twilio(
        self, path: str, *, forged: bool = False, key: str = TOKEN, **fields: Any
    ) -> httpx.Response:
        url = f"/webhooks/twilio/{path}"
        signature = signing.twilio_signature(key, PUBLIC_URL + url, fields)
        headers = {"X-Twilio-Signature": "forged" if forged else signature, **FORM}
        return await self.client.post(url, content=urlencode(fields).encode(), headers=headers)

    async def text(self, body: str, **fields: Any) -> httpx.Response:
        told: dict[str, Any] = {
            "MessageSid": "SM1",
            "From": "+12125550123",
            "To": "+12025550100",
            "Body": body,
            "FromCity": "",
        }
        return await self.twilio("inbound", **(told | fields))

    async def whatsapp(self, value: dict[str, Any], *, secret: str = APP_SECRET) -> httpx.Response:
        change = {"field": "messages", "value": value}
        body = json.dumps({"entry": [{"id": "777", "changes": [change]}]}).encode()
        headers = {"X-Hub-Signature-256": signing.whatsapp_signature(secret, body)}
        return await self.client.post("/webhooks/whatsapp", content=body, headers=headers)

    async def sendgrid(self, path: str, body: bytes, *, timestamp: str = "1795514401") -> Any:
        signature = signing.sendgrid_signature(self.key, "1795514401", body)
        headers = {f"{SENDGRID}-Signature": signature, f"{SENDGRID}-Timestamp": timestamp}
        return await self.client.post(f"/webhooks/sendgrid/{path}", content=body, headers=headers)

    async def relay(
        self, path: str, *, secret: str = RELAY_SECRET, late: int = 0, **told: Any
    ) -> httpx.Response:
        """`late`: the seconds between the relay's signature and our clock."""
        body = json.dumps(told).encode()
        timestamp = str(int(self.clock.instant.timestamp()) - late)
        signature = hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256)
        headers = {
            "X-Handbell-Signature": f"sha256={signature.hexdigest()}",
            "X-Handbell-Timestamp": timestamp,
        }
        url = f"/comm/webhook/{path}"
        return await self.client.post(url, content=body, headers=headers)

    async def rows(self, query: str) -> list[Any]:
        async with self.db.engine_transaction() as tx:
            return list((await tx.execute(text(query))).all())

    async def apply_all(self) -> int:
        """Do what the outbox holds, as the jobs lane would; give how many pieces of work."""
        work = await self.rows("SELECT id, organization_id, topic, args FROM outbox ORDER BY id")
        for one in work:
            assert one.topic == "webhooks.apply"
            await self.handler.apply_many(one.organization_id, [one.args], now=self.clock.instant)
        return len(work)


@pytest.fixture
async def hooks(
    practice: Any, db: Database, keys: KeyRing, clock: FrozenClock
) -> AsyncIterator[Hooks]:
    assert practice.id == 1
    key = ec.generate_private_key(ec.SECP256R1())
    secrets = Secrets(
        public_url=f"{PUBLIC_URL}/",
        twilio_auth_token=TOKEN,
        sendgrid_public_key=signing.public_key(key),
        whatsapp_app_secret=APP_SECRET,
        whatsapp_verify_token="verify-me",
        twilio_shared_key=SHARED_KEY,
        relay_secret=RELAY_SECRET,
    )
    delivery, inbound = FakeDelivery(), FakeInbound()
    handler = WebhookHandler(
        db,
        keys,
        FixedSecrets(secrets),
        delivery=delivery,
        inbound=inbound,
        approvals=ApprovalService(db, AuditService(db, keys)),
    )
    app = FastAPI()
    install_problems(app)
    app.include_router(webhooks_router(handler, clock))
    app.include_router(relay_router(handler, clock))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
        yield Hooks(client, handler, delivery, inbound, db, clock, practice, key)
