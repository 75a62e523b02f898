"""What a patient's words lead to, with the real gate, visits and database."""

from datetime import timedelta
from typing import Any

import pytest

from handbell.channels.types import Provider
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import CannotDecrypt, KeyRing
from handbell.platform.db import Database
from handbell.platform.vocabulary import Channel
from handbell.staff.service import list_open_in

OPTIONS = "reply_options"
NUMBER = "+12125550123"
SUPPRESSED = "SELECT channel FROM suppressions WHERE lifted_at IS NULL"


@pytest.mark.requirement("R5.1")
@pytest.mark.parametrize("body", ["C", "1", "Sí"])
async def test_c_confirms_the_visit_and_is_answered(chat: Any, practice: Any, body: str) -> None:
    visit = await chat.ask(await practice.patient())
    await chat.hear(body)
    assert await chat.status(visit) == "confirmed"
    assert await chat.answers() == ["reply_confirmed"]
    assert await chat.handled() == ["confirmed"]
    [answer] = await practice.rows("SELECT * FROM messages WHERE ordered_by = 'inbound'")
    assert (answer.lifecycle, answer.channel, answer.appointment_id) == ("scheduled", "sms", visit)
    assert answer.scheduled_at == answer.answers_at == chat.clock.instant
    replied = "SELECT replied_at FROM messages WHERE ordered_by = 'tests'"
    assert await practice.value(replied) == chat.clock.instant
    assert await chat.tasks() == []


@pytest.mark.requirement("R5.1", "R6.3")
async def test_the_same_message_again_changes_nothing(chat: Any, practice: Any) -> None:
    await chat.ask(await practice.patient())
    item = await chat.hear("C")
    await chat.take(item)
    assert await chat.answers() == ["reply_confirmed"]
    assert await chat.handled() == ["confirmed"]
    heard = "SELECT count(*) FROM audit_entries WHERE action = 'inbound.received'"
    assert await practice.value(heard) == 1


async def test_a_second_c_is_answered_again(chat: Any, practice: Any) -> None:
    visit = await chat.ask(await practice.patient())
    await chat.hear("C")
    await chat.hear("C")
    assert await chat.answers() == ["reply_confirmed"] * 2
    assert await chat.status(visit) == "confirmed"


async def test_a_c_to_a_visit_that_was_moved_meanwhile_is_for_a_person(
    chat: Any, practice: Any
) -> None:
    patient = await practice.patient()
    visit = await chat.ask(patient)
    await practice.execute("UPDATE appointments SET version = version + 1")
    await chat.hear("C")
    assert await chat.status(visit) == "booked"
    assert await chat.tasks() == ["unclear_reply"]
    assert await chat.answers() == [OPTIONS]


async def test_a_c_that_could_mean_two_visits_confirms_none(chat: Any, practice: Any) -> None:
    patient = await practice.patient()
    visits = [await chat.ask(patient, in_days=2), await chat.ask(patient, in_days=5)]
    await chat.hear("C")
    assert [await chat.status(visit) for visit in visits] == ["booked", "booked"]
    assert await chat.tasks() == ["unclear_reply"]
    assert await chat.answers() == ["reply_which"]
    await chat.hear("R")
    assert (await chat.answers(), await chat.tasks()) == (["reply_which"], ["unclear_reply"] * 2)
    assert await chat.handled() == ["asked_which", "to_staff"]


async def test_a_c_of_a_family_that_could_mean_two_patients_confirms_none(
    chat: Any, practice: Any
) -> None:
    visits = [
        await chat.ask(await practice.patient(first_name=name), in_days=days)
        for name, days in (("Ada", 2), ("Ben", 5))
    ]
    await chat.hear("C")
    assert [await chat.status(visit) for visit in visits] == ["booked", "booked"]
    assert await chat.answers() == ["reply_which"]
    effects = await practice.value("SELECT effects FROM inbound_messages")
    assert "ask_which" in effects


async def test_a_c_to_nothing_gets_the_options_and_then_a_person(chat: Any, practice: Any) -> None:
    await practice.patient()
    await chat.hear("C")
    assert (await chat.answers(), await chat.tasks()) == ([OPTIONS], [])
    await chat.hear("R")
    assert (await chat.answers(), await chat.tasks()) == ([OPTIONS], ["unclear_reply"])
    assert await chat.handled() == ["options_sent", "to_staff"]


@pytest.mark.requirement("R5.2")
async def test_r_sends_the_link_and_leaves_the_visit(chat: Any, practice: Any) -> None:
    visit = await chat.ask(await practice.patient())
    await chat.hear("r")
    assert await chat.status(visit) == "booked"
    assert await chat.answers() == ["reply_reschedule"]
    assert await chat.handled() == ["link_sent"]
    [answer] = await practice.rows("SELECT * FROM messages WHERE ordered_by = 'inbound'")
    assert (answer.appointment_id, answer.lifecycle) == (visit, "scheduled")


