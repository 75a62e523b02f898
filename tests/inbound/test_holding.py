"""What a reply does to its number until a person has looked, and how it is taken back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.inbound.conftest import NUMBER

from handbell.delivery.service import DeliveryService
from handbell.inbound.errors import InboundMessageNotFound, NothingToUndo
from handbell.inbound.holds import HoldService
from handbell.inbound.suppressing import END_HOLD_TOPIC
from handbell.messages.types import Admission, SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.db import Database
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At

SUPPRESSED = "SELECT channel FROM suppressions WHERE lifted_at IS NULL ORDER BY channel"
HELD = "SELECT channel FROM addresses WHERE held_until IS NOT NULL ORDER BY channel"
END_OF_NEXT_DAY = datetime(2026, 12, 3, 5, tzinfo=UTC)
"""The clock stands at noon of Tuesday, December 1; New York is five hours behind."""


@pytest.fixture
def holds(practice: Any, db: Database, clock: FrozenClock) -> HoldService:
    return HoldService(db, practice.audit, DeliveryService(db, practice.messages, clock))


async def order(
    practice: Any, patient_id: int, purpose: Purpose, key: str, *, now: datetime
) -> Admission:
    wish = SendOrder(
        patient_id=patient_id,
        purpose=purpose,
        anchor=At(now),
        order_key=key,
        ordered_by="tests",
        channel=Channel.SMS,
    )
    admission: Admission = await practice.messages.admit(practice.id, wish, now=now)
    return admission


async def end_hold(practice: Any, holds: HoldService, *, now: datetime) -> None:
    query = "SELECT args FROM outbox WHERE topic = :topic"
    for one in await practice.rows(query, topic=END_HOLD_TOPIC):
        await holds.end(practice.id, one.args, now=now)


@pytest.mark.requirement("R5.7")
async def test_a_doubtful_opt_out_pauses_what_can_wait_for_one_business_day(
    chat: Any, practice: Any, clock: FrozenClock
) -> None:
    patient = await practice.patient()
    await chat.hear("no")
    assert await chat.handled() == ["held"]
    assert [row.channel for row in await practice.rows(HELD)] == ["sms", "whatsapp"]

    waits = await order(practice, patient, Purpose.LAB_READY, "lab", now=clock.instant)
    assert "awaiting_person" in waits.reasons
    assert waits.scheduled_at is not None
    assert waits.scheduled_at >= END_OF_NEXT_DAY
    goes = await order(practice, patient, Purpose.URGENT, "urgent", now=clock.instant)
    assert goes.scheduled_at == clock.instant
    assert await practice.rows(SUPPRESSED) == []


async def test_a_hold_that_nobody_answers_in_its_term_counts_as_an_opt_out(
    chat: Any, practice: Any, holds: HoldService
) -> None:
    await practice.patient()
    await chat.hear("please cancel")
    await end_hold(practice, holds, now=END_OF_NEXT_DAY - timedelta(seconds=1))
    assert await practice.rows(SUPPRESSED) == []
    await end_hold(practice, holds, now=END_OF_NEXT_DAY)
    await end_hold(practice, holds, now=END_OF_NEXT_DAY)
    assert [row.channel for row in await practice.rows(SUPPRESSED)] == ["sms", "whatsapp"]
    assert await practice.rows(HELD) == []
    count = "SELECT count(*) FROM consent_entries WHERE kind = 'revoke'"
    assert await practice.value(count) == 2
    assert await chat.answers() == ["reply_options"]


async def test_a_clear_answer_ends_the_hold_and_no_opt_out_follows(
    chat: Any, practice: Any, holds: HoldService
) -> None:
    visit = await chat.ask(await practice.patient())
    await chat.hear("no")
    await chat.hear("C")
    assert await chat.status(visit) == "confirmed"
    assert await practice.rows(HELD) == []
    await end_hold(practice, holds, now=END_OF_NEXT_DAY)
    assert await practice.rows(SUPPRESSED) == []


async def test_staff_take_a_hold_back_and_what_waits_is_planned_anew(
    chat: Any, practice: Any, holds: HoldService, clock: FrozenClock
) -> None:
    patient = await practice.patient()
    await chat.hear("no")
    await order(practice, patient, Purpose.LAB_READY, "lab", now=clock.instant)
    inbound_id = await practice.value("SELECT id FROM inbound_messages")
    await practice.execute("DELETE FROM outbox WHERE topic = 'messages.replan'")
    await holds.undo(practice.id, inbound_id, actor="staff:1", now=clock.instant)
    assert await practice.rows(HELD) == []
    query = "SELECT args FROM outbox WHERE topic = 'messages.replan'"
    assert [row.args["patient_id"] for row in await practice.rows(query)] == [patient]
    with pytest.raises(NothingToUndo):
        await holds.undo(practice.id, inbound_id, actor="staff:1", now=clock.instant)
    with pytest.raises(InboundMessageNotFound):
        await holds.undo(practice.id, inbound_id + 1, actor="staff:1", now=clock.instant)
    undone = "SELECT actor FROM audit_entries WHERE action = 'reply.undone'"
    assert [row.actor for row in await practice.rows(undone)] == ["staff:1"]


@pytest.mark.parametrize("body", ["wrong number", "he passed away"])
async def test_nothing_goes_to_a_number_that_is_not_the_patient_s_until_staff_know_better(
    chat: Any, practice: Any, holds: HoldService, clock: FrozenClock, body: str
) -> None:
    patient = await practice.patient()
    await chat.ask(patient)
    await chat.hear(body)
    shut = await order(practice, patient, Purpose.LAB_READY, "first", now=clock.instant)
    assert {str(reason) for reason in shut.reasons} & {"wrong_number", "awaiting_person"}
    assert await chat.answers() == ["reply_noted"]
    [told] = await practice.rows("SELECT lifecycle FROM messages WHERE purpose = 'reply_noted'")
    assert told.lifecycle == "scheduled"

    inbound_id = await practice.value("SELECT id FROM inbound_messages")
    await holds.undo(practice.id, inbound_id, actor="staff:1", now=clock.instant)
    again = await order(practice, patient, Purpose.LAB_READY, "second", now=clock.instant)
    assert again.lifecycle == "scheduled"
    assert again.scheduled_at == clock.instant


async def test_a_wrong_number_leaves_in_the_audit_log_which_messages_went_there(
    chat: Any, practice: Any
) -> None:
    patient = await practice.patient()
    await chat.ask(patient)
    await chat.hear("wrong number")
    asked = await practice.value("SELECT id FROM messages WHERE ordered_by = 'tests'")
    query = "SELECT subject FROM audit_entries WHERE action = 'address.found_wrong'"
    [entry] = await practice.rows(query)
    assert entry.subject["message_ids"] == [asked]
    assert entry.subject["patient_ids"] == [patient]


@pytest.mark.requirement("R1.7")
async def test_start_opens_the_number_again_as_it_stood_and_marketing_stays_shut(
    chat: Any, practice: Any, clock: FrozenClock
) -> None:
    patient = await practice.patient(("sms", NUMBER), ("whatsapp", NUMBER))
    await chat.stop("sms", "whatsapp")
    clock.advance(timedelta(minutes=1))
    await chat.hear("START", channel=Channel.WHATSAPP)
    assert await chat.answers() == ["reply_optin"]
    assert await chat.handled() == ["resubscribed"]
    assert await practice.rows(SUPPRESSED) == []
    care = await order(practice, patient, Purpose.LAB_READY, "lab", now=clock.instant)
    assert care.lifecycle == "scheduled"
    offers = await order(practice, patient, Purpose.CAMPAIGN_EDUCATION, "ad", now=clock.instant)
    assert offers.lifecycle == "refused"
    await chat.hear("START", channel=Channel.WHATSAPP)
    assert await chat.answers() == ["reply_optin", "reply_help"]


@pytest.mark.requirement("R1.7", "R8.1")
async def test_start_plans_the_reminders_anew_that_the_stop_ended_and_never_twice(
    chat: Any, practice: Any, clock: FrozenClock
) -> None:
    patient = await practice.patient(("whatsapp", NUMBER), ("sms", NUMBER))
    starts_at = clock.instant + timedelta(days=9)
    visit = await practice.visit(patient, starts_at)
    day_before = SendOrder(
        patient_id=patient,
        purpose=Purpose.APPT_REMINDER,
        anchor=At(starts_at - timedelta(days=1), starts_at),
        order_key="planned",
        ordered_by="reminders",
        channel=Channel.SMS,
        appointment_id=visit,
        appointment_version=1,
        reminder_offset=1440,
        serves_at=starts_at,
    )
    admitted = await practice.messages.admit(practice.id, day_before, now=clock.instant)
    for _ in range(2):
        clock.advance(timedelta(minutes=1))
        await chat.stop("sms", "whatsapp")
        clock.advance(timedelta(minutes=1))
        await chat.hear("START", channel=Channel.WHATSAPP)
    query = "SELECT scheduled_at FROM messages WHERE purpose = 'appt_reminder' AND lifecycle = :l"
    [again] = await practice.rows(query, l="scheduled")
    assert again.scheduled_at == admitted.scheduled_at
    assert len(await practice.rows(query, l="refused")) == 2


async def test_where_twilio_answers_start_or_help_itself_we_say_nothing(
    chat: Any, practice: Any, clock: FrozenClock
) -> None:
    await practice.patient()
    await chat.stop("sms")
    clock.advance(timedelta(minutes=1))
    await chat.hear("START", opt_out_type="START")
    await chat.hear("HELP", opt_out_type="HELP")
    assert await chat.answers() == []
    assert await chat.handled() == ["resubscribed", "helped"]
    assert await practice.rows(SUPPRESSED) == []


@pytest.mark.parametrize("word", ["STOP", " stopall", "Revoke", "OPTOUT", "cancel"])
async def test_twilio_s_own_words_are_confirmed_by_twilio_without_saying_so(
    chat: Any, practice: Any, word: str
) -> None:
    await practice.patient()
    await chat.hear(word)
    assert await chat.answers() == []
    assert await chat.handled() == ["opted_out"]


@pytest.mark.parametrize(
    ("body", "purpose"), [("HELP", "reply_help"), ("suicide", "reply_crisis")]
)
async def test_a_stranger_is_helped_in_words_that_tell_nothing_of_any_patient(
    chat: Any, practice: Any, body: str, purpose: str
) -> None:
    await practice.patient(language="es", first_name="Ada")
    await chat.hear(body, sender="+12125550177")
    await chat.hear(body, sender="+12125550177")
    assert await chat.answers() == [purpose] * 2
    query = """
        SELECT DISTINCT p.is_contact, p.first_name, c.is_current FROM messages m
        JOIN patients p ON p.id = m.patient_id JOIN contact_points c ON c.patient_id = p.id
        WHERE m.ordered_by = 'inbound'
    """
    assert [tuple(row) for row in await practice.rows(query)] == [(True, None, False)]
    assert {row.lifecycle for row in await practice.rows("SELECT lifecycle FROM messages")} == {
        "scheduled"
    }


async def test_help_and_danger_are_answered_even_after_a_stop(chat: Any, practice: Any) -> None:
    await practice.patient()
    await chat.stop("sms", "whatsapp")
    await chat.hear("help")
    await chat.hear("I want to die")
    found = await practice.rows("SELECT purpose, lifecycle FROM messages ORDER BY id")
    assert [tuple(row) for row in found] == [
        ("reply_help", "scheduled"),
        ("reply_crisis", "scheduled"),
    ]
    assert [row.channel for row in await practice.rows(SUPPRESSED)] == ["sms", "whatsapp"]
