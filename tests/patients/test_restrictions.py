"""What a patient forbade is never used, whoever orders and whatever for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.http_client import serving

from handbell.messages.types import Reason, SendOrder
from handbell.patients.restrictions.router import restrictions_router
from handbell.patients.restrictions.service import RestrictionService
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(practice: Any, clock: FrozenClock) -> AsyncIterator[Ask]:
    service = RestrictionService(practice.db, practice.keys, practice.audit)
    async with serving(restrictions_router(service, clock), clock) as client:

        async def send(
            method: str, path: str, *, who: str = f"staff@{practice.id}", **more: Any
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {who}"}
            return await client.request(method, path, headers=headers, **more)

        yield send


@pytest.mark.requirement("R1.3", "R7.6")
async def test_a_restricted_way_is_refused_until_staff_lift_it_and_another_is_taken(
    ask: Ask, practice: Any, other_organization: int
) -> None:
    patient = await practice.patient(("sms", "+12125550123"), ("email", "ada@example.org"))
    path = f"/patients/{patient}/restrictions"

    async def admitted(
        key: str, channel: Channel | None = None, purpose: Purpose = Purpose.URGENT
    ) -> Any:
        order = SendOrder(
            patient_id=patient,
            purpose=purpose,
            anchor=At(NOON),
            order_key=key,
            ordered_by="tests",
            channel=channel,
        )
        return await practice.messages.admit(practice.id, order, now=NOON)

    made = await ask("POST", path, json={"channel": "whatsapp", "address": "(212) 555-0123"})
    assert [(one["channel"], one["address"]) for one in made.json()] == [
        ("sms", "+12125550123"),
        ("whatsapp", "+12125550123"),
    ]
    again = await ask("POST", path, json={"channel": "sms", "address": "+12125550123"})
    assert again.json() == made.json()

    assert (await admitted("a", purpose=Purpose.APPT_REMINDER)).channel is Channel.EMAIL
    urgent = await admitted("b", Channel.SMS)
    assert Reason.CHANNEL_RESTRICTED in urgent.reasons
    assert (await ask("POST", path, json={"channel": "email"})).status_code == 200
    assert Reason.CHANNEL_RESTRICTED in (await admitted("c", Channel.EMAIL)).reasons

    for who, code in (
        (f"integration@{practice.id}", "scope_missing"),
        (f"staff@{other_organization}", "patient_not_found"),
    ):
        refused = await ask("POST", path, who=who, json={"channel": "email"})
        assert refused.json()["code"] == code
    wrong = await ask("POST", path, json={"channel": "email", "address": "12"})
    assert wrong.json()["code"] == "invalid_address"

    for one in made.json():
        assert (await ask("DELETE", f"{path}/{one['id']}")).status_code == 200
    assert (await ask("DELETE", f"{path}/{made.json()[0]['id']}")).status_code == 200
    assert (await ask("DELETE", f"{path}/99")).json()["code"] == "restriction_not_found"
    back = await admitted("d", Channel.SMS, Purpose.APPT_REMINDER)
    assert (back.lifecycle, back.channel) == ("scheduled", Channel.SMS)
    listed = await ask("GET", path, params={"limit": 2})
    assert listed.headers["x-total-count"] == "3"
    assert [one["lifted_by"] for one in listed.json()] == [None, "key:staff"]
    actions = await practice.rows(
        "SELECT action FROM audit_entries WHERE action LIKE 'restriction%' ORDER BY id"
    )
    assert [row.action for row in actions] == [
        *["restriction.set"] * 3,
        *["restriction.lifted"] * 2,
        "restrictions.read",
    ]
