"""SIGTERM: a real worker finishes its calls to a slow provider, and nothing is lost or doubled."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.journeys.conftest import an_hour_from_noon
from tests.journeys.conftest import eventually as soon

from handbell.delivery.tasks import SEND, SendArgs
from handbell.entrypoints import embedded
from handbell.messages.types import SendOrder
from handbell.platform.clock import SystemClock
from handbell.platform.queue import enqueue, open_broker
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.types import At

GROUPS, EACH, AT_ONCE = 4, 6, 2
LATENCY_SECONDS = 1.5
PATIENCE_SECONDS = 30.0
HANDBELL = (sys.executable, "-m", "handbell")


@pytest.fixture
def redis_url() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="handbell-stopping-"))
    server = embedded.start_valkey(home, durable=False)
    try:
        yield server.redis_url
    finally:
        server.stop()
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def settings(owner_url: str, redis_url: str) -> dict[str, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "HANDBELL_DATABASE_URL": owner_url,
        "HANDBELL_REDIS_URL": redis_url,
        "HANDBELL_ENCRYPTION_KEY": "a key for tests only",
        "HANDBELL_LOOKUP_KEY": "a look-up key for tests only",
        "HANDBELL_TWILIO_BASE_URL": f"http://127.0.0.1:{port}/twilio",
        "HANDBELL_TWILIO_ACCOUNT_SID": "AC" + "a" * 32,
        "HANDBELL_TWILIO_AUTH_TOKEN": "token",
        "HANDBELL_TWILIO_FROM": "+12025550100",
        "HANDBELL_TWILIO_BAA": "not_required",
    }


@pytest.fixture
def slow(settings: dict[str, str]) -> Iterator[str]:
    """A sandbox process that takes its time for each answer; its address."""
    url = settings["HANDBELL_TWILIO_BASE_URL"].removesuffix("/twilio")
    command = [*HANDBELL, "sandbox", "--port", url.rpartition(":")[2]]
    process = subprocess.Popen(command, env=os.environ | settings, stderr=subprocess.DEVNULL)
    try:
        soon(lambda: _answers(f"{url}/_sandbox/next"), what="a sandbox")
        faults = {"provider": "twilio", "latency_ms": int(LATENCY_SECONDS * 1000)}
        assert httpx.put(f"{url}/_sandbox/faults", json=faults).is_success
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


async def eventually(look: Any) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not await look():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)


async def queued(practice: Any) -> list[int]:
    """Reminders that a dispatcher has leased a moment ago."""
    now = await SystemClock().now()
    for no in range(GROUPS * EACH):
        patient = await practice.patient(
            ("sms", f"+1212555{100 + no:04d}"), timezone=an_hour_from_noon(now), now=now
        )
        order = SendOrder(
            patient_id=patient,
            purpose=Purpose.RX_REFILL,
            anchor=At(now),
            order_key=f"key {no}",
            ordered_by="tests",
        )
        await practice.messages.admit(practice.id, order, now=now)
    await lease(practice)
    return [row.id for row in await practice.rows("SELECT id FROM messages ORDER BY id")]


async def lease(practice: Any) -> None:
    await practice.execute(
        "UPDATE messages SET lifecycle = 'queued',"
        " leased_until = clock_timestamp() + interval '2 minutes' WHERE lifecycle = 'scheduled'"
    )


async def lifecycles(practice: Any) -> Counter[str]:
    rows = await practice.rows("SELECT lifecycle, count(*) AS n FROM messages GROUP BY 1")
    return Counter({row.lifecycle: row.n for row in rows})


def work(settings: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [*HANDBELL, "worker", "--lanes", "care", "--concurrency", str(AT_ONCE)]
    return subprocess.Popen(command, env=os.environ | settings)


@pytest.mark.requirement("R9.6", "R9.1")
async def test_a_worker_that_is_told_to_stop_finishes_its_calls_and_leaves_the_rest(
    practice: Any, settings: dict[str, str], slow: str
) -> None:
    messages = await queued(practice)
    broker = open_broker(settings["HANDBELL_REDIS_URL"])
    broker.declare_queue("care")
    for start in range(0, len(messages), EACH):
        args = SendArgs(organization_id=practice.id, message_ids=messages[start : start + EACH])
        enqueue(broker, SEND, "care", args)

    worker = work(settings)

    async def calls_are_in_flight() -> bool:
        return (await lifecycles(practice))["sending"] == AT_ONCE * EACH

    await eventually(calls_are_in_flight)
    worker.send_signal(signal.SIGTERM)
    told_at = time.monotonic()
    code = await asyncio.to_thread(worker.wait, PATIENCE_SECONDS)
    seconds = time.monotonic() - told_at
    after = await lifecycles(practice)
    assert code == 0
    assert seconds < LATENCY_SECONDS + 5
    assert set(after) == {"accepted", "queued"}
    assert after["accepted"] < len(messages)

    second = work(settings)

    async def all_are_accepted() -> bool:
        return (await lifecycles(practice))["accepted"] == len(messages)

    await eventually(all_are_accepted)
    second.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(second.wait, PATIENCE_SECONDS) == 0
    broker.close()
    async with httpx.AsyncClient() as client:
        lines = (await client.get(f"{slow}/_sandbox/messages")).text.splitlines()
    received = Counter(json.loads(line)["to"] for line in lines)
    assert len(received) == len(messages)
    assert set(received.values()) == {1}
    attempts = await practice.rows(
        "SELECT outcome, count(*) AS n FROM message_attempts GROUP BY 1"
    )
    assert [(row.outcome, row.n) for row in attempts] == [("accepted", len(messages))]
