"""`handbell dispatcher`: hands out what is due, and makes the sweeps that somebody has to make.

Every lane has a loop of its own, so that an urgent message waits for no other lane. A commit
wakes the lane's loop; a look all around wakes it too when something has become due by itself.
Several may run anywhere: they claim past each other.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
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
from handbell.platform.vocabulary import Lane

SWEEP_EVERY_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.25
GONE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a statement past the pool raises when PostgreSQL does not do it."""

Wakes = Mapping[Lane, asyncio.Event]

log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Dispatch until SIGTERM or Ctrl-C. Raises `SettingMissing`."""
    configure_logging()
    if not settings.redis_url:
        raise SettingMissing("HANDBELL_REDIS_URL is not set. `handbell up` sets it.")
    stop, wakes = asyncio.Event(), {lane: asyncio.Event() for lane in Lane}
    stop_on_signals(stop)
    runtime = open_runtime(settings)
    broker = open_broker(settings.redis_url)
    try:
        await _once("replan", replan(runtime))
        async with asyncio.TaskGroup() as group:
            group.create_task(_listen(settings, wakes, stop))
            group.create_task(_look_forever(runtime, wakes, stop))
            group.create_task(_sweep_forever(runtime, stop))
            for lane, wake in wakes.items():
                group.create_task(dispatch_forever(runtime, broker, lane, wake=wake, stop=stop))
    finally:
        broker.close()
        await runtime.close()


async def _look_forever(runtime: Runtime, wakes: Wakes, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await _once("look", look(runtime, wakes))
        await _rest(stop, POLL_SECONDS)


async def look(runtime: Runtime, wakes: Wakes) -> int:
    """Wake the lanes that have something due by now; say how many."""
    due = await runtime.delivery.look(now=await runtime.clock.now())
    lanes = (*due.lanes, Lane.JOBS) if due.has_work else due.lanes
    for lane in lanes:
        wakes[lane].set()
    return len(lanes)


async def dispatch_forever(
    runtime: Runtime,
    broker: dramatiq.Broker,
    lane: Lane,
    *,
    wake: asyncio.Event,
    stop: asyncio.Event,
) -> None:
    """Hand out what is due in a lane whenever it is woken, whatever other lanes wait for."""
    while not stop.is_set():
        await _rest(wake, SWEEP_EVERY_SECONDS)
        while wake.is_set() and not stop.is_set():
            wake.clear()
            if await _once("dispatch", dispatch(runtime, broker, lane)):
                wake.set()


async def dispatch(runtime: Runtime, broker: dramatiq.Broker, lane: Lane) -> bool:
    """Hand out what is due now in a lane; say whether there may be more."""
    now = await runtime.clock.now()
    if lane is Lane.JOBS:
        claimed = await outbox.claim(runtime.db.direct, now=now)
        hand_on(broker, claimed)
        return len(claimed) == outbox.BATCH
    leased = await runtime.delivery.lease_due(lane, now=now)
    for group in leased:
        hand_out(broker, group)
        await asyncio.sleep(0)
    return sum(len(group.message_ids) for group in leased) >= SHARE


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


async def _listen(settings: Settings, wakes: Wakes, stop: asyncio.Event) -> None:
    """Be woken by PostgreSQL; without it the dispatcher still looks."""
    while not stop.is_set():
        try:
            async with _listening(settings, wakes) as lost:
                while not (stop.is_set() or lost.is_set()):
                    await _rest(stop, SWEEP_EVERY_SECONDS)
        except GONE:
            await _rest(stop, SWEEP_EVERY_SECONDS)


@asynccontextmanager
async def _listening(settings: Settings, wakes: Wakes) -> AsyncIterator[asyncio.Event]:
    """Listen; the event that is given is set when the server has gone away."""
    connection, lost = await asyncpg.connect(database_urls(settings).engine), asyncio.Event()
    try:
        connection.add_termination_listener(lambda *_: lost.set())
        await connection.add_listener(outbox.WAKE, lambda *told: _wake(wakes, str(told[-1])))
        yield lost
    finally:
        await connection.close()


def _wake(wakes: Wakes, told: str) -> None:
    """Wake the lane that was named, or all."""
    for lane in [Lane(told)] if told else Lane:
        wakes[lane].set()


async def _rest(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout=seconds)
    except TimeoutError:
        return
