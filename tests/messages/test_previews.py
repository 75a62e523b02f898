"""A text with a real patient's data: shown, recorded, never sent."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.http_client import serving

from handbell.messages.previews.router import preview_router
from handbell.messages.previews.service import PreviewService
from handbell.platform.clock import FrozenClock
from handbell.templates.service import TemplateService

VISIT = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)


@pytest.mark.requirement("R2.2", "R7.6")
async def test_a_preview_is_what_the_patient_would_read_and_the_read_is_recorded(
    practice: Any, clock: FrozenClock, other_organization: int
) -> None:
    patient = await practice.patient()
    visit = await practice.visit(patient, VISIT)
    templates = TemplateService(practice.db, practice.audit)
    previews = PreviewService(
        practice.db, practice.keys, practice.audit, templates, public_url="https://m.example.org"
    )
    ids = {
        row.channel: row.id
        for row in await practice.rows(
            "SELECT id, channel FROM templates WHERE purpose = 'appt_reminder' AND language = 'en'"
        )
    }
    url = "/comm/templates/{}/preview"
    async with serving(preview_router(previews, clock), clock) as client:

        async def ask(template_id: int, who: str, **body: Any) -> Any:
            headers = {"authorization": f"Bearer {who}"}
            return await client.post(url.format(template_id), headers=headers, json=body)

        staff = f"staff@{practice.id}"
        text = (await ask(ids["sms"], staff, patient_id=patient, appointment_id=visit)).json()
        mail = (await ask(ids["email"], staff, patient_id=patient)).json()
        marketer = await ask(ids["sms"], f"marketing@{practice.id}", patient_id=patient)
        stranger = await ask(ids["sms"], f"staff@{other_organization}", patient_id=patient)
        nobody = await ask(ids["sms"], staff, patient_id=patient, appointment_id=visit + 1)
        unknown = await ask(ids["sms"], staff, patient_id=patient, variables={"x": 1})
    assert text["full"]["text"].startswith("Riverside Health: Ada, your visit is Tue, Dec 8")
    assert (text["full"]["segments"], text["full"]["cost"]) == (1, "0.0118")
    assert (text["full"]["level"], text["generic"]["level"]) == (1, 0)
    assert text["full"]["reading"]["is_easy"] is True
    assert "/l/..." in mail["full"]["html"]
    assert mail["full"]["subject"] == "Your visit on Tue, Dec 8, 9:30 AM"
    assert marketer.json()["code"] == "scope_missing"
    assert stranger.json()["code"] == "patient_not_found"
    assert nobody.json()["code"] == "appointment_not_found"
    assert unknown.status_code == 422
    read = await practice.rows(
        "SELECT actor, subject FROM audit_entries WHERE action = 'template.previewed' ORDER BY id"
    )
    assert [row.subject["template_id"] for row in read] == [ids["sms"], ids["email"]]
    assert {row.subject["patient_id"] for row in read} == {patient}
    assert await practice.value("SELECT count(*) FROM messages") == 0