@pytest.mark.requirement("R5.2")
async def test_a_link_that_may_not_be_sent_leaves_the_wish_to_a_person(
    chat: Any, practice: Any
) -> None:
    await chat.ask(await practice.patient())
    await practice.execute("UPDATE addresses SET wrong_number_at = :at", at=chat.clock.instant)
    await chat.hear("R")
    assert await chat.tasks() == ["reschedule_wish"]
    assert await chat.handled() == ["to_staff"]


async def test_an_r_to_a_visit_that_was_moved_meanwhile_is_for_a_person(
    chat: Any, practice: Any
) -> None:
    await chat.ask(await practice.patient())
    await practice.execute("UPDATE appointments SET version = version + 1")
    await chat.hear("R")
    assert await chat.tasks() == ["unclear_reply"]
    assert await chat.answers() == [OPTIONS]


@pytest.mark.requirement("R5.3")
async def test_a_stop_is_confirmed_once_a_day_over_both_phone_channels(
    chat: Any, practice: Any, clock: FrozenClock
) -> None:
    await practice.patient(("sms", "+12125550123"), ("whatsapp", "+12125550123"))
    await chat.hear("s t o p")
    await chat.hear("STOP", channel=Channel.WHATSAPP)
    assert await chat.answers() == ["reply_optout"]
    clock.advance(timedelta(hours=24))
    await chat.hear("STOP", channel=Channel.WHATSAPP)
    assert await chat.answers() == ["reply_optout"] * 2
    assert set(await chat.handled()) == {"opted_out"}


@pytest.mark.requirement("R5.3")
async def test_no_confirmation_where_twilio_gave_one_or_five_minutes_have_passed(
    chat: Any, practice: Any
) -> None:
    await practice.patient()
    await chat.hear("STOP", opt_out_type="STOP")
    assert await chat.answers() == []
    await practice.execute("DELETE FROM inbound_messages")
    await chat.hear("stop please", after=timedelta(minutes=5, seconds=1))
    assert await chat.answers() == []
    await practice.execute("DELETE FROM inbound_messages")
    await chat.hear("stop please", after=timedelta(minutes=5))
    assert await chat.answers() == ["reply_optout"]


async def test_cancel_stops_and_a_person_sees_whether_the_visit_was_meant(
    chat: Any, practice: Any
) -> None:
    visit = await chat.ask(await practice.patient())
    await chat.hear("CANCEL")
    assert await chat.status(visit) == "booked"
    assert await chat.tasks() == ["possible_cancellation"]
    assert await chat.handled() == ["opted_out"]


async def test_a_yes_after_a_stop_never_resubscribes_and_is_for_a_person(
    chat: Any, practice: Any
) -> None:
    patient = await practice.patient()
    visit = await chat.ask(patient)
    await chat.stop("sms")
    await chat.hear("Yes")
    await chat.hear("C")
    assert await chat.tasks() == ["resubscribe_wish"] * 2
    assert await chat.answers() == []
    assert await chat.status(visit) == "booked"
    assert await practice.rows(SUPPRESSED) != []


async def test_help_is_answered(chat: Any, practice: Any) -> None:
    await practice.patient()
    await chat.hear("Help!")
    assert await chat.answers() == ["reply_help"]
    assert await chat.handled() == ["helped"]


@pytest.mark.requirement("R5.7")
async def test_other_words_go_to_a_person_encrypted_and_get_the_options_once_a_day(
    chat: Any, practice: Any, db: Database, keys: KeyRing, clock: FrozenClock
) -> None:
    patient = await practice.patient()
    await chat.hear("what do I bring?")
    await chat.hear("and is there parking?")
    assert await chat.tasks() == ["unclear_reply"] * 2
    assert await chat.answers() == [OPTIONS]
    async with db.transaction(practice.id) as tx:
        tasks, _ = await list_open_in(tx, keys, limit=10, offset=0)
    assert [one.task.note for one in tasks] == ["what do I bring?", "and is there parking?"]
    assert {one.task.patient_id for one in tasks} == {patient}
    for row in await practice.rows("SELECT body FROM inbound_messages"):
        with pytest.raises(CannotDecrypt):
            keys.unseal_raw(row.body, context="inbound_messages.body")
    clock.advance(timedelta(hours=24))
    await chat.hear("hello?")
    assert await chat.answers() == [OPTIONS] * 2


