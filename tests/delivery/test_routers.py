"""Dead letters and unknown attempts over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from tests.delivery.desk import NOON, VISIT, Desk
from tests.http_client import serving

from handbell.channels.types import Refused, Unknown
from handbell.delivery.deadletters.router import dead_letters_router
from handbell.delivery.unknowns.router import unknowns_router
from handbell.platform.clock import FrozenClock

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(desk: Desk, clock: FrozenClock) -> AsyncIterator[Ask]:
    """Ask as the practice's staff, unless told otherwise."""
    both = APIRouter()
    both.include_router(dead_letters_router(desk.dead_letters, clock))
    both.include_router(unknowns_router(desk.unknowns, clock))
    async with serving(both, clock) as client:

        async def send(method: str, path: str, *, who: str = "", **more: Any) -> httpx.Response:
            bearer = who or f"staff@{desk.practice.id}"
            headers = {"authorization": f"Bearer {bearer}"}
            return await client.request(method, path, headers=headers, **more)

        yield send


@pytest.mark.requirement("R9.4", "R7.6")
async def test_staff_read_retry_and_discard_dead_letters(desk: Desk, ask: Ask) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [Refused(code="21614")]
    await desk.run()
    await desk.work()
    (letter,) = (await ask("GET", "/dead-letters?fix=landline")).json()
    assert (letter["message_id"], letter["patient_id"]) == (message, patient)
    assert letter["minutes_left"] == (VISIT - NOON) // timedelta(minutes=1)
    assert "mobile number" in letter["what_to_do"]
    none = await ask("GET", "/dead-letters?fix=bug")
    assert (none.json(), none.headers["x-total-count"]) == ([], "0")
    groups = (await ask("GET", "/dead-letters/groups")).json()
    assert [(group["fix"], group["count"]) for group in groups] == [("landline", 1)]
    path = f"/dead-letters/{letter['id']}"
    (tried,) = (await ask("GET", path)).json()["tried"]
    assert (tried["outcome"], tried["code"]) == ("refused", "21614")
    desk.clock.instant = VISIT - timedelta(minutes=5)
    refused = (await ask("POST", f"{path}/retry")).json()
    assert (refused["status"], refused["reasons"]) == ("refused", ["useless"])
    assert refused["sentence"].startswith("It cannot be sent: ")
    desk.clock.instant = NOON
    all_of_them = await ask("POST", "/dead-letters/retry-group", json={"fix": "landline"})
    assert (all_of_them.json()["retried"], all_of_them.json()["refused"]) == (1, 0)
    for action in ("retry", "discard"):
        again = await ask("POST", f"{path}/{action}")
        assert (again.status_code, again.json()["code"]) == (409, "dead_letter_closed")
    assert (await ask("GET", "/dead-letters/99999")).status_code == 404
    for who in ("auditor", "marketing"):
        denied = await ask("POST", f"{path}/retry", who=f"{who}@{desk.practice.id}")
        assert denied.status_code == 403
    (listed,) = await desk.practice.rows(
        "SELECT actor, subject FROM audit_entries WHERE action = 'dead_letters.listed'"
        " ORDER BY id LIMIT 1"
    )
    assert (listed.actor, listed.subject) == ("key:staff", {"patient_ids": [patient]})


@pytest.mark.requirement("R9.2", "R7.6")
async def test_staff_see_lost_answers_and_settle_them(desk: Desk, ask: Ask) -> None:
    patient = await desk.practice.patient()
    await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [Unknown(code="no_answer")]
    await desk.run()
    (one,) = (await ask("GET", "/unknown-attempts")).json()
    assert (one["patient_id"], one["code"], one["settlement"]) == (patient, "no_answer", None)
    path = f"/unknown-attempts/{one['id']}/settle"
    assert (await ask("POST", path, json={"verdict": "maybe"})).status_code == 422
    settled = await ask("POST", path, json={"verdict": "sent"})
    assert settled.json() == {"id": one["id"], "settlement": "person_sent"}
    again = await ask("POST", path, json={"verdict": "sent"})
    assert (again.status_code, again.json()["code"]) == (409, "attempt_already_settled")
    (shown,) = (await ask("GET", "/unknown-attempts?settlement=person_sent")).json()
    assert shown["id"] == one["id"]
    assert (await ask("GET", "/unknown-attempts")).json() == []
