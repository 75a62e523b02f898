"""The figures: true, of the whole installation, and of nobody in particular."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from tests.delivery.desk import NOON, Desk

from handbell.channels.service import AccountService
from handbell.channels.types import NewOrders, PauseScope, Refused
from handbell.delivery.breaker import Breaker
from handbell.delivery.breakers.service import BreakerService
from handbell.delivery.meters.service import Meter
from handbell.delivery.pauses.service import PauseService
from handbell.delivery.pauses.types import NewPause
from handbell.monitoring.metrics import MetricsService
from handbell.monitoring.router import metrics_router
from handbell.platform import outbox
from handbell.platform.clock import FrozenClock
from handbell.platform.http import install_problems
from handbell.platform.vocabulary import Lane

TOKEN = "a token for tests only"


class Scraped:
    """One answer, by name and labels."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self._samples.get((f"handbell_{name}", frozenset(labels.items())))


@pytest.fixture
def desk(practice: Any, clock: FrozenClock) -> Desk:
    return Desk(practice, clock)


@pytest.fixture
async def meter(valkey: Redis) -> Meter:
    return Meter(valkey)


@pytest.fixture
async def client(
    practice: Any, clock: FrozenClock, meter: Meter, valkey_url: str
) -> AsyncIterator[AsyncClient]:
    accounts = AccountService(practice.db, practice.keys, practice.audit)
    metrics = MetricsService(practice.db, BreakerService(accounts, valkey_url), meter)
    app = FastAPI()
    install_problems(app)
    app.include_router(metrics_router(metrics, clock, TOKEN))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as one:
        yield one


async def scrape(client: AsyncClient) -> Scraped:
    answer = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Scraped(answer.text)


@pytest.mark.requirement("R9.3")
async def test_depth_and_age_of_each_lane_are_told(desk: Desk, client: AsyncClient) -> None:
    for no in range(3):
        patient = await desk.practice.patient(("sms", f"+1212555012{no}"))
        await desk.order(patient, f"key {no}", **await desk.booked(patient))
    await desk.practice.execute(
        "UPDATE messages SET lifecycle = 'sending' WHERE order_key = 'key 2'"
    )
    desk.clock.advance(timedelta(seconds=90))
    found = await scrape(client)
    assert found.value("queue_depth", lane="care", state="due") == 2
    assert found.value("queue_depth", lane="care", state="sending") == 1
    assert found.value("queue_age_seconds", lane="care") == 90
    assert found.value("queue_depth", lane="marketing", state="due") == 0
    assert found.value("queue_age_seconds", lane="marketing") == 0


@pytest.mark.requirement("R9.3", "R9.6")
async def test_what_people_have_paused_calls_for_no_worker(
    desk: Desk, client: AsyncClient
) -> None:
    patient = await desk.practice.patient()
    await desk.order(patient, **await desk.booked(patient))
    pauses = PauseService(desk.practice.db, desk.practice.audit, desk.clock)
    new = NewPause(
        scope=PauseScope(organization_id=desk.practice.id),
        new_orders=NewOrders.HOLD,
        reason="tests",
        until=None,
    )
    await pauses.pause(new, actor="tests", now=NOON)
    assert (await scrape(client)).value("queue_depth", lane="care", state="due") == 0


async def test_the_outbox_is_the_lane_of_jobs(desk: Desk, client: AsyncClient) -> None:
    await desk.practice.execute("DELETE FROM outbox")
    async with desk.practice.db.transaction(desk.practice.id) as tx:
        await outbox.add(tx, desk.practice.id, "tests", {}, now=NOON)
    desk.clock.advance(timedelta(seconds=30))
    found = await scrape(client)
    assert found.value("queue_depth", lane="jobs", state="due") == 1
    assert found.value("queue_age_seconds", lane="jobs") == 30


