"""Blackouts over HTTP, in the audit log, and at the gate."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.http_client import serving

from handbell.audit.service import AuditService
from handbell.messages.types import Lifecycle, Reason, SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.blackouts.errors import BlackoutNotFound
from handbell.scheduling.blackouts.router import blackouts_router
from handbell.scheduling.blackouts.service import BlackoutService
from handbell.scheduling.blackouts.types import BlackoutDraft
from handbell.scheduling.types import At

Ask = Callable[..., Awaitable[httpx.Response]]
NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
STORM: dict[str, Any] = {
    "starts_at": "2026-12-01T11:00:00-05:00",
    "ends_at": "2026-12-02T11:00:00-05:00",
    "reason": "A snow storm.",
}


@pytest.fixture
def blackouts(db: Database, keys: KeyRing) -> BlackoutService:
    return BlackoutService(db, AuditService(db, keys))


@pytest.fixture
async def ask(blackouts: BlackoutService, clock: FrozenClock, practice: Any) -> AsyncIterator[Ask]:
    """Ask as the practice's administrator, unless told otherwise."""
    async with serving(blackouts_router(blackouts, clock), clock) as client:

        async def send(method: str, path: str = "", *, who: str = "", **more: Any) -> Any:
            bearer = {"authorization": f"Bearer {who or f'admin@{practice.id}'}"}
            return await client.request(method, f"/blackouts{path}", headers=bearer, **more)

        yield send


def everywhere() -> BlackoutDraft:
    return BlackoutDraft(
        starts_at=NOON - timedelta(hours=1), ends_at=NOON + timedelta(hours=1), reason="a test"
    )


async def test_a_blackout_is_entered_read_changed_and_removed_and_each_change_is_recorded(
    ask: Ask, practice: Any, clock: FrozenClock
) -> None:
    entered = await ask("POST", json=STORM | {"state": "NY", "channel": "sms"})
    assert entered.status_code == 201
    shown = entered.json()
    at = clock.instant.isoformat().replace("+00:00", "Z")
    assert shown == {
        "id": shown["id"],
        "starts_at": "2026-12-01T16:00:00Z",
        "ends_at": "2026-12-02T16:00:00Z",
        "state": "NY",
        "country": None,
        "channel": "sms",
        "message_class": None,
        "reason": "A snow storm.",
        "is_everywhere": False,
        "entered_by": "key:admin",
        "entered_at": at,
        "changed_at": at,
    }
    path = f"/{shown['id']}"
    assert (await ask("GET", path)).json() == shown
    changed = (await ask("PUT", path, json=STORM | {"message_class": "care"})).json()
    assert (changed["state"], changed["channel"], changed["message_class"]) == (None, None, "care")
    assert (await ask("GET")).json() == [changed]
    assert (await ask("DELETE", path)).status_code == 204
    for method in ("GET", "DELETE"):
        gone = await ask(method, path)
        assert (gone.status_code, gone.json()["code"]) == (404, "blackout_not_found")
    rows = await practice.rows(
        "SELECT action, subject FROM audit_entries WHERE action LIKE 'blackout.%' ORDER BY id"
    )
    verdicts = ["blackout.entered", "blackout.changed", "blackout.removed"]
    assert [row.action for row in rows] == verdicts
    assert rows[0].subject == {
        "blackout_id": shown["id"],
        "starts_at": "2026-12-01T16:00:00+00:00",
        "ends_at": "2026-12-02T16:00:00+00:00",
        "state": "NY",
        "channel": "sms",
    }


async def test_the_list_is_paged_with_the_latest_first(ask: Ask) -> None:
    for day in ("02", "01", "03"):
        body = STORM | {"starts_at": f"2026-11-{day}T00:00:00Z"}
        assert (await ask("POST", json=body)).status_code == 201
    answer = await ask("GET", "?limit=2")
    assert answer.headers["x-total-count"] == "3"
    assert [one["starts_at"][8:10] for one in answer.json()] == ["03", "02"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ends_at": STORM["starts_at"]}, "invalid_blackout"),
        ({"state": "ZZ"}, "invalid_blackout"),
        ({"state": "NY", "country": "FR"}, "invalid_blackout"),
        ({"state": "ny"}, "invalid_request"),
        ({"starts_at": "2026-12-01T11:00:00"}, "invalid_request"),
        ({"message_class": "emergency"}, "invalid_request"),
        ({"reason": " "}, "invalid_request"),
        ({"unheard_of": 1}, "invalid_request"),
    ],
)
async def test_what_means_nothing_is_refused(ask: Ask, wrong: dict[str, Any], code: str) -> None:
    answer = await ask("POST", json=STORM | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await ask("GET")).json() == []


