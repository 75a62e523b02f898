"""`handbell worker`: does the jobs of some lanes. As many as wanted may run anywhere."""

import asyncio
import signal
import threading
from typing import Final

import uvloop
from dramatiq import Broker, Middleware, Worker
from dramatiq.asyncio import async_to_sync

from handbell.delivery.tasks import declare_tasks
from handbell.delivery.types import LANE_GROUPS
from handbell.entrypoints.bootstrap import SettingMissing, WorkerRuntime, open_worker_runtime
from handbell.platform.errors import InvalidError
from handbell.platform.logging import configure_logging
from handbell.platform.queue import open_broker
from handbell.platform.settings import Settings
from handbell.platform.vocabulary import Lane

WAIT_MILLISECONDS: Final = 500
"""How long a worker waits for a job before it looks whether it was told to stop."""
SIMULATED_CONCURRENCY: Final = 2
"""In stepped time every wait of the busiest process is a wait of the whole run, and every
thread that wakes up takes time from the others."""
DEFAULT_CONCURRENCY: Final = 8


class LaneUnknown(InvalidError):
    """Raised for a lane that does not exist."""

    code = "lane_unknown"


def lanes_of(text: str) -> frozenset[Lane]:
    """Read `billing,replies` or the name of a group (urgent, care, bulk). Raises
    `LaneUnknown`."""
    lanes: set[Lane] = set()
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name in LANE_GROUPS:
            lanes.update(LANE_GROUPS[name])
        elif name in set(Lane):
            lanes.add(Lane(name))
        else:
            raise LaneUnknown(f"There is no lane {name!r}; lanes are {', '.join(Lane)}.")
    return frozenset(lanes)


class _Process(Middleware):
    """The runtime of this process, made once inside the event loop that uses it, before the
    first job comes, and closed there before that loop ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening: asyncio.Task[WorkerRuntime] | None = None

    async def opened(self) -> WorkerRuntime:
        """The runtime; an opening that failed is tried again by the next job."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(open_worker_runtime(self._settings))
        try:
            return await asyncio.shield(self._opening)
        except Exception:
            self._opening = None
            raise

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Open it now, that the first message does not wait for it. Fails like a job does."""
        async_to_sync(self.opened)()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        async_to_sync(self._close)()

    async def _close(self) -> None:
        if self._opening is not None:
            await (await self._opening).close()


def run(settings: Settings, *, lanes: frozenset[Lane], concurrency: int) -> None:
    """Work until SIGTERM or Ctrl-C; a call in flight is finished first."""
    if not settings.redis_url:
        raise SettingMissing("HANDBELL_REDIS_URL is not set. `handbell up` sets it.")
    configure_logging()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    broker = open_broker(settings.redis_url)
    process = _Process(settings)
    broker.add_middleware(process)
    declare_tasks(broker, process.opened)
    is_simulated = settings.clock == "simulated"
    threads = min(concurrency, SIMULATED_CONCURRENCY) if is_simulated else concurrency
    worker = Worker(
        broker,
        queues=set(lanes),
        worker_threads=threads,
        worker_timeout=WAIT_MILLISECONDS,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.start()
    stop.wait()
    worker.stop(timeout=25_000)
    broker.close()