async def test_sends_and_times_are_added_up_over_all_workers(
    desk: Desk, client: AsyncClient, valkey: Redis
) -> None:
    """Two meters are two processes."""
    workers = Meter(valkey), Meter(valkey)
    for no, worker in enumerate(workers):
        desk.delivery.count_with(worker)
        patient = await desk.practice.patient(("sms", f"+1212555013{no}"))
        await desk.order(patient, f"key {no}", **await desk.booked(patient))
        desk.sender.outcomes = [Refused(code="21614")] if no else []
        await desk.run()
        worker.count_work("reminders.plan", 2)
        await worker.end_job(Lane.CARE, seconds=0.2 + no, items=5)
    found = await scrape(client)
    assert found.value("sends_total", channel="sms", outcome="accepted") == 1
    assert found.value("sends_total", channel="sms", outcome="refused") == 1
    assert found.value("work_total", topic="reminders.plan") == 4
    assert found.value("job_items_total", lane="care") == 10
    assert found.value("job_seconds_count", lane="care") == 2
    assert found.value("job_seconds_sum", lane="care") == pytest.approx(1.4)
    assert found.value("job_seconds_bucket", lane="care", le="0.25") == 1
    assert found.value("job_seconds_bucket", lane="care", le="2.5") == 2


@pytest.mark.requirement("R9.8")
async def test_breakers_and_pools_are_told(desk: Desk, client: AsyncClient, valkey: Redis) -> None:
    account = await desk.practice.value(
        "SELECT id FROM provider_accounts WHERE provider = 'twilio'"
    )
    await Breaker(valkey).tell(account, good=0, bad=20)
    found = await scrape(client)
    assert found.value("breakers", provider="twilio", state="open") == 1
    assert found.value("breakers", provider="sendgrid", state="closed") == 1
    assert found.value("breaker_openings_total", provider="twilio") == 1
    assert found.value("pool_size", pool="app") == 20
    assert found.value("pool_in_use", pool="app") == 0
    assert found.value("pool_refused_total", pool="app") == 0
    assert found.value("dead_letters_open") == 0
    assert found.value("webhooks_received_total") == 0


async def test_without_valkey_what_the_database_knows_is_told(
    practice: Any, clock: FrozenClock
) -> None:
    nowhere = "redis://127.0.0.1:9/0"
    accounts = AccountService(practice.db, practice.keys, practice.audit)
    meter = Meter(Redis.from_url(nowhere, decode_responses=True))
    metrics = MetricsService(practice.db, BreakerService(accounts, nowhere), meter)
    found = Scraped((await metrics.text(now=clock.instant)).decode())
    assert found.value("valkey_up") == 0
    assert found.value("queue_depth", lane="care", state="due") == 0
    await metrics.close()


@pytest.mark.requirement("R7.6")
async def test_nobody_is_named_and_no_organisation(desk: Desk, client: AsyncClient) -> None:
    patient = await desk.practice.patient(first_name="Adelheid")
    await desk.order(patient, **await desk.booked(patient))
    text = (await scrape(client)).text
    for word in ("Adelheid", "Riverside", "12125550123", "organization_id", "twilio-account"):
        assert word not in text


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ({}, 401, "bearer_missing"),
        ({"Authorization": "Bearer wrong"}, 401, "credential_refused"),
        (
            {"Authorization": "Bearer hb_1_x", "X-Forwarded-For": "127.0.0.1"},
            401,
            "credential_refused",
        ),
    ],
)
async def test_only_who_has_the_token_is_told(
    client: AsyncClient, header: dict[str, str], status: int, code: str
) -> None:
    answer = await client.get("/metrics", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_without_a_token_nobody_is_told(practice: Any, clock: FrozenClock) -> None:
    accounts = AccountService(practice.db, practice.keys, practice.audit)
    metrics = MetricsService(practice.db, BreakerService(accounts, ""), None)
    app = FastAPI()
    install_problems(app)
    app.include_router(metrics_router(metrics, clock, ""))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as one:
        answer = await one.get("/metrics", headers={"Authorization": "Bearer "})
        other = await one.get("/metrics", headers={"Authorization": "Bearer x"})
    assert {answer.status_code, other.status_code} == {404}
