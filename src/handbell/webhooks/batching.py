"""Many callbacks in one statement: whoever holds the lock stores for all who wait."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from handbell.webhooks.errors import NotStored
from handbell.webhooks.types import Delivery

log = structlog.get_logger(__name__)

MOST: Final = 200
"""Callbacks in one statement."""


class Batcher:
    """Stores callbacks together without a timer: while one commit runs, the next batch gathers.

    A single callback waits for nobody, and under load a batch is as long as a commit takes.
    """

    def __init__(self, store: Callable[[Sequence[Delivery]], Awaitable[object]]) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._waiting: list[tuple[Delivery, asyncio.Future[None]]] = []

    async def put(self, delivery: Delivery) -> None:
        """Return when the callback is committed. Raises `NotStored`."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, place))
        async with self._lock:
            while not place.done():
                await self._flush()
        place.result()

    async def _flush(self) -> None:
        """Store the oldest that wait.

        Whatever goes wrong, a cancelled request too, is told to all of the batch: each
        provider repeats what was not acknowledged.
        """
        batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        places = [place for _, place in batch]
        try:
            await self._store([delivery for delivery, _ in batch])
        except BaseException as error:
            _settle(places, NotStored())
            if not isinstance(error, Exception):
                raise
            log.warning("webhook.not_stored", count=len(batch), error_type=type(error).__name__)
            raise NotStored from error
        _settle(places, None)


def _settle(places: Sequence["asyncio.Future[None]"], error: Exception | None) -> None:
    for place in places:
        if place.done():
            continue
        if error is None:
            place.set_result(None)
        else:
            place.set_exception(error)
            place.exception()
