"""What the tests of delivery share: a desk, and a Valkey that is emptied for each test."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.delivery.desk import Desk

from handbell.entrypoints import embedded
from handbell.platform.clock import FrozenClock


@pytest.fixture
def desk(practice: Any, clock: FrozenClock) -> Desk:
    return Desk(practice, clock)


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="handbell-limits-"))
    server = embedded.start_valkey(home, durable=False)
    try:
        yield server.redis_url
    finally:
        server.stop()
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def valkey(valkey_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey_url, decode_responses=True)
    await client.flushall()
    yield client
    await client.aclose()
