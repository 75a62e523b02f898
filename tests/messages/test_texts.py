"""Which text a message gets: language, owner, version, and what Meta allows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handbell.messages.types import Lifecycle, Reason, SendOrder
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At
from handbell.templates.approvals.service import ApprovalService
from handbell.templates.approvals.types import Approval, ApprovalState
from handbell.templates.service import Change, TemplateService, Writer
from handbell.templates.types import Template, TemplateBody, TemplatePair

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VISIT = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)
OURS = "{{ organization_name }}: see you {{ appt_date }}. Reply C to confirm, STOP to end."


class Author:
    """Writes templates of the practice and orders reminders."""

    def __init__(self, practice: Any) -> None:
        self.practice = practice
        self.templates = TemplateService(practice.db, practice.audit)
        self.who = Writer(organization_id=practice.id, actor="tests", now=NOON)
        self.orders = 0

    async def publish(self, body: str = OURS, **more: Any) -> Template:
        place: dict[str, Any] = {
            "purpose": Purpose.APPT_REMINDER,
            "channel": Channel.SMS,
            "language": "en",
        }
        full = TemplateBody(**place, body=body)
        template = Template(
            **{
                "id": 0,
                "organization_id": self.practice.id,
                "provider_id": None,
                "name": "ours",
                "is_default": True,
                "draft": TemplatePair(full=full),
                "version": None,
                "created_at": NOON,
                **place,
                **more,
            }
        )
        return await self.templates.create(self.who, template, accept=())

    async def order(self, patient: int, visit: int, **more: Any) -> Any:
        self.orders += 1
        order = SendOrder(
            patient_id=patient,
            purpose=Purpose.APPT_REMINDER,
            anchor=At(NOON + timedelta(days=1), VISIT),
            order_key=f"key {self.orders}",
            ordered_by="tests",
            serves_at=VISIT,
            appointment_id=visit,
            appointment_version=1,
            **more,
        )
        return await self.practice.messages.admit(self.practice.id, order, now=NOON)

    async def text(self, message_id: int) -> str:
        job = await self.practice.messages.get(self.practice.id, message_id)
        return str(job.body)


@pytest.fixture
def author(practice: Any) -> Author:
    return Author(practice)


@pytest.mark.requirement("R2.5")
@pytest.mark.parametrize(
    ("patients", "organizations", "begins"),
    [
        ("es-MX", None, "Riverside Health: Ada, su cita"),
        ("hi", None, "Riverside Health: Ada जी"),
        ("fr", "es", "Riverside Health: Ada, su cita"),
        ("fr-CA", "de", "Riverside Health: Ada, your visit"),
        ("es", "hi", "Riverside Health: Ada, su cita"),
    ],
)
async def test_the_language_falls_back_to_base_then_organisation_then_english(
    author: Author, patients: str, organizations: str | None, begins: str
) -> None:
    practice = author.practice
    if organizations is not None:
        await practice.execute(
            "INSERT INTO preference_settings (level, level_id, organization_id, language, version,"
            " changed_at, changed_by) VALUES ('organization', :id, :id, :language, 1, :at, 't')"
            " ON CONFLICT (organization_id, level, level_id) DO UPDATE SET language = :language",
            id=practice.id,
            language=organizations,
            at=NOON,
        )
    patient = await practice.patient(language=patients)
    admitted = await author.order(patient, await practice.visit(patient, VISIT))
    assert (await author.text(admitted.message_id)).startswith(begins)


async def test_a_clinicians_text_stands_before_the_organisations_and_that_before_the_librarys(
    author: Author,
) -> None:
    practice = author.practice
    doctor = await practice.tell("provider.settings_updated", id="d", name="Dr. Sam Doe")
    patient = await practice.patient(provider_id="d")
    visit = await practice.visit(patient, VISIT, provider_id="d")
    other = await practice.patient(("sms", "+13125550123"))
    others_visit = await practice.visit(other, VISIT)

    async def said(one: int, about: int) -> str:
        return await author.text((await author.order(one, about)).message_id)

    assert "your visit is" in await said(patient, visit)
    await author.publish()
    assert "see you" in await said(patient, visit)
    own = await author.publish(OURS.replace("see you", "we meet"), provider_id=doctor)
    assert "we meet" in await said(patient, visit)
    assert "see you" in await said(other, others_visit)
    await author.templates.archive(author.who, own.id)
    assert "see you" in await said(patient, visit)


async def test_a_planned_message_keeps_its_version_and_the_next_one_gets_the_newest(
    author: Author,
) -> None:
    patient = await author.practice.patient()
    visit = await author.practice.visit(patient, VISIT)
    template = await author.publish()
    first = await author.order(patient, visit)
    body = replace(template.pair.full, body=OURS.replace("see you", "we meet"))
    change = Change(pair=TemplatePair(full=body))
    await author.templates.edit(author.who, template.id, change)
    assert "see you" in await author.text((await author.order(patient, visit)).message_id)
    await author.templates.publish(author.who, template.id)
    second = await author.order(patient, visit)
    await author.templates.archive(author.who, template.id)
    third = await author.order(patient, visit)
    texts = [await author.text(one.message_id) for one in (first, second, third)]
    said = ("see you", "we meet", "your visit is")
    assert all(words in text for words, text in zip(said, texts, strict=True)), texts


async def test_a_text_that_is_no_default_is_used_only_where_an_order_names_it(
    author: Author,
) -> None:
    patient = await author.practice.patient()
    visit = await author.practice.visit(patient, VISIT)
    await author.publish()
    variant = await author.publish(OURS.replace("see you", "we meet"))
    assert "see you" in await author.text((await author.order(patient, visit)).message_id)
    named = await author.order(patient, visit, template_id=variant.id)
    assert "we meet" in await author.text(named.message_id)
    await author.templates.edit(author.who, variant.id, Change(is_default=True))
    assert "we meet" in await author.text((await author.order(patient, visit)).message_id)


@pytest.mark.requirement("R2.1")
@pytest.mark.parametrize("state", [state for state in ApprovalState if state != "approved"])
async def test_a_template_that_meta_has_not_approved_is_refused(
    author: Author, state: ApprovalState
) -> None:
    practice = author.practice
    patient = await practice.patient(("whatsapp", "+447700900123"))
    await practice.execute("UPDATE preference_settings SET allow_whatsapp = true")
    visit = await practice.visit(patient, VISIT)
    taken = await author.order(patient, visit, channel=Channel.WHATSAPP)
    assert taken.lifecycle is Lifecycle.SCHEDULED
    told = Approval(
        name="appt_reminder", language="en_US", state=state, changed_at=NOON, changed_by="tests"
    )
    await ApprovalService(practice.db, practice.audit).record(practice.id, told)
    refused = await author.order(patient, visit, channel=Channel.WHATSAPP)
    assert refused.reasons == (Reason.TEMPLATE_NOT_APPROVED,)
