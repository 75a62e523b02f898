"""Tasks for people over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.http_client import serving

from handbell.audit.service import AuditService
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.staff.router import staff_router
from handbell.staff.service import StaffService, add_task_in
from handbell.staff.types import StaffTask, TaskKind

Ask = Callable[..., Awaitable[httpx.Response]]
Add = Callable[..., Awaitable[int]]


@pytest.fixture
async def ask(
    db: Database, keys: KeyRing, clock: FrozenClock, practice: Any
) -> AsyncIterator[Ask]:
    """Ask as the practice's staff, unless told otherwise."""
    router = staff_router(StaffService(db, keys, AuditService(db, keys)), clock)
    async with serving(router, clock) as client:

        async def send(method: str, path: str, *, who: str = "") -> httpx.Response:
            bearer = who or f"staff@{practice.id}"
            return await client.request(
                method, f"/staff/tasks{path}", headers={"authorization": f"Bearer {bearer}"}
            )

        yield send


@pytest.fixture
def add(db: Database, keys: KeyRing, clock: FrozenClock, practice: Any) -> Add:
    """Leave a task to the practice."""

    async def leave(patient_id: int | None, note: str | None) -> int:
        task = StaffTask(kind=TaskKind.RESCHEDULE_WISH, patient_id=patient_id, note=note)
        async with db.transaction(practice.id) as tx:
            return await add_task_in(tx, practice.id, keys, task, now=clock.instant)

    return leave


@pytest.mark.requirement("R5.7")
async def test_open_tasks_are_listed_page_by_page_and_the_reading_is_recorded(
    ask: Ask, add: Add, practice: Any, clock: FrozenClock
) -> None:
    patient_id = await practice.patient()
    ids = [await add(patient_id, "mornings"), await add(None, None), await add(None, "evenings")]
    answer = await ask("GET", "?limit=2")
    assert answer.headers["x-total-count"] == "3"
    first, second = answer.json()
    assert first == {
        "id": ids[0],
        "kind": "reschedule_wish",
        "patient_id": patient_id,
        "appointment_id": None,
        "inbound_message_id": None,
        "note": "mornings",
        "created_at": clock.instant.isoformat().replace("+00:00", "Z"),
    }
    assert (second["id"], second["patient_id"], second["note"]) == (ids[1], None, None)
    (entry,) = await practice.rows(
        "SELECT actor, subject FROM audit_entries WHERE action = 'staff_tasks.listed'"
    )
    assert entry.actor == "key:staff"
    assert entry.subject == {"task_ids": ids[:2], "patient_ids": [patient_id]}


async def test_a_closed_task_is_gone_and_closing_it_again_changes_nothing(
    ask: Ask, add: Add, practice: Any
) -> None:
    task_id = await add(None, "later please")
    for _ in range(2):
        answer = await ask("POST", f"/{task_id}/close")
        assert (answer.status_code, answer.json()) == (200, {})
    assert (await ask("GET", "")).json() == []
    closed = await practice.rows("SELECT 1 FROM audit_entries WHERE action = 'staff_task.closed'")
    assert len(closed) == 1


async def test_another_organisation_neither_sees_nor_closes_a_task(
    ask: Ask, add: Add, other_organization: OrganizationId
) -> None:
    task_id = await add(None, None)
    stranger = f"staff@{other_organization}"
    assert (await ask("GET", "", who=stranger)).json() == []
    answer = await ask("POST", f"/{task_id}/close", who=stranger)
    assert (answer.status_code, answer.json()["code"]) == (404, "staff_task_not_found")
    assert [one["id"] for one in (await ask("GET", "")).json()] == [task_id]


@pytest.mark.parametrize("role", ["marketing", "auditor"])
async def test_patients_words_are_for_those_who_treat_them(
    ask: Ask, practice: Any, role: str
) -> None:
    for method, path in (("GET", ""), ("POST", "/1/close")):
        answer = await ask(method, path, who=f"{role}@{practice.id}")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize("path", ["/0/close", "/abc/close", "/99999999999999999999/close"])
async def test_an_id_that_cannot_be_is_refused(ask: Ask, path: str) -> None:
    answer = await ask("POST", path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
