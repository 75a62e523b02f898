"""The four levels over HTTP: what is said, what holds, from where, and what was replaced."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.http_client import serving

from handbell.messages.types import Reason, SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import Purpose
from handbell.preferences.levels import LevelService
from handbell.preferences.router import levels_router
from handbell.scheduling.types import At

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(practice: Any, clock: FrozenClock) -> AsyncIterator[Ask]:
    router = levels_router(LevelService(practice.db, practice.audit), clock)
    async with serving(router, clock) as client:

        async def send(
            method: str, path: str, *, who: str = f"admin@{practice.id}", **more: Any
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {who}"}
            return await client.request(method, path, headers=headers, **more)

        yield send


async def said(ask: Ask, method: str, path: str, /, **fields: Any) -> Any:
    answer = await ask(method, path, **({"json": fields} if method == "PUT" else {}))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def a_patient_with_a_provider(practice: Any) -> tuple[str, str]:
    """The paths of a patient's level and of their provider's."""
    provider = await practice.tell("provider.settings_updated", id="d1", name="Dr. Wu")
    patient = await practice.patient(provider_id="d1", timezone=None)
    return f"/patients/{patient}/preferences", f"/comm/preferences/providers/{provider}"


@pytest.mark.requirement("R1.2", "R1.3")
async def test_each_level_is_written_read_and_given_back_and_the_answer_says_from_where(
    ask: Ask, practice: Any
) -> None:
    patient, provider = await a_patient_with_a_provider(practice)
    await said(ask, "PUT", "/comm/preferences/global", best_hour=10, reading_level=8)
    await said(ask, "PUT", "/comm/preferences/organization", language="ES_mx", work_start="08:00")
    await said(ask, "PUT", provider, timezone="america/chicago", best_hour=11)
    own = await said(ask, "PUT", patient, choices={"rx_refill": {"enabled": False}})
    assert own["said"]["choices"] == {"rx_refill": {"enabled": False, "channels": None}}
    assert own["said"]["timezone"] is None
    held, levels = own["held"], own["levels"]
    assert (held["best_hour"], levels["best_hour"]) == (11, "provider")
    assert (held["timezone"], levels["timezone"]) == ("America/Chicago", "provider")
    assert (held["language"], levels["language"]) == ("es-MX", "organization")
    assert (held["reading_level"], levels["reading_level"]) == (8, "global")
    assert (held["work_start"], held["work_end"]) == ("08:00:00", "17:00:00")
    assert levels["choices.rx_refill"] == "patient"

    shown = await said(ask, "GET", provider)
    assert shown["said"]["language"] is None
    assert (shown["held"]["language"], shown["levels"]["language"]) == ("es-MX", "organization")
    given_back = (await said(ask, "DELETE", provider))["said"]
    assert given_back.pop("choices") == {}
    assert set(given_back.values()) == {None}
    after = await said(ask, "GET", patient)
    assert (after["held"]["best_hour"], after["levels"]["best_hour"]) == (10, "global")
    await said(ask, "PUT", patient, choices={"rx_refill": None})
    assert (await said(ask, "GET", patient))["held"]["choices"] == {}


@pytest.mark.requirement("R1.2", "R7.6")
async def test_of_two_writes_at_once_the_later_stands_and_both_are_in_the_audit(
    ask: Ask, practice: Any
) -> None:
    patient, _ = await a_patient_with_a_provider(practice)
    await asyncio.gather(*(said(ask, "PUT", patient, best_hour=hour) for hour in (9, 14)))
    changes = await said(ask, "GET", f"{patient}/changes")
    newest, older = changes
    assert newest["old"] == older["new"]
    assert older["old"] == {"best_hour": None}
    assert {older["new"]["best_hour"], newest["new"]["best_hour"]} == {9, 14}
    assert (await said(ask, "GET", patient))["held"]["best_hour"] == newest["new"]["best_hour"]
    assert newest["version"] == older["version"] + 1
    audited = await practice.rows(
        "SELECT actor, subject FROM audit_entries WHERE action = 'preferences.changed' ORDER BY id"
    )
    kept = [(row.subject["change_id"], row.subject["sha256"]) for row in audited]
    assert kept == [(one["id"], one["sha256"]) for one in (older, newest)]
    assert {row.actor for row in audited} == {"key:admin"}
    await said(ask, "PUT", patient, best_hour=newest["new"]["best_hour"])
    assert len(await said(ask, "GET", f"{patient}/changes")) == 2
    reads = "SELECT count(*) FROM audit_entries WHERE action = 'preferences.read'"
    assert await practice.value(reads) == 3


async def test_who_may_change_what(ask: Ask, practice: Any, other_organization: int) -> None:
    patient, provider = await a_patient_with_a_provider(practice)
    stranger, staff = f"admin@{other_organization}", f"staff@{practice.id}"
    hers = {"json": {"best_hour": 9}}
    for method, path, who, code in (
        ("PUT", "/comm/preferences/global", stranger, "not_for_this_organization"),
        ("DELETE", "/comm/preferences/global", stranger, "not_for_this_organization"),
        ("PUT", "/comm/preferences/organization", staff, "scope_missing"),
        ("PUT", provider, f"integration@{practice.id}", "scope_missing"),
        ("PUT", patient, f"marketing@{practice.id}", "scope_missing"),
        ("GET", provider, stranger, "provider_not_found"),
        ("PUT", provider, stranger, "provider_not_found"),
        ("PUT", patient, stranger, "patient_not_found"),
        ("GET", f"{patient}/changes", stranger, "patient_not_found"),
    ):
        more = hers if method == "PUT" else {}
        assert (await ask(method, path, who=who, **more)).json()["code"] == code, path
    assert (await ask("PUT", provider, who=staff, **hers)).status_code == 200
    wish = await ask("PUT", provider, json={"marketing_opt_in_sms": True})
    assert (wish.status_code, wish.json()["details"]) == (422, {"field": "marketing_opt_in_sms"})


@pytest.mark.requirement("R1.3")
async def test_a_purpose_that_is_switched_off_is_refused_on_its_channels(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient(("sms", "+12125550123"), ("email", "ada@example.org"))
    path = f"/patients/{patient}/preferences"

    async def admitted(key: str, purpose: Purpose = Purpose.APPT_REMINDER) -> Any:
        order = SendOrder(
            patient_id=patient,
            purpose=purpose,
            anchor=At(NOON),
            order_key=key,
            ordered_by="tests",
        )
        return await practice.messages.admit(practice.id, order, now=NOON)

    await said(ask, "PUT", path, choices={"appt_reminder": {"channels": ["email"]}})
    assert (await admitted("a")).channel == "email"
    await said(ask, "PUT", path, choices={"appt_reminder": {"enabled": False}})
    refused = await admitted("b")
    assert (refused.lifecycle, refused.reasons) == ("refused", (Reason.CATEGORY_OFF,))
    told = await practice.messages.explain(practice.id, refused.message_id)
    assert told["summary"] == (
        "It will not be sent: the patient does not want messages of this kind on this channel."
    )
    assert told["replayed_refusals"] == ["category_off"]
    assert (await admitted("c", Purpose.APPT_CONFIRM)).lifecycle == "scheduled"
