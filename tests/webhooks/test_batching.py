"""Callbacks that are stored together share the work and no misfortune."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from handbell.platform.db import OrganizationId
from handbell.webhooks.batching import Batcher
from handbell.webhooks.errors import NotStored, QueueFull
from handbell.webhooks.types import Delivery, Kind

NOON = datetime(2026, 12, 1, 17, tzinfo=UTC)


def delivery(word: str) -> Delivery:
    return Delivery(
        organization_id=OrganizationId(1),
        kind=Kind.WHATSAPP,
        digest=word.encode(),
        sealed=word.encode(),
        token=None,
        received_at=NOON,
    )


class Disk:
    """Keeps batches; is slow on demand, away for some tries, and refuses the bad ones."""

    def __init__(self, *, away: int = 0) -> None:
        self.batches: list[list[str]] = []
        self.may_go = asyncio.Event()
        self.away = away

    @property
    def kept(self) -> list[str]:
        return sorted(word for batch in self.batches for word in batch)

    async def store(self, batch: Sequence[Delivery]) -> None:
        await self.may_go.wait()
        if self.away:
            self.away -= 1
            raise ConnectionResetError
        words = [one.sealed.decode() for one in batch]
        if "bad" in words:
            raise ValueError
        self.batches.append(words)


async def put_all(batcher: Batcher, disk: Disk, *words: str) -> list[object]:
    """Put them at once and let the disk go; what each was told."""
    waiting = [asyncio.ensure_future(batcher.put(delivery(word))) for word in words]
    await asyncio.sleep(0)
    disk.may_go.set()
    return [
        type(told) if isinstance(told, Exception) else told
        for told in await asyncio.gather(*waiting, return_exceptions=True)
    ]


async def test_what_waits_is_stored_in_one_batch() -> None:
    disk = Disk()
    assert await put_all(Batcher(disk.store), disk, "a", "b", "c") == [None] * 3
    assert disk.kept == ["a", "b", "c"]
    assert len(disk.batches) <= 2


@pytest.mark.requirement("R6.4")
async def test_one_that_is_refused_costs_the_others_nothing() -> None:
    disk = Disk()
    told = await put_all(Batcher(disk.store), disk, "a", "bad", "b")
    assert told == [None, NotStored, None]


@pytest.mark.requirement("R6.4")
async def test_a_lost_connection_is_tried_once_more_and_an_outage_is_told_to_all() -> None:
    disk = Disk(away=1)
    assert await put_all(Batcher(disk.store), disk, "a", "b") == [None, None]
    disk = Disk(away=9)
    assert await put_all(Batcher(disk.store), disk, "a", "b") == [NotStored, NotStored]


@pytest.mark.requirement("R6.4")
async def test_when_too_many_wait_the_next_is_asked_to_repeat() -> None:
    for bounds in ({"room": 2}, {"room_bytes": 2}):
        disk = Disk()
        batcher = Batcher(disk.store, **bounds)
        first = asyncio.ensure_future(batcher.put(delivery("x")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert await put_all(batcher, disk, "a", "b", "c") == [None, None, QueueFull]
        await first
        assert await put_all(batcher, disk, "c") == [None]


async def test_a_caller_who_goes_away_takes_nobody_along() -> None:
    disk = Disk()
    batcher = Batcher(disk.store)
    gone = asyncio.ensure_future(batcher.put(delivery("a")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    assert await put_all(batcher, disk, "b") == [None]
    assert disk.kept == ["a", "b"]
