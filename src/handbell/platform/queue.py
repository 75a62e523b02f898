"""The lanes in Valkey: dramatiq with nothing of its own that could lose or repeat a message.

PostgreSQL owns retries, delays and leases, so no middleware does them here. A job carries ids
only; what a flush of Valkey loses comes back when its lease ends.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

import dramatiq
import redis
import structlog
from dramatiq import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import AsyncIO, ShutdownNotifications
from pydantic import BaseModel

HEARTBEAT_MILLISECONDS: Final = 10_000
RARELY: Final = 100_000
"""One call in so many does the broker's housekeeping."""
FULL_PAUSE_MILLISECONDS: Final = 20
"""How long at most a worker with all the jobs that it may hold waits before it looks again."""

Args = TypeVar("Args", bound=BaseModel)
log = structlog.get_logger(__name__)


class _Lanes(RedisBroker):
    """Queues without their twins for delayed jobs: PostgreSQL owns delays, so a worker that
    asked those would ask for nothing."""

    def get_declared_delay_queues(self) -> set[str]:
        return set()

    def close(self) -> None:
        """Close the connections; the workers have stopped by now."""
        super().close()
        self.client.connection_pool.disconnect()

    @property
    def consumer_class(self) -> type[Consumer]:
        return _WaitingConsumer


class _WaitingConsumer(_RedisConsumer):
    """Waits in Valkey for the next job, where dramatiq's own asks for it again and again: a job
    starts when it is there, and an idle lane costs nothing.

    To move the last job of a list to where it already stands changes nothing, and blocks as
    long as the list is empty. All who wait are let go; the fetch decides who gets the job.
    """

    def __init__(self, broker: _Lanes, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            broker, queue_name, prefetch, timeout=FULL_PAUSE_MILLISECONDS
        )
        self._list = f"{broker.namespace}:{queue_name}"
        self._wait_seconds = timeout / 1000

    def __next__(self) -> MessageProxy | None:
        if not self.message_cache and self.outstanding_message_count < self.prefetch:
            self._wait()
        job: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        return job

    def _wait(self) -> None:
        try:
            self.broker.client.blmove(self._list, self._list, self._wait_seconds, "RIGHT", "RIGHT")
        except redis.ConnectionError as lost:
            raise ConnectionClosed(lost) from None  # type: ignore[no-untyped-call]


def open_broker(redis_url: str) -> RedisBroker:
    """Connect to the lanes."""
    logging.getLogger("dramatiq").setLevel(logging.CRITICAL)
    return _Lanes(  # type: ignore[no-untyped-call]
        url=redis_url,
        middleware=[AsyncIO(), ShutdownNotifications()],
        heartbeat_timeout=HEARTBEAT_MILLISECONDS,
        maintenance_chance=RARELY,
    )


def declare(
    broker: dramatiq.Broker,
    name: str,
    args: type[Args],
    work: Callable[[Args], Awaitable[None]],
    *,
    queues: Iterable[str],
) -> None:
    """Let workers of this broker do `work` for jobs of the queues.

    An error's text never reaches a log: it may hold a patient's data.
    """

    async def run(told: dict[str, Any]) -> None:
        try:
            await work(args.model_validate(told))
        except Exception as error:  # noqa: BLE001 - the lease brings the work back
            log.warning("job.failed", topic=name, error_type=type(error).__name__)

    for queue in queues:
        made = dramatiq.actor(broker=broker, actor_name=f"{name}.{queue}", queue_name=queue)
        made(run)


def enqueue(broker: dramatiq.Broker, name: str, queue: str, args: BaseModel) -> None:
    """Hand a job to a lane. Whoever declares nothing may still enqueue."""
    broker.enqueue(
        dramatiq.Message(
            queue_name=queue,
            actor_name=f"{name}.{queue}",
            args=(args.model_dump(mode="json"),),
            kwargs={},
            options={},
        )
    )
