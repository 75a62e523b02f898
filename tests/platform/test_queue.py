"""The lanes over a real Valkey: a job starts when it is there, and an idle lane costs nothing."""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO
from pydantic import BaseModel

from handbell.entrypoints import embedded
from handbell.platform.queue import declare, enqueue, open_broker

LANE = "care"
TOPIC = "count"
WAIT_MILLISECONDS = 2_000
PATIENCE_SECONDS = 10.0


class Numbered(BaseModel):
    number: int


class Counted:
    """Jobs as they are done, by their numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.changed = threading.Condition()

    async def work(self, args: Numbered) -> None:
        with self.changed:
            self.numbers.append(args.number)
            self.changed.notify_all()

    def wait_for(self, count: int) -> list[int]:
        with self.changed:
            self.changed.wait_for(lambda: len(self.numbers) >= count, timeout=PATIENCE_SECONDS)
            return sorted(self.numbers)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="handbell-queue-"))
    server = embedded.start_valkey(home, durable=False)
    try:
        yield server.redis_url
    finally:
        server.stop()
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def broker(redis_url: str, counted: Counted) -> Iterator[RedisBroker]:
    """A broker with one worker of one thread at the lane."""
    made = open_broker(redis_url)
    made.flush_all()
    declare(made, TOPIC, Numbered, counted.work, queues=[LANE])
    worker = dramatiq.Worker(
        made, queues={LANE}, worker_threads=1, worker_timeout=WAIT_MILLISECONDS
    )
    worker.start()
    try:
        yield made
    finally:
        worker.stop(timeout=int(PATIENCE_SECONDS * 1000))
        made.close()


def commands(redis_url: str) -> dict[str, int]:
    """How often each command was called at the server."""
    with redis.Redis.from_url(redis_url) as client:
        stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}


def test_a_job_does_not_wait_for_the_worker_to_ask(broker: RedisBroker, counted: Counted) -> None:
    time.sleep(0.3)
    begun = time.monotonic()
    enqueue(broker, TOPIC, LANE, Numbered(number=1))
    assert counted.wait_for(1) == [1]
    assert time.monotonic() - begun < WAIT_MILLISECONDS / 1000 / 2


def test_more_jobs_than_a_worker_may_hold_are_all_done_once(
    broker: RedisBroker, counted: Counted
) -> None:
    for number in range(50):
        enqueue(broker, TOPIC, LANE, Numbered(number=number))
    assert counted.wait_for(50) == list(range(50))
    time.sleep(0.1)
    assert counted.wait_for(50) == list(range(50))


def test_an_idle_lane_is_not_asked_again_and_again(broker: RedisBroker, redis_url: str) -> None:
    broker.join(LANE)
    time.sleep(0.2)
    before = commands(redis_url)
    time.sleep(1.0)
    after = commands(redis_url)
    asked = {name: after[name] - before.get(name, 0) for name in after}
    assert asked.get("evalsha", 0) <= 2
    assert asked.get("blmove", 0) <= 2


def test_delayed_jobs_are_nobodys_business(broker: RedisBroker) -> None:
    assert broker.get_declared_delay_queues() == set()
    assert broker.get_declared_queues() == {LANE}


@pytest.mark.requirement("R9.1")
def test_two_workers_at_one_lane_do_each_job_once(
    broker: RedisBroker, redis_url: str, counted: Counted
) -> None:
    """Two in one process share the event loop of the first."""
    second = open_broker(redis_url)
    second.middleware = [one for one in second.middleware if not isinstance(one, AsyncIO)]
    declare(second, TOPIC, Numbered, counted.work, queues=[LANE])
    worker = dramatiq.Worker(
        second, queues={LANE}, worker_threads=1, worker_timeout=WAIT_MILLISECONDS
    )
    worker.start()
    try:
        for number in range(40):
            enqueue(broker, TOPIC, LANE, Numbered(number=number))
            time.sleep(0.002)
        assert counted.wait_for(40) == list(range(40))
    finally:
        worker.stop(timeout=int(PATIENCE_SECONDS * 1000))
        second.close()
