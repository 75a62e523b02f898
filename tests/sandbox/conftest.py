"""A sandbox with a small receiving application on loopback that stands for the product."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from handbell.platform.clock import FrozenClock, SystemClock
from handbell.sandbox.app import create_app
from handbell.sandbox.types import SandboxConfig

ACCOUNT = "AC" + "a" * 32
SERVICE = "MG" + "b" * 32
LINE = "+12025550100"
NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Hook:
    """One webhook as it came in."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Box:
    """The sandbox's client, its clock, and the webhooks that came in."""

    client: httpx.AsyncClient
    clock: FrozenClock
    hooks: list[Hook] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    public_url: str = ""

    async def sms(self, **form: str) -> httpx.Response:
        fields = {"To": "+12025550123", "MessagingServiceSid": SERVICE, "Body": "Hello"} | form
        url = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        return await self.client.post(url, data=fields, auth=(ACCOUNT, "token"))

    async def mail(self, **changes: Any) -> httpx.Response:
        mail = {
            "personalizations": [{"to": [{"email": "pat@example.org"}]}],
            "from": {"email": "clinic@example.org"},
            "subject": "Your visit",
            "content": [{"type": "text/plain", "value": "Hello"}],
            "custom_args": {"attempt_token": "t-mail"},
        } | changes
        return await self.client.post(
            "/sendgrid/v3/mail/send", json=mail, headers={"Authorization": "Bearer SG.key"}
        )

    async def whatsapp(self, path: str = "/v23.0/555/messages", **body: Any) -> httpx.Response:
        return await self.client.post(
            f"/whatsapp{path}",
            json={"messaging_product": "whatsapp", "to": "+12025550123"} | body,
            headers={"Authorization": "Bearer wa-token"},
        )

    async def reply(self, channel: str, body: str, sender: str = "+12025550123") -> bool:
        message = {"channel": channel, "from": sender, "body": body}
        answer = await self.client.post("/_sandbox/replies", json=message)
        return bool(answer.json()["delivered"])

    async def release(self, until: datetime = NOON) -> int:
        body = {"until": until.isoformat()}
        answer = await self.client.post("/_sandbox/release", json=body)
        return int(answer.json()["released"])


Open = Callable[..., AbstractAsyncContextManager[Box]]


@pytest.fixture
def sandbox() -> Open:
    return open_sandbox


@asynccontextmanager
async def open_sandbox(
    *, simulated: bool = True, patients: bool = False, auto_reply: bool = False
) -> AsyncIterator[Box]:
    hooks: list[Hook] = []
    answers: list[int] = []

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        hooks.append(Hook(f"{public_url}{request.path_qs}", dict(request.headers), body))
        return web.Response(status=answers.pop(0) if answers else 200)

    receiver = web.Application()
    receiver.router.add_post("/{path:.*}", receive)
    clock = FrozenClock(NOON)
    async with TestServer(receiver) as server:
        public_url = str(server.make_url("")).rstrip("/")
        config = _config(public_url, patients=patients, auto_reply=auto_reply)
        app = create_app(config, clock if simulated else SystemClock(), simulated=simulated)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client,
        ):
            yield Box(client, clock, hooks, answers, public_url)


def _config(
    public_url: str, *, patients: bool, auto_reply: bool, record: str = ""
) -> SandboxConfig:
    return SandboxConfig(
        public_url=public_url,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token="token",
        twilio_from=LINE,
        twilio_messaging_service_sid=SERVICE,
        twilio_auto_reply=auto_reply,
        sendgrid_api_key="SG.key",
        whatsapp_access_token="wa-token",
        whatsapp_phone_number_id="555",
        whatsapp_business_id="777",
        whatsapp_app_secret="secret",
        patients=patients,
        seed=7,
        record=record,
        twilio_test_account_sid="AC" + "e" * 32,
        twilio_test_auth_token="test-token",
    )