@pytest.mark.requirement("R5.7")
async def test_a_stranger_and_a_hidden_number_are_for_a_person_and_get_no_answer(
    chat: Any, practice: Any, keys: KeyRing
) -> None:
    await practice.patient()
    await chat.hear("C", sender="+12125550199")
    await chat.hear("STOP", sender=None, channel=Channel.WHATSAPP)
    await chat.hear("STOP", sender="12345")
    assert await chat.tasks() == ["unmatched_sender"] * 2
    assert await chat.answers() == []
    assert await chat.handled() == ["to_staff", "to_staff", "opted_out"]
    rows = await practice.rows("SELECT body FROM inbound_messages ORDER BY id")
    assert keys.unseal_raw(rows[0].body, context="inbound_messages.body") == b"C"


async def test_on_a_family_s_number_the_answer_goes_to_who_was_asked(
    chat: Any, practice: Any
) -> None:
    first, second = await practice.patient(), await practice.patient(first_name="Ben")
    await chat.hear("HELP")
    visit = await chat.ask(second)
    await chat.hear("C")
    assert await chat.status(visit) == "confirmed"
    query = "SELECT patient_id FROM messages WHERE ordered_by = 'inbound' ORDER BY id"
    assert [row.patient_id for row in await practice.rows(query)] == [first, second]
    owners = await practice.rows("SELECT patient_id FROM inbound_messages ORDER BY id")
    assert [row.patient_id for row in owners] == [None, second]


async def test_when_the_patient_wrote_counts_not_when_meta_brought_it(
    chat: Any, practice: Any
) -> None:
    await practice.patient(("whatsapp", "+12125550123"))
    wrote = chat.clock.instant - timedelta(hours=3)
    await chat.hear("STOP", channel=Channel.WHATSAPP, occurred_at=wrote)
    assert await practice.value("SELECT received_at FROM inbound_messages") == wrote
    assert await chat.answers() == []
    assert await practice.value("SELECT provider FROM inbound_messages") == Provider.WHATSAPP


@pytest.mark.requirement("R5.7")
@pytest.mark.parametrize(
    ("body", "task"),
    [
        ("I have chest pain", "crisis"),
        ("the patient passed away", "deceased"),
        ("You have the wrong number", "wrong_number"),
    ],
)
async def test_a_grave_text_goes_to_a_person_and_gets_no_options(
    chat: Any, practice: Any, body: str, task: str
) -> None:
    visit = await chat.ask(await practice.patient())
    await chat.hear(body)
    assert await chat.tasks() == [task]
    assert await chat.answers() == ["reply_crisis" if task == "crisis" else "reply_noted"]
    assert await chat.handled() == ["crisis_answered" if task == "crisis" else "suppressed"]
    assert await chat.status(visit) == "booked"
    marked = await practice.rows("SELECT channel, wrong_number_at, held_for FROM addresses")
    wrong = {row.channel for row in marked if row.wrong_number_at is not None}
    assert wrong == ({"sms", "whatsapp"} if task == "wrong_number" else set())
    assert ({row.held_for for row in marked} == {"deceased"}) is (task == "deceased")
    assert await practice.rows(SUPPRESSED) == []


@pytest.mark.requirement("R5.7")
@pytest.mark.parametrize(
    ("body", "task"),
    [("can't come", "possible_cancellation"), ("no", "possible_opt_out"), ("3", None)],
)
async def test_what_may_end_a_visit_or_the_messages_ends_neither_and_is_asked_once(
    chat: Any, practice: Any, body: str, task: str | None
) -> None:
    visit = await chat.ask(await practice.patient())
    await chat.hear(body)
    await chat.hear(body)
    assert await chat.tasks() == [task or "possible_cancellation"] * 2
    assert await chat.answers() == [OPTIONS]
    assert await chat.status(visit) == "booked"


async def test_a_crisis_stands_before_older_tasks_and_its_opt_out_counts_too(
    chat: Any, practice: Any, db: Database, keys: KeyRing
) -> None:
    await practice.patient()
    await chat.hear("what do I bring?")
    await chat.hear("I want to die. Stop texting me.")
    async with db.transaction(practice.id) as tx:
        tasks, _ = await list_open_in(tx, keys, limit=10, offset=0)
    assert [one.task.kind for one in tasks] == ["crisis", "unclear_reply"]
    assert await chat.handled() == ["options_sent", "opted_out"]


async def test_thanks_and_reactions_ask_for_nothing_and_are_kept_with_how_they_were_read(
    chat: Any, practice: Any
) -> None:
    visit = await chat.ask(await practice.patient())
    await chat.hear("Thanks!")
    await chat.hear("Liked “Reply C to confirm, STOP to opt out”")
    assert await chat.handled() == ["noted"] * 2
    assert (await chat.tasks(), await chat.answers()) == ([], [])
    assert await chat.status(visit) == "booked"
    kept = await practice.rows("SELECT intent, confidence, rule FROM inbound_messages ORDER BY id")
    assert [tuple(row) for row in kept] == [
        ("nothing", "high", "nothing.thanks"),
        ("tapback", "high", "tapback.like"),
    ]
