"""The driver against a stand-in for product and sandbox that speaks their HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from rich.console import Console

from handbell.demo.checker import check
from handbell.demo.clients import Product, Sandbox, SteppedClock
from handbell.demo.driver import Driver
from handbell.demo.errors import NeverQuiet, StatementRejected, StillBusy, UnexpectedAnswer
from handbell.demo.script import Script
from handbell.demo.story import Story, show
from handbell.demo.world import START, make_script
from handbell.platform import db

QUIET = {"outbox": 0, "queued": 0, "sending": 0, "due": 0}


@dataclass
class StandIn:
    """Confirms each booking at once by SMS; the patient answers C on the next release."""

    told: list[tuple[str, str]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    next_at: str | None = None
    busy: dict[str, int] = field(default_factory=lambda: dict(QUIET))
    status: str = "accepted"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/v1/events", self.events)
        app.router.add_put("/api/v1/patients/{id}/comm-preferences", self.fine)
        app.router.add_put("/api/v1/comm/settings/organization", self.fine)
        app.router.add_get("/api/v1/comm/jobs", self.list_jobs)
        app.router.add_get("/_demo/idle", self.idle)
        app.router.add_get("/_sandbox/next", self.upcoming)
        app.router.add_post("/_sandbox/release", self.release)
        app.router.add_get("/_sandbox/messages", self.messages)
        app.router.add_get("/_sandbox/replies", self.written)
        return app

    async def fine(self, _: web.Request) -> web.Response:
        return web.json_response({})

    async def events(self, request: web.Request) -> web.Response:
        results = []
        for event in await request.json():
            self.told.append((event["time"], event["type"]))
            if event["type"] == "appointment.booked":
                self.book(event)
            number = 1000 + len(self.told)
            said = {"status": self.status, "internal_id": number, "code": "bad", "field": "data.x"}
            results.append(said)
        return web.json_response({"results": results}, status=202)

    def book(self, event: dict[str, Any]) -> None:
        number = len(self.sent)
        message = {
            "at": event["time"], "channel": "sms", "to": f"+1212555{number:04d}", "token": "t",
            "body": "Confirm? C or R", "provider_id": f"SM{number}", "from": "+12025550100",
        }  # fmt: skip
        job = {
            "id": number, "patient_id": 0, "purpose": "appt_confirm", "channel": "sms",
            "lifecycle": "accepted", "progress": "delivered", "reasons": [],
            "visits": [{"appointment_id": 1000 + len(self.told), "appointment_version": 1}],
            "reminder_offset": None, "provider_message_id": f"SM{number}",
        }  # fmt: skip
        self.sent.append(message)
        self.jobs.append(job)
        self.waiting.append(message["to"])

    async def idle(self, _: web.Request) -> web.Response:
        is_idle = not any(self.busy.values())
        said = {"idle": is_idle, "next_at": self.next_at, "now": "", "busy": self.busy}
        return web.json_response(said)

    async def upcoming(self, _: web.Request) -> web.Response:
        return web.json_response({"at": None, "due": len(self.waiting)})

    async def release(self, request: web.Request) -> web.Response:
        until = (await request.json())["until"]
        self.released.append(until)
        for sender in self.waiting:
            count = len(self.sent)
            reply = {"at": until, "channel": "sms", "from": sender, "to": "", "body": "C"}
            counted = {"messages_when_sent": count, "messages_when_answered": count}
            self.replies.append(reply | counted)
        self.waiting.clear()
        return web.json_response({"released": 1})

    async def messages(self, _: web.Request) -> web.Response:
        return _lines(self.sent)

    async def written(self, _: web.Request) -> web.Response:
        return _lines(self.replies)

    async def list_jobs(self, request: web.Request) -> web.Response:
        start = int(request.query["offset"])
        page = self.jobs[start : start + int(request.query["limit"])]
        return web.json_response(page, headers={"X-Total-Count": str(len(self.jobs))})


def _lines(rows: list[dict[str, Any]]) -> web.Response:
    return web.Response(text="".join(json.dumps(row) + "\n" for row in rows))


@dataclass
class Stage:
    """A driver on its stand-in, and what it printed."""

    stand_in: StandIn
    driver: Driver
    printed: StringIO


@asynccontextmanager
async def staged(owner_url: str, script: Script) -> AsyncIterator[Stage]:
    stand_in, printed = StandIn(), StringIO()
    engine = db.connect(owner_url, pool_size=1)
    clock = SteppedClock(engine)
    await clock.step_to(START)
    async with TestServer(stand_in.app()) as server, ClientSession(server.make_url("/")) as http:
        with Story(script, Console(file=printed, width=200)) as story:
            driver = Driver(script, Product(http), Sandbox(http), clock, story)
            yield Stage(stand_in, driver, printed)
    await engine.dispose()


@pytest.fixture(scope="module")
def script() -> Script:
    return make_script(seed=2, patients=150, days=3)


async def test_a_script_is_told_in_its_order_and_everything_comes_back(
    owner_url: str, script: Script
) -> None:
    async with staged(owner_url, script) as stage:
        recording = await stage.driver.play()
    told = [(one.at.isoformat(), one.type) for one in (*script.opening, *script.statements)]
    assert stage.stand_in.told == told
    assert set(recording.patients.values()) == set(script.patients)
    assert set(recording.visits.values()) == set(script.visits)
    assert len(recording.jobs) == len(recording.messages) == len(script.visits)
    findings = check(recording)
    assert findings.replies.confirm == len(script.visits)
    assert findings.violations.duplicates == 0


async def test_each_day_is_told_and_the_figures_stand_at_the_end(
    owner_url: str, script: Script
) -> None:
    async with staged(owner_url, script) as stage:
        findings = check(await stage.driver.play())
    show(findings, Console(file=stage.printed, width=200), wall_seconds=1.5)
    text = stage.printed.getvalue()
    assert f"150 patients and {len(script.visits)} visits in 3 days" in text
    assert [f"Day {n} " in text for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert "violations: missed" in text
    assert "missed, for example" in text


async def test_the_clock_steps_only_when_patients_have_acted(
    owner_url: str, script: Script
) -> None:
    async with staged(owner_url, script) as stage:
        await stage.driver.play()
    booked = [one.at for one in script.statements if one.type == "appointment.booked"]
    released = [datetime.fromisoformat(one) for one in stage.stand_in.released]
    assert released == sorted(set(booked))


async def test_what_the_product_rejects_ends_the_run_and_is_named(
    owner_url: str, script: Script
) -> None:
    async with staged(owner_url, script) as stage:
        stage.stand_in.status = "rejected"
        with pytest.raises(StatementRejected, match=r"location\.updated .* bad \(data\.x\)"):
            await stage.driver.play()


async def test_a_product_that_does_not_come_to_rest_ends_the_run(
    owner_url: str, script: Script
) -> None:
    async with staged(owner_url, script) as stage:
        stage.driver.patience_seconds = 0.05
        stage.stand_in.busy = QUIET | {"sending": 3}
        with pytest.raises(StillBusy, match="sending 3"):
            await stage.driver.play()


async def test_a_plan_without_end_ends_the_run(owner_url: str, script: Script) -> None:
    async with staged(owner_url, script) as stage:
        stage.stand_in.next_at = "2027-06-01T00:00:00+00:00"
        with pytest.raises(NeverQuiet):
            await stage.driver.play()


async def test_an_unexpected_answer_names_the_path_and_the_status(
    owner_url: str, script: Script
) -> None:
    async with staged(owner_url, script) as stage:
        with pytest.raises(UnexpectedAnswer, match=r"PUT /api/v1/patients/x/y/comm-pref.* 404"):
            await stage.driver.product.prefer("x/y", {})  # type: ignore[arg-type]
