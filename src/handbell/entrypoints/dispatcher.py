"""`handbell dispatcher`: hands out what is due, and makes the sweeps that somebody has to make.

Several may run anywhere: they claim past each other.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import dramatiq
import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from handbell.delivery.tasks import hand_on, hand_out
from handbell.delivery.types import SHARE
from handbell.entrypoints.bootstrap import Runtime, SettingMissing, database_urls, open_runtime
from handbell.entrypoints.supervisor import stop_on_signals
from handbell.platform import outbox
from handbell.platform.logging import configure_logging
from handbell.platform.queue import open_broker
from handbell.platform.settings import Settings

SWEEP_EVERY_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.25
GONE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a statement past the pool raises when PostgreSQL does not do it."""

log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Dispatch until SIGTERM or Ctrl-C. Raises `SettingMissing`."""
    configure_logging()
    if not settings.redis_url:
        raise SettingMissing("HANDBELL_REDIS_URL is not set. `handbell up` sets it.")
    stop, wake = asyncio.Event(), asyncio.Event()
    stop_on_signals(stop)
    runtime = open_runtime(settings)
    broker = open_broker(settings.redis_url)
    try:
        await _once("replan", replan(runtime))
        async with asyncio.TaskGroup() as group:
            group.create_task(_listen(settings, wake, stop))
            group.create_task(_sweep_forever(runtime, stop))
            group.create_task(_dispatch_forever(runtime, broker, wake, stop))
    finally:
        broker.close()
        await runtime.close()


async def _dispatch_forever(
    runtime: Runtime, broker: dramatiq.Broker, wake: asyncio.Event, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        wake.clear()
        if not await _once("dispatch", dispatch(runtime, broker)):
            await _rest(wake, POLL_SECONDS)


async def dispatch(runtime: Runtime, broker: dramatiq.Broker) -> bool:
    """Hand out what is due now, lane by lane in their order; say whether there may be more.

    What becomes due later wakes the dispatcher when it is committed.
    """
    now = await runtime.clock.now()
    due = await runtime.delivery.look(now=now)
    is_more = False
    for lane in due.lanes:
        leased = await runtime.delivery.lease_due(lane, now=now)
        for group in leased:
            hand_out(broker, group)
        is_more |= sum(len(group.message_ids) for group in leased) >= SHARE
    if due.has_work:
        claimed = await outbox.claim(runtime.db.direct, now=now)
        hand_on(broker, claimed)
        is_more |= len(claimed) == outbox.BATCH
    return is_more


async def replan(runtime: Runtime) -> int:
    """Have what waits planned anew if it was planned with other rules or other time-zone data
    than ours; say for how many organisations."""
    found = await runtime.replanner.replan_outdated_later(now=await runtime.clock.now())
    if found:
        log.info("messages.replan", organizations=found)
    return found


async def _sweep_forever(runtime: Runtime, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await _once("sweep", sweep(runtime))
        await _rest(stop, SWEEP_EVERY_SECONDS)


async def sweep(runtime: Runtime) -> int:
    """Take back ended leases and seal what the audit log has gathered; the newest hash also
    goes to the log, so that a cut tail shows."""
    now = await runtime.clock.now()
    lost = await runtime.delivery.sweep(now=now)
    if lost:
        log.warning("delivery.outcome_unknown", count=lost)
    head = await runtime.audit.seal_once(now=now)
    if head is not None:
        log.info("audit.sealed", block_no=head.no, hash=head.hash.hex())
    return lost


async def _once(action: str, work: Coroutine[Any, Any, int]) -> int:
    """Do it; a server that does not answer is asked again at the next turn."""
    try:
        return await work
    except (*GONE, SQLAlchemyError, redis.RedisError) as error:
        log.warning("dispatcher.postponed", action=action, error_type=type(error).__name__)
        await asyncio.sleep(SWEEP_EVERY_SECONDS)
        return 0


async def _listen(settings: Settings, wake: asyncio.Event, stop: asyncio.Event) -> None:
    """Be woken by PostgreSQL; without it the dispatcher still polls."""
    while not stop.is_set():
        try:
            async with _listening(settings, wake) as lost:
                while not (stop.is_set() or lost.is_set()):
                    await _rest(stop, SWEEP_EVERY_SECONDS)
        except GONE:
            await _rest(stop, SWEEP_EVERY_SECONDS)


@asynccontextmanager
async def _listening(settings: Settings, wake: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """Listen; the event that is given is set when the server has gone away."""
    connection, lost = await asyncpg.connect(database_urls(settings).engine), asyncio.Event()
    try:
        connection.add_termination_listener(lambda *_: lost.set())
        await connection.add_listener(outbox.WAKE, lambda *_: wake.set())
        yield lost
    finally:
        await connection.close()


async def _rest(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout=seconds)
    except TimeoutError:
        return
