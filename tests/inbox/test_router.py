"""The inbox over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.conftest import ENCRYPTION_KEY
from tests.http_client import serving
from tests.inbox.conftest import Desk

from handbell.inbox.live import Bell
from handbell.inbox.router import inbox_router
from handbell.inbox.service import InboxService
from handbell.platform.clock import FrozenClock
from handbell.platform.db import urls_for

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(
    inbox: InboxService, clock: FrozenClock, practice: Any, owner_url: str
) -> AsyncIterator[Ask]:
    """Ask as the practice's staff, unless told otherwise."""
    bell = Bell(urls_for(owner_url, ENCRYPTION_KEY).app)
    async with serving(inbox_router(inbox, bell, clock), clock) as client:

        async def send(
            method: str, path: str, *, who: str = "", key: str = "", mark: str = "", **more: Any
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {who or f'staff@{practice.id}'}"}
            headers |= {"idempotency-key": key} if key else {}
            headers |= {"last-event-id": mark} if mark else {}
            return await client.request(method, f"/inbox{path}", headers=headers, **more)

        yield send
    await bell.close()


@pytest.fixture
async def conversation_id(desk: Desk) -> int:
    await desk.practice.patient()
    await desk.chat.hear("Can I bring my daughter?")
    return (await desk.only()).id


@pytest.mark.requirement("R5.7", "R7.6")
async def test_it_is_listed_read_and_answered(ask: Ask, conversation_id: int) -> None:
    listed = await ask("GET", "/conversations?state=open&matched=true&assigned=false")
    assert listed.headers["x-total-count"] == "1"
    assert listed.json()[0]["id"] == conversation_id
    place = f"/conversations/{conversation_id}"
    assert (await ask("GET", place)).json()["waiting_since"] is not None
    (entry,) = (await ask("GET", f"{place}/entries")).json()
    assert entry["text"] == "Can I bring my daughter?"
    reply = {"text": "Yes, please."}
    sent = await ask("POST", f"{place}/replies", json=reply, key="k1")
    assert sent.status_code == 200
    assert (sent.json()["status"], sent.json()["wording"]) == ("scheduled", "plain")
    again = await ask("POST", f"{place}/replies", json=reply, key="k1")
    assert again.json() == sent.json()
    other = await ask("POST", f"{place}/replies", json={"text": "No."}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_it_is_noted_assigned_closed_and_opened(ask: Ask, conversation_id: int) -> None:
    place = f"/conversations/{conversation_id}"
    note = await ask("POST", f"{place}/notes", json={"text": "Ask the clinic."})
    assert note.json()["text"] == "Ask the clinic."
    assigned = await ask("PATCH", place, json={"assigned_to": "user:7"})
    assert assigned.json()["assigned_to"] == "user:7"
    closed = await ask("PATCH", place, json={"state": "closed", "assigned_to": None})
    assert (closed.json()["state"], closed.json()["assigned_to"]) == ("closed", None)
    assert (await ask("PATCH", place, json={})).status_code == 422
    assert (await ask("PATCH", place, json={"state": None})).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/entries", None),
        ("PATCH", "", {"state": "closed"}),
        ("POST", "/notes", {"text": "x"}),
        ("POST", "/replies", {"text": "x"}),
        ("POST", "/match", {"patient_id": 1}),
    ],
)
async def test_another_organisation_has_no_such_conversation(
    ask: Ask, conversation_id: int, method: str, path: str, body: dict[str, Any] | None
) -> None:
    place = f"/conversations/{conversation_id}{path}"
    answer = await ask(method, place, who="staff@999", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")


async def test_an_unknown_patient_has_no_conversation(ask: Ask, conversation_id: int) -> None:
    answer = await ask("POST", "/conversations", json={"patient_id": 999_999})
    assert (answer.status_code, answer.json()["code"]) == (404, "patient_not_found")
    assert (await ask("GET", "/conversations", who="marketing@1")).status_code == 403
    assert conversation_id


async def test_hours_are_an_administrators_to_set(ask: Ask, practice: Any) -> None:
    hours = (await ask("GET", "/hours")).json()
    assert hours["weekdays"] == [1, 2, 3, 4, 5]
    assert (await ask("PUT", "/hours", json=hours)).status_code == 403
    admin = f"admin@{practice.id}"
    kept = await ask("PUT", "/hours", who=admin, json=hours | {"weekdays": [6]})
    assert kept.json()["weekdays"] == [6]
    wrong = await ask("PUT", "/hours", who=admin, json=hours | {"timezone": "Mars/Olympus"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "time_zone_unknown")
    assert (
        await ask("PUT", "/hours", who=admin, json=hours | {"opens": "18:00"})
    ).status_code == 422


async def test_quick_replies_are_listed(ask: Ask, conversation_id: int) -> None:
    found = (await ask("GET", f"/quick-replies?conversation_id={conversation_id}")).json()
    assert {"name": "we_call_you", "language": "en", "text": "We will call you today."} in found


@pytest.mark.parametrize(
    ("mark", "who", "status"), [("nonsense", "staff@1", 422), ("1.1", "marketing@1", 403)]
)
async def test_who_may_not_watch_and_a_foreign_mark_are_refused_before_the_stream_begins(
    ask: Ask, mark: str, who: str, status: int
) -> None:
    assert (await ask("GET", "/events", who=who, mark=mark)).status_code == status
