"""Messages ordered, listed, recalled and explained over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.http_client import serving

from handbell.messages.progress import ProgressState
from handbell.messages.router import messages_router
from handbell.messages.schemas import JobStatus, job_status, narrowed_to
from handbell.messages.types import Lifecycle
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VISIT = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(practice: Any, clock: FrozenClock) -> AsyncIterator[Ask]:
    """Ask as staff of the practice, unless told otherwise."""
    router = messages_router(practice.db, practice.messages, practice.audit, clock)
    async with serving(router, clock) as client:

        async def send(
            method: str, path: str, *, who: str = f"staff@{practice.id}", **more: Any
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {who}"} | more.pop("headers", {})
            return await client.request(method, path, headers=headers, **more)

        yield send


async def schedule(ask: Ask, **body: Any) -> Any:
    answer = await ask("POST", "/comm/schedule", json={"purpose": "appt_reminder"} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def audited(practice: Any, action: str) -> list[Any]:
    query = "SELECT actor, subject FROM audit_entries WHERE action = :action ORDER BY id"
    return [tuple(row) for row in await practice.rows(query, action=action)]


@pytest.mark.requirement("R7.6")
async def test_a_message_is_ordered_shown_and_explained_and_each_look_is_recorded(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    visit = await practice.visit(patient, VISIT)
    send_at = "2026-12-07T15:00:00-05:00"
    admitted = await schedule(ask, patient_id=patient, appointment_id=visit, send_at=send_at)
    assert admitted == {
        "job_id": admitted["job_id"],
        "scheduled_at": "2026-12-07T20:00:00Z",
        "channel": "sms",
        "estimated_delivery": "2026-12-07T20:00:00Z",
        "status": "scheduled",
        "reasons": ["planned"],
    }
    path = f"/comm/jobs/{admitted['job_id']}"
    job = (await ask("GET", path)).json()
    assert str(job["id"]) == admitted["job_id"]
    assert job["body"].startswith("Riverside Health: Ada, your visit is Tue, Dec 8, 9:30 AM.")
    shown = {
        "patient_id": patient,
        "campaign_id": None,
        "purpose": "appt_reminder",
        "channel": "sms",
        "recipient": "+12125550123",
        "scheduled_at": "2026-12-07T20:00:00Z",
        "sent_at": None,
        "status": "scheduled",
        "lifecycle": "scheduled",
        "is_urgent": False,
        "appointment_id": visit,
        "appointment_version": 1,
        "reminder_offset": None,
        "provider_message_id": None,
    }
    assert shown.items() <= job.items()
    assert (await ask("GET", f"/comm/jobs?patient_id={patient}")).json() == [job]
    receipt = (await ask("GET", f"{path}/explain")).json()
    assert receipt["summary"].startswith("It waits until")
    for action in ("messages.listed", "messages.read", "messages.explained"):
        assert await audited(practice, action) == [("key:staff", {"patient_ids": [patient]})]


async def test_a_refusal_is_an_answer_with_a_job_that_can_be_explained(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient(("landline", "+12125550123"))
    admitted = await schedule(ask, patient_id=patient, preferred_channel="email")
    assert (admitted["status"], admitted["scheduled_at"]) == ("refused", None)
    assert admitted["estimated_delivery"] is None
    assert "no_address" in admitted["reasons"]
    path = f"/comm/jobs/{admitted['job_id']}"
    assert (await ask("GET", path)).json()["status"] == "cancelled"
    assert "no address" in (await ask("GET", f"{path}/explain")).json()["summary"]
    told = (await ask("GET", f"{path}/explain?lang=es")).json()
    assert told["summary"].startswith("No se enviará: ")
    assert {one["words"] for one in told["reasons"]} >= {"no hay dirección para este canal"}
    assert (await ask("GET", f"{path}/explain?lang=fr")).status_code == 422
    cancel = await ask("POST", f"{path}/cancel", json={})
    assert (cancel.status_code, cancel.json()["code"]) == (409, "message_already_left")


async def test_without_a_time_the_hour_is_ours_and_a_time_that_passed_means_now(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    free = await schedule(ask, patient_id=patient, purpose="rx_refill")
    assert free["status"] in {"scheduled", "refused"}
    here = await schedule(ask, patient_id=patient)
    assert "outside_window" not in here["reasons"]
    past = await schedule(ask, patient_id=patient, send_at="0001-01-01T00:00:00+14:00")
    assert (past["status"], past["scheduled_at"]) == ("scheduled", "2026-12-01T17:00:00Z")


async def test_a_reminder_of_no_use_before_the_visit_is_refused(ask: Ask, practice: Any) -> None:
    patient = await practice.patient()
    visit = await practice.visit(patient, VISIT)
    late = (VISIT + timedelta(hours=1)).isoformat()
    admitted = await schedule(ask, patient_id=patient, appointment_id=visit, send_at=late)
    assert "useless" in admitted["reasons"]


async def test_a_repeated_key_gets_the_first_answer_and_orders_nothing(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    key = {"idempotency-key": "order 1"}
    body = {"patient_id": patient, "purpose": "appt_reminder"}
    first = await ask("POST", "/comm/schedule", json=body, headers=key)
    second = await ask("POST", "/comm/schedule", json=body, headers=key)
    assert (first.status_code, second.json()) == (200, first.json())
    other = await ask("POST", "/comm/schedule", json=body | {"variables": {}}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    await practice.execute("DELETE FROM idempotency_keys")
    third = await ask("POST", "/comm/schedule", json=body, headers=key)
    assert third.json() == first.json()
    assert await practice.value("SELECT count(*) FROM messages") == 1
    await asyncio.gather(*(schedule(ask, **body) for _ in range(3)))
    assert await practice.value("SELECT count(*) FROM messages") == 4


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"is_urgent": True}, 403, "urgent_requires_provider"),
        ({"purpose": "urgent"}, 403, "urgent_requires_provider"),
        ({"campaign_id": 1}, 422, "campaigns_not_available"),
        ({"appointment_id": 99}, 404, "appointment_not_found"),
        ({"patient_id": 10**12}, 404, "patient_not_found"),
        ({"send_at": "2040-01-01T00:00:00Z"}, 422, "send_at_too_far"),
        ({"send_at": "2026-12-07T15:00:00"}, 422, "invalid_request"),
        ({"send_at": 1796000000}, 422, "invalid_request"),
        ({"send_at": "1796000000"}, 422, "invalid_request"),
        ({"purpose": "reply_optout"}, 422, "invalid_request"),
        ({"purpose": "gossip"}, 422, "invalid_request"),
        ({"preferred_channel": "pigeon"}, 422, "invalid_request"),
        ({"variables": {"a b": "c"}}, 422, "invalid_request"),
        ({"variables": {"a": "c" * 501}}, 422, "invalid_request"),
        ({"patient_id": 2**63}, 422, "invalid_request"),
        ({"colour": "red"}, 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_ordered_is_refused_by_code_and_leaves_no_message(
    ask: Ask, practice: Any, fields: dict[str, Any], status: int, code: str
) -> None:
    patient = await practice.patient()
    body = {"patient_id": patient, "purpose": "appt_reminder"} | fields
    key = {"idempotency-key": "k"}
    answer = await ask("POST", "/comm/schedule", json=body, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await practice.value("SELECT count(*) FROM messages") == 0
    assert (await schedule(ask, patient_id=patient))["job_id"]


async def test_another_patients_visit_is_not_this_patients(ask: Ask, practice: Any) -> None:
    ada, ben = await practice.patient(), await practice.patient()
    visit = await practice.visit(ben, VISIT)
    body = {"patient_id": ada, "purpose": "appt_reminder", "appointment_id": visit}
    answer = await ask("POST", "/comm/schedule", json=body)
    assert answer.json()["code"] == "appointment_not_found"


async def test_a_message_is_recalled_once_and_for_all(ask: Ask, practice: Any) -> None:
    patient = await practice.patient()
    admitted = await schedule(ask, patient_id=patient, send_at="2026-12-07T15:00:00Z")
    path = f"/comm/jobs/{admitted['job_id']}"
    for _ in range(2):
        answer = await ask("POST", f"{path}/cancel", json={})
        assert (answer.status_code, answer.json()) == (200, {})
    job = (await ask("GET", path)).json()
    assert (job["status"], job["lifecycle"]) == ("cancelled", "cancelled")
    await practice.execute("UPDATE messages SET lifecycle = 'accepted'")
    answer = await ask("POST", f"{path}/cancel", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "message_already_left")
    assert (await ask("POST", "/comm/jobs/99/cancel", json={})).status_code == 404
    assert [actor for actor, _ in await audited(practice, "message.cancelled")] == ["key:staff"]


async def test_lists_are_narrowed_and_paged_and_say_how_many_there_are(
    ask: Ask, practice: Any
) -> None:
    ada, ben = await practice.patient(), await practice.patient(("email", "ben@example.org"))
    for patient in (ada, ben, ada):
        await schedule(ask, patient_id=patient, send_at="2026-12-07T15:00:00Z")
    page = await ask("GET", "/comm/jobs?limit=1&offset=1")
    assert [job["patient_id"] for job in page.json()] == [ben]
    assert page.headers["x-total-count"] == "3"
    assert 'rel="prev"' in page.headers["link"]
    assert 'rel="next"' in page.headers["link"]
    counts = {
        "": 3,
        f"patient_id={ada}": 2,
        "channel=email": 1,
        "status=scheduled": 3,
        "status=cancelled": 0,
        f"patient_id={ada}&status=scheduled&channel=sms": 2,
        "campaign_id=1": 0,
    }
    for query, count in counts.items():
        answer = await ask("GET", f"/comm/jobs?{query}")
        assert (query, len(answer.json())) == (query, count)
        assert answer.headers["x-total-count"] == str(count)
    seen = [subject["patient_ids"] for _, subject in await audited(practice, "messages.listed")]
    assert seen[:3] == [[ben], [ada, ben], [ada]]
    for query in ("status=lost", "channel=fax", "patient_id=0", "limit=0", "limit=1000"):
        assert (await ask("GET", f"/comm/jobs?{query}")).status_code == 422


async def test_a_list_of_one_status_shows_just_the_jobs_of_that_status(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    states: list[tuple[Lifecycle, ProgressState | None]]
    states = [(lifecycle, None) for lifecycle in Lifecycle]
    states += [(Lifecycle.ACCEPTED, step) for step in ProgressState]
    for lifecycle, progress in states:
        made = await schedule(ask, patient_id=patient, send_at="2026-12-07T15:00:00Z")
        await practice.execute(
            "UPDATE messages SET lifecycle = :lifecycle, progress = :progress WHERE id = :id",
            lifecycle=lifecycle,
            progress=progress,
            id=int(made["job_id"]),
        )
    for status in JobStatus:
        shown = (await ask("GET", f"/comm/jobs?status={status}")).json()
        assert {job["status"] for job in shown} == {status}
        assert len(shown) == sum(job_status(*state) is status for state in states)


def test_every_word_of_the_clients_stands_for_something_and_nothing_stands_twice() -> None:
    pairs: list[object] = []
    for status in JobStatus:
        lifecycles, progress = narrowed_to(status)
        assert lifecycles
        assert (Lifecycle.ACCEPTED in lifecycles) == bool(progress)
        pairs += [one for one in lifecycles if one is not Lifecycle.ACCEPTED]
        pairs += [(Lifecycle.ACCEPTED, one) for one in progress]
    assert len(pairs) == len(set(pairs)) == len(Lifecycle) - 1 + len(ProgressState) + 1


async def test_another_organisations_messages_do_not_exist(
    ask: Ask, practice: Any, other_organization: OrganizationId
) -> None:
    patient = await practice.patient()
    admitted = await schedule(ask, patient_id=patient, send_at="2026-12-07T15:00:00Z")
    stranger = f"admin@{other_organization}"
    path = f"/comm/jobs/{admitted['job_id']}"
    for method, url in (("GET", path), ("GET", f"{path}/explain"), ("POST", f"{path}/cancel")):
        answer = await ask(method, url, who=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")
    assert (await ask("GET", "/comm/jobs", who=stranger)).json() == []
    body = {"patient_id": patient, "purpose": "appt_reminder"}
    answer = await ask("POST", "/comm/schedule", who=stranger, json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "patient_not_found")


async def test_a_role_without_the_scope_orders_and_recalls_nothing(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    body = {"patient_id": patient, "purpose": "appt_reminder"}
    for path in ("/comm/schedule", "/comm/jobs/1/cancel"):
        answer = await ask("POST", path, who=f"auditor@{practice.id}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_the_example_in_the_description_is_an_order_that_is_taken(
    ask: Ask, practice: Any
) -> None:
    description = (await ask("GET", "/openapi.json")).json()
    operation = description["paths"]["/comm/schedule"]["post"]
    assert {"200", "401", "403", "404", "409", "422"} <= set(operation["responses"])
    example = description["components"]["schemas"]["MessageIn"]["examples"][0]
    patient = await practice.patient()
    visit = await practice.visit(patient, datetime(2027, 3, 2, 14, 30, tzinfo=UTC))
    admitted = await schedule(ask, **example | {"patient_id": patient, "appointment_id": visit})
    assert admitted["status"] == "scheduled"
