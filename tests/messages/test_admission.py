"""Orders become messages, or refusals with every reason; the order key decides once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handbell.messages.errors import MessageAlreadyLeft, MessageNotFound
from handbell.messages.types import Lifecycle, MessageFilter, Reason, SendOrder
from handbell.platform.vocabulary import Channel, Purpose
from handbell.preferences.errors import PatientNotFound
from handbell.scheduling.types import At

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VISIT = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)


def order(patient_id: int, **more: Any) -> SendOrder:
    told: dict[str, Any] = {
        "purpose": Purpose.APPT_REMINDER,
        "anchor": At(NOON, VISIT),
        "order_key": "the key",
        "ordered_by": "tests",
        "serves_at": VISIT,
    }
    return SendOrder(patient_id=patient_id, **(told | more))


async def test_a_reminder_is_planned_and_shows_its_text(practice: Any) -> None:
    patient = await practice.patient()
    visit = await practice.visit(patient, VISIT)
    about = {"appointment_id": visit, "appointment_version": 1}
    admitted = await practice.messages.admit(practice.id, order(patient, **about), now=NOON)
    assert (admitted.lifecycle, admitted.channel) == (Lifecycle.SCHEDULED, Channel.SMS)
    job = await practice.messages.get(practice.id, admitted.message_id)
    assert job.recipient == "+12125550123"
    assert job.body.startswith("Riverside Health: Ada, your visit is Tue, Dec 8, 9:30 AM.")


@pytest.mark.requirement("R3.3", "R3.4")
async def test_at_night_it_waits_for_the_patients_morning(practice: Any) -> None:
    patient = await practice.patient()
    night = datetime(2026, 12, 2, 5, 0, tzinfo=UTC)
    admitted = await practice.messages.admit(
        practice.id, order(patient, anchor=At(night, VISIT)), now=night
    )
    assert admitted.scheduled_at == datetime(2026, 12, 2, 13, 0, tzinfo=UTC)
    assert Reason.OUTSIDE_WINDOW in admitted.reasons


async def test_the_first_channel_that_is_not_refused_is_taken(practice: Any) -> None:
    patient = await practice.patient(("email", "ada@example.org"))
    admitted = await practice.messages.admit(practice.id, order(patient), now=NOON)
    assert (admitted.lifecycle, admitted.channel) == (Lifecycle.SCHEDULED, Channel.EMAIL)


async def test_where_every_channel_is_refused_one_that_the_patient_has_says_why(
    practice: Any,
) -> None:
    patient = await practice.patient(("whatsapp", "+12125550123"))
    admitted = await practice.messages.admit(practice.id, order(patient), now=NOON)
    assert (admitted.lifecycle, admitted.channel) == (Lifecycle.REFUSED, Channel.WHATSAPP)
    assert admitted.reasons[0] is Reason.CHANNEL_NOT_ALLOWED
    assert Reason.NO_ADDRESS not in admitted.reasons


async def test_a_channel_that_the_patients_order_leaves_out_can_say_why_too(practice: Any) -> None:
    patient = await practice.patient(("whatsapp", "+12125550123"))
    await practice.execute("UPDATE preference_settings SET channel_order = '{sms}'")
    admitted = await practice.messages.admit(practice.id, order(patient), now=NOON)
    assert (admitted.lifecycle, admitted.channel) == (Lifecycle.REFUSED, Channel.WHATSAPP)


async def test_a_refusal_is_stored_and_explained(practice: Any) -> None:
    patient = await practice.patient(("landline", "+12125550123"))
    admitted = await practice.messages.admit(practice.id, order(patient), now=NOON)
    assert admitted.lifecycle is Lifecycle.REFUSED
    assert Reason.NO_ADDRESS in admitted.reasons
    told = await practice.messages.explain(practice.id, admitted.message_id)
    assert "there is no address on this channel" in told["summary"]
    assert told["replayed_refusals"] == [str(reason) for reason in admitted.reasons]
    actions = await practice.rows("SELECT action FROM audit_entries WHERE actor = 'tests'")
    assert ("message.refused",) in actions


async def test_a_repeated_key_gives_the_first_admission(practice: Any) -> None:
    patient = await practice.patient()
    many = [practice.messages.admit(practice.id, order(patient), now=NOON) for _ in range(12)]
    admitted = await asyncio.gather(*many)
    assert len({one.message_id for one in admitted}) == 1
    assert await practice.value("SELECT count(*) FROM messages") == 1


@pytest.mark.requirement("R2.3")
async def test_on_a_shared_number_the_generic_text_stands(practice: Any) -> None:
    ada, _ben = await practice.patient(), await practice.patient(first_name="Ben")
    admitted = await practice.messages.admit(practice.id, order(ada), now=NOON)
    assert admitted.lifecycle is Lifecycle.SCHEDULED
    told = await practice.messages.explain(practice.id, admitted.message_id)
    assert told["eligibility"]["template"]["ceiling"] == 0
    job = await practice.messages.get(practice.id, admitted.message_id)
    assert "secure message" in job.body
    assert "Ada" not in job.body


async def test_a_moved_visit_refuses_what_was_said_about_the_old_one(practice: Any) -> None:
    patient = await practice.patient()
    visit = await practice.visit(patient, VISIT, id="a")
    later = NOON + timedelta(minutes=1)
    moved = VISIT + timedelta(days=1)
    await practice.visit(patient, moved, id="a", kind="appointment.rescheduled", now=later)
    about = {"appointment_id": visit, "appointment_version": 1}
    admitted = await practice.messages.admit(practice.id, order(patient, **about), now=later)
    assert Reason.SUPERSEDED in admitted.reasons


async def test_an_organisation_without_an_account_sends_nothing(
    practice: Any, other_organization: Any
) -> None:
    await practice.execute(
        "UPDATE provider_accounts SET organization_id = :id", id=other_organization
    )
    patient = await practice.patient()
    admitted = await practice.messages.admit(practice.id, order(patient), now=NOON)
    assert Reason.NO_SENDER in admitted.reasons


async def test_an_unknown_patient_is_an_error(practice: Any, other_organization: Any) -> None:
    patient = await practice.patient()
    with pytest.raises(PatientNotFound):
        await practice.messages.admit(other_organization, order(patient), now=NOON)


async def test_cancelling_twice_is_fine_and_what_left_cannot_be_cancelled(practice: Any) -> None:
    patient = await practice.patient()
    planned = order(patient, anchor=At(NOON + timedelta(days=1), VISIT))
    admitted = await practice.messages.admit(practice.id, planned, now=NOON)
    assert admitted.reasons == (Reason.PLANNED,)
    for _ in range(2):
        await practice.messages.cancel(practice.id, admitted.message_id, actor="t", now=NOON)
    job = await practice.messages.get(practice.id, admitted.message_id)
    assert job.reasons == (Reason.WITHDRAWN,)
    await practice.execute("UPDATE messages SET lifecycle = 'accepted'")
    with pytest.raises(MessageAlreadyLeft):
        await practice.messages.cancel(practice.id, admitted.message_id, actor="t", now=NOON)
    with pytest.raises(MessageNotFound):
        await practice.messages.cancel(practice.id, 10**9, actor="t", now=NOON)


async def test_lists_are_narrowed_and_counted(practice: Any, other_organization: Any) -> None:
    patient = await practice.patient()
    for no in range(3):
        one = order(patient, order_key=f"key {no}")
        await practice.messages.admit(practice.id, one, now=NOON)
    wanted = MessageFilter(patient_id=patient, lifecycles=(Lifecycle.SCHEDULED,))
    jobs, total = await practice.messages.list(practice.id, wanted, limit=2, offset=0)
    assert (len(jobs), total) == (2, 3)
    assert await practice.messages.list(other_organization, wanted, limit=2, offset=0) == ([], 0)


async def test_the_callers_variables_are_stored_encrypted(practice: Any) -> None:
    patient = await practice.patient()
    mine = order(patient, variables={"portal_link": "https://portal.example.org/x"})
    admitted = await practice.messages.admit(practice.id, mine, now=NOON)
    stored = await practice.value("SELECT variables FROM messages")
    assert b"portal.example.org" not in stored
    assert (await practice.messages.get(practice.id, admitted.message_id)).variables
