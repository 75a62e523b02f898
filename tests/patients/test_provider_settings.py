"""A clinician's settings, by the paths that the platform's client calls."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.http_client import serving

from handbell.patients.settings.providers import ProviderSettingsService
from handbell.patients.settings.router import provider_router
from handbell.platform.clock import FrozenClock

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
PATH = "/comm/settings/provider"


@pytest.mark.requirement("R1.2", "R1.3")
async def test_a_clinicians_defaults_are_read_changed_given_back_and_reach_the_patients(
    practice: Any, clock: FrozenClock, other_organization: int
) -> None:
    provider = await practice.tell("provider.settings_updated", id="d1", name="Dr. Wu")
    router = provider_router(ProviderSettingsService(practice.db, practice.audit), clock)
    async with serving(router, clock) as client:

        async def ask(method: str, path: str, who: str, **fields: Any) -> Any:
            headers = {"authorization": f"Bearer {who}"}
            body = fields if method == "PUT" else None
            return await client.request(method, path, headers=headers, json=body)

        staff, path = f"staff@{practice.id}", f"{PATH}/{provider}"
        before = (await ask("GET", path, staff)).json()
        assert before == {
            "provider_id": provider,
            "default_timezone": "America/New_York",
            "default_language": "en",
            "enable_auto_reminders": True,
            "reminder_hours_before": [24, 2],
            "reminder_when_closed": "shift",
            "signature": None,
        }
        said = {
            "default_timezone": "america/chicago",
            "reminder_hours_before": [2, 48, 2],
            "reminder_when_closed": "skip",
            "signature": "Dr. Wu and team",
        }
        changed = (await ask("PUT", path, staff, **said)).json()
        assert changed == {
            **before,
            **said,
            "default_timezone": "America/Chicago",
            "reminder_hours_before": [48, 2],
        }
        back = (await ask("PUT", path, staff, default_timezone=None)).json()
        assert back["default_timezone"] == "America/New_York"
        query = "SELECT subject FROM audit_entries WHERE action = 'provider.settings_changed'"
        entries = [row.subject for row in await practice.rows(f"{query} ORDER BY id")]
        assert [entry["fields"] for entry in entries] == [
            "default_timezone,reminder_hours_before,reminder_when_closed,signature",
            "default_timezone",
        ]
        for method, where, who, code, fields in (
            ("GET", path, f"admin@{other_organization}", "provider_not_found", {}),
            ("PUT", path, f"admin@{other_organization}", "provider_not_found", {}),
            ("GET", PATH, staff, "provider_not_found", {}),
            ("PUT", path, f"marketing@{practice.id}", "scope_missing", {}),
            ("PUT", path, staff, "invalid_preference", {"default_timezone": "Mars"}),
            ("PUT", path, staff, "invalid_setting", {"enable_auto_reminders": None}),
            ("PUT", path, staff, "invalid_request", {"reminder_hours_before": [0]}),
        ):
            assert (await ask(method, where, who, **fields)).json()["code"] == code


async def test_a_token_of_the_platform_speaks_for_its_own_clinician(practice: Any) -> None:
    service = ProviderSettingsService(practice.db, practice.audit)
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "ovhi",
        "type": "provider.settings_updated",
        "time": NOON.isoformat(),
        "data": {"id": "17", "name": "Dr. Wu"},
    }
    taken = await practice.events.take(practice.id, event, actor="tests", now=NOON)
    assert await service.own_id(practice.id, "user:17") == taken.internal_id
