"""The inbox on a real database: what patients write arrives, what people write leaves."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.inbox.conftest import WHO, Desk

from handbell.inbox.errors import ConversationMatched, SenderUnmatched, TextTooPrivate
from handbell.inbox.types import ConversationState, EntryKind, Hours, Wording
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.vocabulary import Channel, Purpose

NIGHT = datetime(2026, 12, 2, 2, 30, tzinfo=UTC)
OPEN, PENDING, CLOSED = ConversationState


@pytest.mark.requirement("R5.7")
async def test_what_a_person_must_read_opens_a_conversation_and_what_is_dealt_with_does_not(
    desk: Desk,
) -> None:
    patient_id = await desk.practice.patient()
    await desk.chat.ask(patient_id)
    await desk.chat.hear("C")
    found = await desk.only()
    assert (found.patient_id, found.first_name, found.state) == (patient_id, "Ada", CLOSED)
    await desk.chat.hear("Can I bring my daughter?")
    found = await desk.only()
    assert (found.state, found.open_tasks, found.waiting_since) == (OPEN, 1, desk.clock.instant)
    assert await desk.events() == ["received", "received"]


@pytest.mark.requirement("R5.7", "R7.6")
async def test_a_conversation_holds_both_sides_on_all_channels_and_each_reading_is_logged(
    desk: Desk,
) -> None:
    patient_id = await desk.practice.patient(("sms", "+12125550123"), ("whatsapp", "+12125550123"))
    await desk.chat.ask(patient_id)
    await desk.chat.hear("Can I bring my daughter?")
    desk.clock.advance(timedelta(minutes=1))
    await desk.chat.hear("And my son?", channel=Channel.WHATSAPP)
    found = await desk.only()
    desk.clock.advance(timedelta(minutes=1))
    await desk.service.add_note(
        desk.practice.id, found.id, "Ask the clinic.", actor=WHO, now=desk.clock.instant
    )
    entries = await desk.entries(found.id)
    told = [(one.kind, one.channel, one.text) for one in reversed(entries)]
    assert told[-1] == (EntryKind.NOTE, None, "Ask the clinic.")
    received = [one for one in told if one[0] is EntryKind.RECEIVED]
    assert received == [
        (EntryKind.RECEIVED, Channel.SMS, "Can I bring my daughter?"),
        (EntryKind.RECEIVED, Channel.WHATSAPP, "And my son?"),
    ]
    assert EntryKind.SENT in {one[0] for one in told}
    assert await desk.actions() == ["inbox.listed", "conversation.noted", "conversation.read"]


async def _written_to(desk: Desk) -> int:
    await desk.practice.patient()
    await desk.chat.hear("Can I bring my daughter?")
    return (await desk.only()).id


@pytest.mark.requirement("R5.7")
async def test_a_plain_answer_goes_to_the_number_that_wrote_and_then_we_wait(desk: Desk) -> None:
    conversation_id = await _written_to(desk)
    sent = await desk.write(conversation_id, "Yes, please bring your card.")
    assert (sent.wording, sent.channel) == (Wording.PLAIN, Channel.SMS)
    assert sent.lifecycle is Lifecycle.SCHEDULED
    found = await desk.only()
    assert (found.state, found.assigned_to, found.waiting_since) == (PENDING, WHO, None)
    newest = (await desk.entries(conversation_id))[0]
    assert (newest.purpose, newest.author) == (Purpose.REPLY_STAFF, WHO)
    assert newest.text is not None
    assert newest.text.endswith("Yes, please bring your card.")
    assert newest.secure_text is None
    await desk.chat.hear("ok")
    assert (await desk.only()).state is OPEN


@pytest.mark.requirement("R2.3", "R7.3")
async def test_what_is_private_leaves_as_a_link_only_and_its_text_stays_here(desk: Desk) -> None:
    conversation_id = await _written_to(desk)
    private = "Your biopsy shows breast cancer."
    sent = await desk.write(conversation_id, private)
    assert sent.wording is Wording.SECURE
    assert sent.findings
    newest = (await desk.entries(conversation_id))[0]
    assert (newest.purpose, newest.secure_text) == (Purpose.REPLY_SECURE, private)
    assert newest.text is not None
    assert "cancer" not in newest.text
    assert "/l/" in newest.text
    async with desk.practice.db.transaction(desk.practice.id) as tx:
        behind = await desk.practice.messages.private_text_in(tx, sent.message_id)
    assert behind is not None
    assert behind.lines == (private,)
    with pytest.raises(TextTooPrivate):
        await desk.write(conversation_id, private, wording=Wording.PLAIN)
    harmless = await desk.write(conversation_id, "Hello.", wording=Wording.SECURE)
    assert harmless.wording is Wording.SECURE


async def test_a_text_longer_than_the_practice_pays_for_goes_behind_a_link(desk: Desk) -> None:
    conversation_id = await _written_to(desk)
    sent = await desk.write(conversation_id, "Please bring your card. " * 40)
    assert sent.wording is Wording.SECURE


async def test_the_gate_refuses_an_answer_to_a_wrong_number_and_the_conversation_stays(
    desk: Desk,
) -> None:
    conversation_id = await _written_to(desk)
    await desk.practice.execute(
        "UPDATE addresses SET wrong_number_at = :at", at=desk.clock.instant
    )
    sent = await desk.write(conversation_id, "Hello.")
    assert (sent.lifecycle, sent.reasons) == (Lifecycle.REFUSED, (Reason.WRONG_NUMBER,))
    assert (await desk.only()).state is OPEN


@pytest.mark.requirement("R5.7")
async def test_an_unknown_sender_is_matched_with_a_patient_and_all_goes_over(desk: Desk) -> None:
    await desk.chat.hear("It is Ada, my new number", sender="+13125550177")
    unknown = await desk.only()
    assert (unknown.patient_id, unknown.state) == (None, OPEN)
    with pytest.raises(SenderUnmatched):
        await desk.write(unknown.id, "Hello.")
    await desk.service.add_note(
        desk.practice.id, unknown.id, "Sounds right.", actor=WHO, now=desk.clock.instant
    )
    patient_id = await desk.practice.patient()
    matched = await desk.service.match(
        desk.practice.id, unknown.id, patient_id, actor=WHO, now=desk.clock.instant
    )
    assert (matched.patient_id, matched.state, matched.open_tasks) == (patient_id, OPEN, 1)
    texts = {one.text for one in await desk.entries(matched.id)}
    assert texts == {"It is Ada, my new number", "Sounds right."}
    assert (await desk.only()).id == matched.id
    other_id = await desk.practice.patient(("sms", "+12125550124"))
    with pytest.raises(ConversationMatched):
        await desk.service.match(
            desk.practice.id, matched.id, other_id, actor=WHO, now=desk.clock.instant
        )


async def test_several_patients_on_a_number_are_candidates_and_nobody_guesses(desk: Desk) -> None:
    ids = [await desk.practice.patient() for _ in range(2)]
    await desk.chat.hear("Hello, a question please")
    found = await desk.only()
    assert (found.patient_id, list(found.candidates)) == (None, ids)


@pytest.mark.requirement("R5.7")
async def test_after_hours_a_patient_is_told_so_once_and_a_crisis_is_an_alert(desk: Desk) -> None:
    desk.clock.instant = NIGHT
    await desk.practice.patient(now=NIGHT)
    await desk.chat.hear("Who are you", key="a")
    await desk.practice.execute("DELETE FROM messages")
    await desk.practice.execute("UPDATE inbound_messages SET handled = 'options_sent'")
    await desk.chat.hear("Will it hurt much?", key="b")
    await desk.chat.hear("And how long does it take?", key="c")
    rows = await desk.practice.rows("SELECT purpose FROM messages WHERE ordered_by = 'inbox'")
    assert [row.purpose for row in rows] == ["reply_closed"]
    await desk.chat.hear("I want to kill myself")
    assert (await desk.events())[-1] == "alert"
    assert (await desk.only()).is_alert


async def test_hours_are_the_organisations_and_their_change_is_logged(desk: Desk) -> None:
    assert await desk.service.hours(desk.practice.id) == Hours()
    wanted = Hours(timezone="America/Chicago", weekdays=frozenset({1, 6}))
    await desk.service.set_hours(desk.practice.id, wanted, actor=WHO, now=desk.clock.instant)
    assert await desk.service.hours(desk.practice.id) == wanted
    assert await desk.actions() == ["inbox.hours_changed"]


async def test_quick_replies_speak_the_patients_language(desk: Desk) -> None:
    patient_id = await desk.practice.patient(language="es-MX")
    found = await desk.service.open_with(
        desk.practice.id, patient_id, actor=WHO, now=desk.clock.instant
    )
    texts = await desk.service.quick_replies(desk.practice.id, found.id)
    assert {one.language for one in texts} == {"es"}
    assert "Le llamaremos hoy." in {one.text for one in texts}


@pytest.mark.parametrize("language", ["en", "es", "hi"])
async def test_every_quick_reply_may_be_sent_in_clear(desk: Desk, language: str) -> None:
    patient_id = await desk.practice.patient(language=language)
    await desk.chat.ask(patient_id)
    await desk.chat.hear("?")
    found = await desk.only()
    for one in await desk.service.quick_replies(desk.practice.id, found.id):
        sent = await desk.write(found.id, one.text, wording=Wording.PLAIN)
        assert sent.findings == (), one.name


async def test_assigning_and_closing_are_logged_and_told(desk: Desk) -> None:
    conversation_id = await _written_to(desk)
    changes = {"assigned_to": "user:7", "state": CLOSED}
    changed = await desk.service.change(
        desk.practice.id, conversation_id, changes, actor=WHO, now=desk.clock.instant
    )
    assert (changed.assigned_to, changed.state, changed.waiting_since) == ("user:7", CLOSED, None)
    assert (await desk.actions())[-2:] == ["conversation.assigned", "conversation.moved"]
    assert (await desk.events())[-1] == "changed"
    assert [one.id for one in await desk.listed(assigned_to="user:7")] == [conversation_id]
    assert await desk.listed(states=(OPEN,)) == []
    assert await desk.listed(is_assigned=False) == []
    assert await desk.listed(is_matched=False) == []
