"""Rings for those who watch: PostgreSQL tells each process once, and it tells its watchers."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import asyncpg

from handbell.inbox import events
from handbell.inbox.events import CHANNEL
from handbell.inbox.service import InboxService
from handbell.inbox.types import InboxEvent
from handbell.platform.db import OrganizationId

GONE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
AGAIN_SECONDS: Final = 2.0
"""How soon a watcher looks again while PostgreSQL cannot ring."""


HEARTBEAT: Final = timedelta(seconds=15)
SOON: Final = timedelta(milliseconds=200)
"""How soon to look again for what another transaction still holds up."""
STREAM_ENDS_AFTER: Final = timedelta(minutes=15)
"""Then the client comes again with its `Last-Event-ID`, and its key is looked at anew."""


class Bell:
    """One connection that listens, for all watchers of this process. It is opened when the first
    one comes, and anew after it was lost; while there is none, watchers look by themselves."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._rings: dict[OrganizationId, set[asyncio.Event]] = {}
        self._connection: asyncpg.Connection | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def watching(self, organization_id: OrganizationId) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever something has happened in the organisation's inbox."""
        ring = asyncio.Event()
        rings = self._rings.setdefault(organization_id, set())
        rings.add(ring)
        try:
            yield ring
        finally:
            rings.discard(ring)

    async def wait(self, ring: asyncio.Event, *, seconds: float) -> bool:
        """Wait for a ring, at most so long; say whether it rang."""
        listens = await self._listen()
        try:
            longest = seconds if listens else min(seconds, AGAIN_SECONDS)
            await asyncio.wait_for(ring.wait(), timeout=longest)
        except TimeoutError:
            return not listens
        ring.clear()
        return True

    async def _listen(self) -> bool:
        async with self._opening:
            if self._connection is not None and not self._connection.is_closed():
                return True
            try:
                self._connection = await asyncpg.connect(self._url)
                await self._connection.add_listener(CHANNEL, self._ring)
            except GONE:
                return False
            return True

    def _ring(self, _connection: object, _pid: int, _channel: str, told: object) -> None:
        for ring in self._rings.get(OrganizationId(int(str(told))), ()):
            ring.set()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


async def stream(
    inbox: InboxService, bell: Bell, organization_id: OrganizationId, mark: events.Mark
) -> AsyncGenerator[str, None]:
    """Every event after the mark, and a sign of life where there is none."""
    yield "retry: 2000\n\n"
    ends_at = time.monotonic() + STREAM_ENDS_AFTER.total_seconds()
    async with bell.watching(organization_id) as ring:
        while time.monotonic() < ends_at:
            found, is_more = await inbox.events_since(organization_id, mark)
            for one in found:
                yield _written(one)
                mark = events.read_mark(one.mark)
            pause = SOON if is_more else HEARTBEAT
            rang = await bell.wait(ring, seconds=pause.total_seconds())
            if not rang and not is_more:
                yield ": still here\n\n"


def _written(one: InboxEvent) -> str:
    data = json.dumps({"conversation_id": one.conversation_id, "at": one.at.isoformat()})
    return f"id: {one.mark}\nevent: {one.kind.value}\ndata: {data}\n\n"
