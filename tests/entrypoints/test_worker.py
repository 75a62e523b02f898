"""A worker that is told to stop leaves nothing open behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from handbell.delivery.tasks import SEND, SendArgs
from handbell.entrypoints import embedded
from handbell.platform.queue import enqueue, open_broker

WORKER = (sys.executable, "-X", "dev", "-m", "handbell", "worker")
PATIENCE_SECONDS = 20.0


@pytest.fixture
def redis_url() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="handbell-worker-"))
    server = embedded.start_valkey(home, durable=False)
    try:
        yield server.redis_url
    finally:
        server.stop()
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)


def test_its_connections_are_closed_when_it_is_told_to_stop(
    owner_url: str, redis_url: str
) -> None:
    settings = {
        "HANDBELL_DATABASE_URL": owner_url,
        "HANDBELL_REDIS_URL": redis_url,
        "HANDBELL_ENCRYPTION_KEY": "a key for tests only",
        "HANDBELL_LOOKUP_KEY": "a look-up key for tests only",
    }
    broker = open_broker(redis_url)
    broker.declare_queue("care")
    enqueue(broker, SEND, "care", SendArgs(organization_id=1, message_ids=[1]))
    worker = subprocess.Popen(WORKER, env=os.environ | settings, stderr=subprocess.PIPE, text=True)
    try:
        broker.join("care", timeout=int(PATIENCE_SECONDS * 1000))
    finally:
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=PATIENCE_SECONDS)
        broker.close()
    assert worker.returncode == 0
    assert "Unclosed" not in said
    assert "never closed" not in said
