"""Those who watch the inbox hear of each event once, in order, and miss none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from tests.conftest import ENCRYPTION_KEY
from tests.inbox.conftest import WHO, Desk

from handbell.inbox import live
from handbell.inbox.errors import EventMarkUnusable
from handbell.inbox.events import read_mark
from handbell.inbox.live import Bell, stream
from handbell.platform.db import OrganizationId, urls_for


@pytest.fixture
async def bell(owner_url: str) -> AsyncIterator[Bell]:
    opened = Bell(urls_for(owner_url, ENCRYPTION_KEY).app)
    yield opened
    await opened.close()


async def _mark(desk: Desk, last: str | None = None) -> tuple[int, int]:
    return await desk.service.begin_watching(
        desk.practice.id, last, actor=WHO, now=desk.clock.instant
    )


async def _next(told: AsyncIterator[str]) -> str:
    return await asyncio.wait_for(anext(told), timeout=5)


def _id(event: str) -> str:
    return event.splitlines()[0].removeprefix("id: ")


@pytest.mark.requirement("R5.7")
async def test_a_message_is_told_at_once_with_ids_only(desk: Desk, bell: Bell) -> None:
    await desk.practice.patient()
    mark = await _mark(desk)
    async with aclosing(stream(desk.service, bell, desk.practice.id, mark)) as told:
        assert await _next(told) == "retry: 2000\n\n"
        waiting = asyncio.ensure_future(_next(told))
        await asyncio.sleep(0.2)
        await desk.chat.hear("Can I bring my daughter?")
        event = await waiting
    conversation_id = (await desk.only()).id
    assert "event: received\n" in event
    assert f'"conversation_id": {conversation_id}' in event
    assert "daughter" not in event


@pytest.mark.requirement("R5.7")
async def test_whoever_comes_back_hears_what_happened_meanwhile(desk: Desk, bell: Bell) -> None:
    await desk.practice.patient()
    for text in ("One question please", "And another one", "And a third"):
        await desk.chat.hear(text)
    begin = stream(desk.service, bell, desk.practice.id, (0, 0))
    async with aclosing(begin) as told:
        await _next(told)
        heard = [_id(await _next(told)) for _ in range(3)]
    resumed = stream(desk.service, bell, desk.practice.id, await _mark(desk, heard[0]))
    async with aclosing(resumed) as told:
        await _next(told)
        assert [_id(await _next(told)) for _ in range(2)] == heard[1:]


async def test_an_event_behind_a_running_transaction_is_told_when_that_has_ended(
    desk: Desk, bell: Bell
) -> None:
    await desk.practice.patient()
    mark = await _mark(desk)
    async with aclosing(stream(desk.service, bell, desk.practice.id, mark)) as told:
        await _next(told)
        async with desk.practice.db.engine_transaction() as tx:
            await tx.exec_driver_sql("SELECT pg_current_xact_id()")
            await desk.chat.hear("Can I bring my daughter?")
            waiting = asyncio.ensure_future(_next(told))
            await asyncio.sleep(0.5)
            assert not waiting.done()
        assert "event: received\n" in await waiting


async def test_another_organisation_hears_nothing_but_signs_of_life(
    desk: Desk, bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", live.SOON)
    await desk.practice.patient()
    mark = await _mark(desk)
    await desk.chat.hear("Can I bring my daughter?")
    async with aclosing(stream(desk.service, bell, OrganizationId(999), mark)) as told:
        await _next(told)
        assert {await _next(told) for _ in range(3)} == {": still here\n\n"}


@pytest.mark.parametrize("said", ["", "1", "1.", ".1", "a.b", "1.2.3", "-1.2", "9" * 30 + ".1"])
def test_a_mark_that_is_not_ours_is_refused(said: str) -> None:
    with pytest.raises(EventMarkUnusable):
        read_mark(said)
