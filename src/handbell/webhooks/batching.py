"""Many callbacks in one statement: while one commit runs, the next batch gathers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from handbell.platform.outages import is_outage
from handbell.webhooks.errors import NotStored, QueueFull
from handbell.webhooks.types import Delivery

log = structlog.get_logger(__name__)

MOST: Final = 200
"""Callbacks in one statement."""
ROOM: Final = 2_000
"""Callbacks that may wait to be stored; whoever comes then is asked to repeat."""
ROOM_BYTES: Final = 64_000_000
"""What they may weigh together."""

_Place = tuple[Delivery, "asyncio.Future[None]"]


class Batcher:
    """Stores callbacks together without a timer.

    A single callback waits for nobody, and under load a batch is as long as a commit takes. The
    work belongs to no request: one that is given up takes nobody else's callback with it.
    """

    def __init__(
        self,
        store: Callable[[Sequence[Delivery]], Awaitable[object]],
        *,
        room: int = ROOM,
        room_bytes: int = ROOM_BYTES,
    ) -> None:
        self._store = store
        self._room = room
        self._room_bytes = room_bytes
        self._waiting: deque[_Place] = deque()
        self._bytes = 0
        self._work: asyncio.Task[None] | None = None

    async def put(self, delivery: Delivery) -> None:
        """Return when the callback is committed. Raises `QueueFull` or `NotStored`."""
        size = len(delivery.sealed)
        is_crowded = self._waiting and self._bytes + size > self._room_bytes
        if is_crowded or len(self._waiting) >= self._room:
            raise QueueFull
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, place))
        self._bytes += size
        if self._work is None or self._work.done():
            self._work = asyncio.ensure_future(self._store_all())
        await place

    async def _store_all(self) -> None:
        while self._waiting:
            batch = [self._take() for _ in range(min(MOST, len(self._waiting)))]
            await self._store_batch(batch)

    def _take(self) -> _Place:
        delivery, place = self._waiting.popleft()
        self._bytes -= len(delivery.sealed)
        return delivery, place

    async def _store_batch(self, batch: Sequence[_Place]) -> None:
        """Store them together: after an outage once more, for the connection may have been all
        that was lost; where the database refuses, each by itself, so that one callback that it
        cannot take costs the others nothing."""
        error = await self._try(batch)
        if is_outage(error):
            error = await self._try(batch)
        if error is None or is_outage(error):
            _settle(batch, error)
            return
        for one in batch:
            _settle([one], await self._try([one]))

    async def _try(self, batch: Sequence[_Place]) -> Exception | None:
        try:
            await self._store([delivery for delivery, _ in batch])
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            name = type(error).__name__
            log.warning("webhook.not_stored", count=len(batch), error_type=name)
            return error
        return None


def _settle(batch: Sequence[_Place], error: Exception | None) -> None:
    for _, place in batch:
        if place.done():
            continue
        if error is None:
            place.set_result(None)
        else:
            place.set_exception(NotStored())
