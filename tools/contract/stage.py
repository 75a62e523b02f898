"""The sandbox on a port of its own, and between it and everyone else a recorder."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Thread
from typing import Any, Final

import aiohttp
import uvicorn
from aiohttp import web
from yarl import URL

from handbell.channels.types import Provider
from handbell.platform.clock import FrozenClock
from handbell.platform.transport import Answer
from handbell.sandbox.app import create_app
from handbell.sandbox.types import SandboxConfig
from tools.contract.types import Asked, Asker, Exchange, Hook, Scenario, Violation

NOON: Final = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VERSION: Final = "23.0"
_OWN: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "date"})
"""Headers of one connection, which are not passed on."""
_NOBODY: Final = Scenario(provider=Provider.TWILIO, asker=Asker.OURS, name="")

LINE: Final = "+12025550100"
PHONE_ID: Final = "106540352242922"


@dataclass(kw_only=True)
class Stage:
    """Where scenarios are played; holds what passed, and what was not as expected."""

    config: SandboxConfig
    clock: FrozenClock
    url: str
    session: aiohttp.ClientSession
    sandbox_url: str = ""
    scenario: Scenario = _NOBODY
    exchanges: list[Exchange] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    surprises: list[Violation] = field(default_factory=list)

    def base(self, provider: Provider) -> str:
        return f"{self.url}/{provider}"

    @contextmanager
    def playing(self, provider: Provider, asker: Asker, name: str) -> Iterator[None]:
        """What passes inside belongs to this scenario."""
        self.scenario = Scenario(provider=provider, asker=asker, name=name)
        yield

    def expect(self, said: object, wanted: object) -> None:
        """Record a violation when a client's reading is not the one expected."""
        if said != wanted:
            self._surprise(f"expected {wanted}, got {said}")

    def expect_kind(self, said: object, kind: type[object]) -> None:
        if not isinstance(said, kind):
            self._surprise(f"expected {kind.__name__}, got {said}")

    def _surprise(self, what: str) -> None:
        one = self.scenario
        self.surprises.append(
            Violation(provider=one.provider, asker=one.asker, scenario=one.name, what=what)
        )

    async def control(self, method: str, path: str, body: object = None) -> Any:
        """Ask the sandbox's own API."""
        url = f"{self.sandbox_url}/_sandbox/{path}"
        async with self.session.request(method, url, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def release(self) -> None:
        """Let everything happen that is due; webhooks come in meanwhile."""
        await self.control("POST", "release", {"until": NOON.isoformat()})

    async def fault(self, provider: Provider, **fault: int) -> None:
        await self.control("PUT", "faults", {"provider": provider, **fault})

    async def write(self, channel: str, body: str, sender: str) -> None:
        """Let a patient write."""
        await self.control("POST", "replies", {"channel": channel, "from": sender, "body": body})

    async def pass_on(self, request: web.Request) -> web.Response:
        """Carry a request to the sandbox unchanged, and its answer back."""
        asked = await _asked(request)
        prefix, _, path = asked.path.removeprefix("/").partition("/")
        url = URL(self.sandbox_url + request.raw_path, encoded=True)
        headers = [(n, v) for n, v in request.headers.items() if n.lower() not in _OWN]
        async with self.session.request(
            request.method, url, data=asked.body, headers=headers, allow_redirects=False
        ) as answer:
            body = await answer.read()
        kept = {n.lower(): v for n, v in answer.headers.items() if n.lower() not in _OWN}
        self.exchanges.append(
            Exchange(
                scenario=self.scenario,
                asked=replace(asked, path=f"/{path}"),
                answer=Answer(status=answer.status, headers=kept, body=body),
            )
        )
        self.expect(prefix, self.scenario.provider.value)
        return web.Response(status=answer.status, headers=kept, body=body)

    async def take_hook(self, request: web.Request) -> web.Response:
        """Stand for the product: note a webhook and take it."""
        url = self.url + request.raw_path
        self.hooks.append(Hook(scenario=self.scenario, url=url, asked=await _asked(request)))
        return web.Response()


@asynccontextmanager
async def opened() -> AsyncIterator[Stage]:
    """A fresh sandbox in stepped time, behind a recorder, both on loopback."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        stages: list[Stage] = []
        runner = web.AppRunner(_front(stages))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        clock, config = FrozenClock(NOON), _config(url)
        stage = Stage(config=config, clock=clock, url=url, session=session)
        stages.append(stage)
        try:
            with _serving(create_app(config, clock, simulated=True)) as stage.sandbox_url:
                yield stage
        finally:
            await runner.cleanup()


def _front(stages: list[Stage]) -> web.Application:
    """What listens before there is a stage, whose own address it gives."""

    async def hook(request: web.Request) -> web.Response:
        return await stages[0].take_hook(request)

    async def request(request: web.Request) -> web.Response:
        return await stages[0].pass_on(request)

    app = web.Application()
    app.router.add_route("*", "/webhooks/{path:.*}", hook)
    app.router.add_route("*", "/{path:.*}", request)
    return app


@contextmanager
def _serving(app: Any) -> Iterator[str]:
    """Serve in a thread of its own: SDKs block theirs while they wait."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


async def _asked(request: web.Request) -> Asked:
    path, _, query = request.raw_path.partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = await request.read()
    return Asked(method=request.method, path=path, query=query, headers=headers, body=body)


def _config(public_url: str) -> SandboxConfig:
    """Invented accounts with ids in the providers' own shapes."""
    return SandboxConfig(
        public_url=public_url,
        twilio_account_sid=f"AC{secrets.token_hex(16)}",
        twilio_auth_token=secrets.token_hex(16),
        twilio_from=LINE,
        twilio_messaging_service_sid=f"MG{secrets.token_hex(16)}",
        sendgrid_api_key=f"SG.{secrets.token_urlsafe(32)}",
        whatsapp_access_token=secrets.token_urlsafe(32),
        whatsapp_phone_number_id=PHONE_ID,
        whatsapp_business_id=str(10**14 + secrets.randbelow(10**14)),
        whatsapp_app_secret=secrets.token_hex(16),
    )


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run an SDK's blocking call."""
    return await asyncio.to_thread(work)
