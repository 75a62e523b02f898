"""A Valkey for the tests of a folder, emptied for each test that takes it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from handbell.entrypoints import embedded


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
