"""How often pages are given: a flood is told to wait, a one-click post never is."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from handbell.actions.limits import Limit, ValkeyLimiter
from handbell.actions.router import links_router
from handbell.actions.service import ActionService
from handbell.entrypoints import embedded
from handbell.links.types import LinkKind
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing


@pytest.fixture(scope="module")
def valkey_url() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="handbell-pages-"))
    server = embedded.start_valkey(home, durable=False)
    try:
        yield server.redis_url
    finally:
        server.stop()
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def limiter(valkey_url: str, keys: KeyRing) -> AsyncIterator[ValkeyLimiter]:
    limiter = ValkeyLimiter.open(valkey_url, keys)
    await limiter.client.flushall()
    yield limiter
    await limiter.close()


@pytest.fixture
async def browser(
    actions: ActionService, clock: FrozenClock, limiter: ValkeyLimiter
) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(links_router(actions, clock, limiter))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as browser:
        yield browser


async def test_a_link_that_is_asked_for_too_often_says_to_wait_in_the_browsers_language(
    browser: httpx.AsyncClient, practice: Any
) -> None:
    path = await practice.link(LinkKind.CONFIRM)
    for _ in range(Limit.LINK.value):
        assert (await browser.get(path)).status_code == 200
    before = await practice.rows()
    for answer in (
        await browser.get(path, headers={"Accept-Language": "hi-IN,en;q=0.5"}),
        await browser.post(path, data={"choice": "confirm"}, headers={"Accept-Language": "hi"}),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert '<html lang="hi">' in answer.text
    assert await practice.rows() == before
    assert (await browser.get(await practice.link(LinkKind.CONFIRM))).status_code == 200


async def test_one_click_posts_are_never_told_to_wait(
    browser: httpx.AsyncClient, practice: Any
) -> None:
    path = await practice.link(LinkKind.UNSUBSCRIBE)
    for _ in range(Limit.NETWORK.value):
        await browser.get("/u/nothing")
    assert (await browser.get(path)).status_code == 429
    done = await browser.post(path, data={"List-Unsubscribe": "One-Click"})
    assert (done.status_code, "no more e-mails" in done.text) == (200, True)


async def test_what_is_counted_names_nobody_and_is_forgotten_after_a_minute(
    limiter: ValkeyLimiter,
) -> None:
    assert await limiter.allows(Limit.NETWORK, "192.0.2.7")
    (name,) = await limiter.client.keys()
    assert b"192.0.2.7" not in name
    assert 0 < await limiter.client.ttl(name) <= 60


async def test_without_valkey_nobody_is_told_to_wait(keys: KeyRing) -> None:
    limiter = ValkeyLimiter.open("redis://127.0.0.1:1/0", keys)
    assert await limiter.allows(Limit.LINK, "x")
    await limiter.close()
