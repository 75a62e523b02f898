"""How a patient is reached, read and changed over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.http_client import serving

from handbell.consent import service as consent
from handbell.consent.types import Decision, Kind, Method
from handbell.patients.context import PatientContextService
from handbell.patients.router import patients_router
from handbell.patients.service import PatientService
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(practice: Any, clock: FrozenClock) -> AsyncIterator[Ask]:
    """Ask as staff of the practice, unless told otherwise."""
    patients = PatientService(practice.db, practice.keys, InferredWhereabouts())
    contexts = PatientContextService(practice.db, practice.keys, patients, practice.audit)
    router = patients_router(contexts, practice.messages, clock)
    async with serving(router, clock) as client:

        async def send(
            method: str, path: str, *, who: str = f"staff@{practice.id}", **more: Any
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {who}"}
            return await client.request(method, path, headers=headers, **more)

        yield send


async def put(ask: Ask, patient_id: int, /, **fields: Any) -> Any:
    answer = await ask("PUT", f"/patients/{patient_id}/comm-preferences", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def audited(practice: Any, action: str) -> list[Any]:
    query = "SELECT actor, subject FROM audit_entries WHERE action = :action ORDER BY id"
    return [tuple(row) for row in await practice.rows(query, action=action)]


@pytest.mark.requirement("R1.3", "R7.6")
async def test_the_context_has_the_clients_shape_and_the_read_is_recorded(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"), ("email", "Ada@Example.org"))
    answer = await ask("GET", f"/patients/{patient}/comm-context")
    assert answer.status_code == 200
    context = answer.json()
    levels = context.pop("levels")
    assert context == {
        "preferences": {
            "timezone": "America/New_York",
            "language": "en",
            "quiet_hours": {"start": "22:00:00", "end": "08:00:00"},
            "work_hours": {"start": "09:00:00", "end": "17:00:00"},
            "channels": {
                "email": {
                    "enabled": True,
                    "address": "ada@example.org",
                    "marketing_opt_in": False,
                },
                "sms": {"enabled": True, "number": "+12125550123", "marketing_opt_in": False},
                "whatsapp": {"enabled": False, "number": None, "marketing_opt_in": False},
            },
            "best_hour": None,
        },
        "segments": [],
        "recent_activity": {
            "last_sent": None,
            "last_opened": None,
            "last_replied": None,
            "fatigue_score": None,
        },
    }
    assert (levels["timezone"], levels["language"]) == ("patient", "global")
    read = ("key:staff", {"patient_ids": [patient]})
    assert await audited(practice, "patients.context_read") == [read]


@pytest.mark.requirement("R1.3")
async def test_some_fields_are_changed_the_rest_stays_inherited_and_null_gives_back(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    sent = {"language": "ES-mx", "best_hour": 18, "quiet_start": "21:30", "quiet_end": "07:00:00"}
    held = await put(ask, patient, **sent)
    assert (held["id"], held["patient_id"]) == (patient, patient)
    assert (held["language"], held["best_hour"], held["quiet_start"]) == ("es-MX", 18, "21:30:00")
    assert held["sms_number"] == "+12125550123"
    again = await put(ask, patient, id=9, patient_id="x", language=None, pause_until=None)
    assert (again["language"], again["best_hour"]) == ("en", 18)
    same = await ask("GET", f"/patients/{patient}/comm-preferences")
    assert same.json() == again
    changes = await audited(practice, "preferences.changed")
    assert [subject["fields"] for _, subject in changes] == [
        "best_hour,language,quiet_end,quiet_start",
        "language,pause_until",
    ]


async def test_one_end_of_a_window_takes_the_other_from_what_holds(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    held = await put(ask, patient, quiet_start="20:00:00")
    assert (held["quiet_start"], held["quiet_end"]) == ("20:00:00", "08:00:00")
    context = (await ask("GET", f"/patients/{patient}/comm-context")).json()
    assert (context["levels"]["quiet_end"], context["levels"]["work_end"]) == ("patient", "global")


@pytest.mark.requirement("R1.3")
async def test_a_new_number_replaces_the_old_one_and_is_consent_for_care_alone(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    held = await put(ask, patient, sms_number="(303) 555-0123", marketing_opt_in_sms=True)
    assert (held["sms_number"], held["marketing_opt_in_sms"]) == ("+13035550123", True)
    points = await practice.rows(
        "SELECT p.is_current, p.zones, e.message_class, e.method, e.actor FROM contact_points p"
        " JOIN consent_entries e USING (address_id) ORDER BY p.id"
    )
    assert [tuple(row) for row in points] == [
        (False, ["America/New_York"], "care", "provided_at_registration", "tests"),
        (True, ["America/Denver"], "care", "provided_at_registration", "key:staff"),
    ]
    gone = await put(ask, patient, sms_number=" ", email_address="ada@example.org")
    assert (gone["sms_number"], gone["email_address"]) == (None, "ada@example.org")


async def test_the_address_that_is_shown_sent_back_changes_nothing(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient(("sms", "+12125550123"), ("sms", "+12125550124"))
    assert (await put(ask, patient))["sms_number"] == "+12125550124"
    await put(ask, patient, sms_number="212-555-0124")
    current = "SELECT count(*) FROM contact_points WHERE is_current"
    assert await practice.value(current) == 2
    await put(ask, patient, sms_number="212-555-0123")
    assert await practice.value(current) == 1


@pytest.mark.requirement("R7.4")
async def test_an_address_that_was_stopped_stays_stopped_when_staff_enter_it(
    ask: Ask, practice: Any, db: Any
) -> None:
    patient = await practice.patient()
    address = await practice.value("SELECT address_id FROM contact_points")
    stop = Decision(
        kind=Kind.REVOKE,
        message_class=None,
        method=Method.KEYWORD,
        source="sms",
        actor="patient",
        at=NOON - timedelta(hours=1),
    )
    async with db.transaction(practice.id) as tx:
        await consent.record(tx, practice.id, address, stop, keys=practice.keys, now=NOON)
    await put(ask, patient, sms_number=None)
    await put(ask, patient, sms_number="+12125550123")
    kinds = await practice.rows("SELECT kind FROM consent_entries ORDER BY no")
    assert [row.kind for row in kinds] == ["grant", "revoke"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "invalid_preference", "timezone"),
        ({"language": "klingon!"}, "invalid_preference", "language"),
        ({"sms_number": "12"}, "invalid_address", "sms_number"),
        ({"email_address": "ada@"}, "invalid_address", "email_address"),
        ({"quiet_start": None, "quiet_end": "08:00"}, "invalid_preference", "quiet_start"),
        ({"channel_order": ["sms", "sms"]}, "invalid_preference", "channel_order"),
        ({"quiet_start": "25:00:00"}, "invalid_request", "body.quiet_start"),
        ({"quiet_start": 3600}, "invalid_request", "body.quiet_start"),
        ({"best_hour": 24}, "invalid_request", "body.best_hour"),
        ({"pause_until": "2026-12-09T10:00:00"}, "invalid_request", "body.pause_until"),
        ({"favourite_colour": "red"}, "invalid_request", "body.favourite_colour"),
    ],
)
async def test_what_means_nothing_is_refused_by_name_and_changes_nothing(
    ask: Ask, practice: Any, fields: dict[str, Any], code: str, field: str
) -> None:
    patient = await practice.patient()
    path = f"/patients/{patient}/comm-preferences"
    answer = await ask("PUT", path, json={"best_hour": 9, **fields})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    details = problem["details"]
    assert field == (details[0]["field"] if isinstance(details, list) else details["field"])
    assert (await ask("GET", path)).json()["best_hour"] is None
    assert await audited(practice, "preferences.changed") == []


@pytest.mark.requirement("R1.2")
async def test_two_changes_at_once_lose_nothing(ask: Ask, practice: Any) -> None:
    patient = await practice.patient()
    changes: list[dict[str, Any]] = [{"best_hour": 9}, {"language": "es"}, {"allow_email": False}]
    await asyncio.gather(*(put(ask, patient, **change) for change in changes))
    held = (await ask("GET", f"/patients/{patient}/comm-preferences")).json()
    assert (held["best_hour"], held["language"], held["allow_email"]) == (9, "es", False)
    assert len(await audited(practice, "preferences.changed")) == 3


@pytest.mark.parametrize("path", ["comm-context", "comm-preferences"])
async def test_another_organisations_patient_does_not_exist(
    ask: Ask, practice: Any, other_organization: OrganizationId, path: str
) -> None:
    patient = await practice.patient()
    for url, who in ((patient, f"admin@{other_organization}"), (10**12, f"admin@{practice.id}")):
        answer = await ask("GET", f"/patients/{url}/{path}", who=who)
        assert (answer.status_code, answer.json()["code"]) == (404, "patient_not_found")
    answer = await ask(
        "PUT",
        f"/patients/{patient}/comm-preferences",
        who=f"admin@{other_organization}",
        json={"allow_sms": False},
    )
    assert answer.status_code == 404
    assert (await ask("GET", f"/patients/{2**70}/{path}")).status_code == 422
    assert await audited(practice, "patients.context_read") == []


async def test_a_role_without_the_scope_may_neither_read_nor_write(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient()
    for method, path in (("GET", "comm-context"), ("PUT", "comm-preferences")):
        url, who = f"/patients/{patient}/{path}", f"marketing@{practice.id}"
        answer = await ask(method, url, who=who, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
