"""An organisation's settings over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.http_client import serving

from handbell.access.types import Role
from handbell.patients.settings.router import organization_router
from handbell.patients.settings.service import SettingsService
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId
from handbell.preferences.service import PatientPreferenceService

PATH = "/comm/settings/organization"
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(practice: Any, clock: FrozenClock) -> AsyncIterator[Ask]:
    """Ask as the practice's administrator, unless told otherwise."""
    router = organization_router(SettingsService(practice.db, practice.audit), clock)
    async with serving(router, clock) as client:

        async def send(
            method: str, *, who: str = f"admin@{practice.id}", **more: Any
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {who}"}
            return await client.request(method, PATH, headers=headers, **more)

        yield send


async def test_everybody_in_the_organisation_reads_what_holds(ask: Ask, practice: Any) -> None:
    answers = [await ask("GET", who=f"{role}@{practice.id}") for role in Role]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].json() == {
        "business_name": "Riverside Health",
        "business_address": "1 Main St, Albany, NY 12207",
        "business_phone": "212-555-0100",
        "support_email": None,
        "default_timezone": "America/New_York",
        "default_language": "en",
        "enable_marketing": True,
        "marketing_consent_required": True,
        "informs_at_intake": True,
        "whatsapp_us_enabled": False,
        "sms_ceiling": 1,
        "stop_scope": "number",
        "care_per_day": 5,
        "max_segments": 3,
    }


@pytest.mark.requirement("R1.3")
async def test_what_is_said_changes_reaches_the_patients_and_is_recorded_by_name(
    ask: Ask, practice: Any
) -> None:
    patient = await practice.patient(timezone=None)
    before = (await ask("GET")).json()
    said = {
        "business_name": " Lakeside ",
        "business_phone": "(212) 555-0107",
        "support_email": "Help@Example.org",
        "default_timezone": "america/chicago",
        "default_language": "es",
        "stop_scope": "channel",
        "care_per_day": 3,
        "marketing_consent_required": True,
    }
    answer = await ask("PUT", json=said)
    assert answer.status_code == 200
    assert answer.json() == before | said | {
        "business_name": "Lakeside",
        "business_phone": "+12125550107",
        "support_email": "help@example.org",
        "default_timezone": "America/Chicago",
    }
    entries = await practice.rows(
        "SELECT actor, subject FROM audit_entries WHERE action = 'organization.settings_changed'"
    )
    assert [tuple(one) for one in entries] == [("key:admin", {"fields": ",".join(sorted(said))})]
    held = await PatientPreferenceService(practice.db).resolve(practice.id, patient)
    assert (held.timezone, held.levels["timezone"]) == ("America/Chicago", "organization")
    back = await ask("PUT", json={"default_timezone": None, "business_phone": None})
    assert back.json()["default_timezone"] == "America/New_York"
    assert back.json()["business_phone"] is None
    assert back.json()["default_language"] == "es"


async def test_the_answer_can_be_sent_back(ask: Ask) -> None:
    now = (await ask("PUT", json={"business_phone": "+12125550107"})).json()
    answer = await ask("PUT", json=now)
    assert (answer.status_code, answer.json()) == (200, now)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"marketing_consent_required": False}, "consent_is_required", None),
        ({"business_name": None}, "invalid_setting", "business_name"),
        ({"sms_ceiling": None}, "invalid_setting", "sms_ceiling"),
        ({"business_phone": "12"}, "invalid_address", "business_phone"),
        ({"support_email": "nobody"}, "invalid_address", "support_email"),
        ({"default_timezone": "Mars/Olympus"}, "invalid_preference", "default_timezone"),
        ({"default_language": "!"}, "invalid_preference", "default_language"),
        ({"business_name": "a\x00b"}, "invalid_request", None),
        ({"business_name": " "}, "invalid_request", None),
        ({"sms_ceiling": 3}, "invalid_request", None),
        ({"care_per_day": 6}, "invalid_request", None),
        ({"stop_scope": "planet"}, "invalid_request", None),
        ({"colour": "red"}, "invalid_request", None),
    ],
)
async def test_what_cannot_be_decided_is_refused_by_name_and_changes_nothing(
    ask: Ask, fields: dict[str, Any], code: str, field: str | None
) -> None:
    before = (await ask("GET")).json()
    answer = await ask("PUT", json={"max_segments": 1, **fields})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    if field is not None:
        assert answer.json()["details"]["field"] == field
    assert (await ask("GET")).json() == before


async def test_a_name_belongs_to_one_organisation_and_each_sees_its_own(
    ask: Ask, other_organization: OrganizationId
) -> None:
    answer = await ask("PUT", json={"business_name": "Hillside Clinic", "care_per_day": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "organization_name_taken")
    theirs = (await ask("GET", who=f"admin@{other_organization}")).json()
    assert (theirs["business_name"], theirs["care_per_day"]) == ("Hillside Clinic", 5)
    assert (await ask("GET")).json()["care_per_day"] == 5


async def test_only_an_administrator_changes_them(ask: Ask, practice: Any) -> None:
    for role in set(Role) - {Role.ADMIN}:
        answer = await ask("PUT", who=f"{role}@{practice.id}", json={"care_per_day": 1})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