async def test_only_administrators_change_and_only_their_own(
    ask: Ask, practice: Any, other_organization: OrganizationId
) -> None:
    entered = (await ask("POST", json=STORM)).json()
    staff, stranger = f"staff@{practice.id}", f"admin@{other_organization}"
    assert (await ask("GET", who=staff)).json() == [entered]
    path = f"/{entered['id']}"
    for method, where in (("POST", ""), ("PUT", path), ("DELETE", path)):
        answer = await ask(method, where, who=staff, json=STORM)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert (await ask("GET", who=stranger)).json() == []
    for method in ("GET", "PUT", "DELETE"):
        answer = await ask(method, path, who=stranger, json=STORM)
        assert (answer.status_code, answer.json()["code"]) == (404, "blackout_not_found")


async def test_one_of_the_installation_holds_for_all_and_only_its_operator_removes_it(
    ask: Ask,
    blackouts: BlackoutService,
    practice: Any,
    other_organization: OrganizationId,
) -> None:
    view = await blackouts.enter_everywhere(everywhere(), actor="operator", now=NOON)
    path = f"/{view.blackout.id}"
    for who in (f"admin@{practice.id}", f"admin@{other_organization}"):
        assert [one["is_everywhere"] for one in (await ask("GET", who=who)).json()] == [True]
        for method in ("PUT", "DELETE"):
            answer = await ask(method, path, who=who, json=STORM)
            assert (answer.status_code, answer.json()["code"]) == (
                403,
                "blackout_holds_everywhere",
            )
    own = (await ask("POST", json=STORM)).json()["id"]
    with pytest.raises(BlackoutNotFound):
        await blackouts.remove_everywhere(own, actor="operator", now=NOON)
    await blackouts.remove_everywhere(view.blackout.id, actor="operator", now=NOON)
    told = await practice.rows(
        "SELECT organization_id, action FROM audit_entries WHERE actor = 'operator' ORDER BY id"
    )
    everybody = (practice.id, other_organization)
    verdicts = ("blackout.entered", "blackout.removed")
    assert told == [(one, verdict) for verdict in verdicts for one in everybody]


@pytest.mark.requirement("R3.4")
async def test_the_gate_waits_for_its_end_and_the_receipt_shows_it(
    ask: Ask, practice: Any
) -> None:
    entered = (await ask("POST", json=STORM)).json()
    order = SendOrder(
        patient_id=await practice.patient(),
        purpose=Purpose.APPT_REMINDER,
        anchor=At(NOON),
        order_key="in the storm",
        ordered_by="tests",
    )
    admitted = await practice.messages.admit(practice.id, order, now=NOON)
    assert admitted.lifecycle is Lifecycle.SCHEDULED
    assert admitted.scheduled_at == datetime(2026, 12, 2, 16, tzinfo=UTC)
    assert admitted.reasons == (Reason.BLACKOUT,)
    told = await practice.messages.explain(practice.id, admitted.message_id)
    (shown,) = told["window"]["blackouts"]
    assert (shown["id"], shown["ends_at"]) == (entered["id"], "2026-12-02T16:00:00+00:00")
    assert "a blackout holds" in told["summary"]


async def test_one_that_is_over_or_is_another_organisations_holds_nothing_back(
    ask: Ask, practice: Any, other_organization: OrganizationId
) -> None:
    over = STORM | {"ends_at": NOON.isoformat()}
    assert (await ask("POST", json=over)).status_code == 201
    stranger = f"admin@{other_organization}"
    assert (await ask("POST", json=STORM, who=stranger)).status_code == 201
    order = SendOrder(
        patient_id=await practice.patient(),
        purpose=Purpose.APPT_REMINDER,
        anchor=At(NOON),
        order_key="in the sun",
        ordered_by="tests",
    )
    admitted = await practice.messages.admit(practice.id, order, now=NOON)
    assert (admitted.scheduled_at, admitted.reasons) == (NOON, ())
    told = await practice.messages.explain(practice.id, admitted.message_id)
    assert told["window"]["blackouts"] == []
