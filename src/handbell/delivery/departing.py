"""Lets claimed messages leave one by one as their buckets permit.

A permit is asked for right before the call and reported right after the request has left, so
that what limits is the departure itself, however long a claim took.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import redis
import structlog

from handbell.channels.types import Outbound, Outcome, Retry, Sender, SmsContent
from handbell.delivery.limits import Bucket, Departure, Limits
from handbell.platform.transport import departures
from handbell.templates.service import size_of

PATIENCE_SECONDS: Final = 3.0
"""How long a claimed message waits for its permit before it is tried again later."""
NO_PERMIT: Final = "no_permit"
LATER_SECONDS: Final = 0.1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    departure: Departure
    permit: asyncio.Future[None]


class Gate:
    """The departures of one set of buckets in this process: everybody asks in turn, and many
    are asked for in one round trip."""

    def __init__(self, limits: Limits, buckets: Sequence[Bucket] = ()) -> None:
        self.buckets = tuple(buckets)
        self._limits = limits
        self._waiting: list[_Waiting] = []
        self._left: list[Departure] = []
        self._news = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def permit(self, departure: Departure) -> None:
        """Wait until it may leave; give up by cancelling."""
        waiting = _Waiting(departure, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._tell()
        await waiting.permit

    def report(self, departure: Departure) -> None:
        """It has left, or it never will."""
        self._left.append(departure)
        self._tell()

    async def settle(self) -> None:
        """Wait until all that has left is reported and nobody waits."""
        while self._running is not None:
            await self._running

    def _tell(self) -> None:
        self._news.set()
        if self._running is None:
            self._running = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        """Ask and report until nobody waits and all has been reported."""
        try:
            while self._left or self._waiting:
                self._news.clear()
                pause = await self._ask()
                if self._waiting and pause > timedelta():
                    await _rest(self._news, pause.total_seconds())
        finally:
            self._running = None

    async def _ask(self) -> timedelta:
        left, self._left = self._left, []
        self._waiting = [one for one in self._waiting if not one.permit.done()]
        asked = list(self._waiting)
        try:
            count, pause = await self._limits.depart(
                self.buckets, left=left, wanted=[one.departure for one in asked]
            )
        except redis.RedisError as error:
            log.warning("limits.postponed", error_type=type(error).__name__)
            return timedelta(seconds=LATER_SECONDS)
        self._grant(asked[:count])
        return pause

    def _grant(self, granted: Sequence[_Waiting]) -> None:
        for one in granted:
            self._waiting.remove(one)
            if one.permit.done():
                self._left.append(one.departure)
            else:
                one.permit.set_result(None)


async def _rest(news: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(news.wait(), seconds)
    except TimeoutError:
        return


class GatedSender:
    """A sender whose calls leave through a gate, each on one of the given reservations."""

    def __init__(self, sender: Sender, gate: Gate, reservations: list[str]) -> None:
        self._sender = sender
        self._gate = gate
        self._reservations = reservations

    async def send(self, out: Outbound) -> Outcome:
        """Send when permitted; a message without a permit is retried, nothing has left."""
        departure = Departure(
            name=secrets.token_hex(8),
            units=units_of(out),
            reservation=self._reservations.pop() if self._reservations else "",
        )
        try:
            await asyncio.wait_for(self._gate.permit(departure), PATIENCE_SECONDS)
        except TimeoutError:
            return Retry(code=NO_PERMIT)
        with departures(lambda: self._gate.report(departure)):
            return await self._sender.send(out)


def units_of(out: Outbound) -> int:
    """What a message takes of a limit: segments of a text message, else 1."""
    return size_of(out.content.text).segments if isinstance(out.content, SmsContent) else 1
