"""What failed for good takes another channel that the patient allows, else the dead letters."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.delivery.desk import NOON, VISIT, Desk

from handbell.channels.types import EventKind, Provider, Refused, Retry, StatusEvent
from handbell.delivery.deadletters.errors import DeadLetterClosed
from handbell.delivery.deadletters.types import DeadLetter, Fix, State, Wanted
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.vocabulary import Channel

SMS = ("sms", "+12125550123")
MAIL = ("email", "ada@example.org")
LANDLINE = Refused(code="21614", bad_address=True)


async def letters(desk: Desk, state: State = State.OPEN) -> list[DeadLetter]:
    found, total = await desk.dead_letters.list_letters(
        desk.practice.id, Wanted(state=state), actor="tests", now=desk.clock.instant
    )
    assert total == len(found)
    return found


async def retry(desk: Desk, letter: DeadLetter) -> tuple[int | None, tuple[Reason, ...]]:
    made = await desk.dead_letters.retry(
        desk.practice.id, letter.id, actor="staff", now=desk.clock.instant
    )
    return made.message_id, made.reasons


async def failed(desk: Desk, *contacts: tuple[str, str], code: str = "21614") -> int:
    """A reminder that its provider refused, and all that follows from it done."""
    patient = await desk.practice.patient(*contacts)
    message = await desk.order(patient, f"key {patient}", **await desk.booked(patient))
    desk.sender.outcomes = [Refused(code=code)]
    await desk.run()
    await desk.work()
    return message


@pytest.mark.requirement("R3.3", "R9.2")
async def test_a_retry_that_falls_out_of_the_window_waits_for_the_next_one(desk: Desk) -> None:
    patient = await desk.practice.patient()
    desk.clock.instant = datetime(2026, 12, 2, 1, 59, 57, tzinfo=UTC)  # 20:59:57 in New York
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [Retry(code="20429")] * 2
    for _ in range(2):
        await desk.run()
        job = await desk.job(message)
        assert job.scheduled_at is not None
        desk.clock.instant = job.scheduled_at
    assert desk.clock.instant > datetime(2026, 12, 2, 2, 0, tzinfo=UTC)
    await desk.run()
    job = await desk.job(message)
    morning = datetime(2026, 12, 2, 13, 0, tzinfo=UTC)
    assert (job.lifecycle, job.scheduled_at) == (Lifecycle.SCHEDULED, morning)
    assert job.reasons == (Reason.OUTSIDE_WINDOW,)
    assert len(desk.sender.sent) == 2
    desk.clock.instant = morning
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.ACCEPTED


@pytest.mark.requirement("R9.2")
async def test_a_retry_that_would_come_too_late_for_the_visit_is_not_waited_for(
    desk: Desk,
) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [Retry(code="21611", retry_after=VISIT)]
    await desk.run()
    assert (await desk.job(message)).reasons == (Reason.GIVEN_UP,)


@pytest.mark.requirement("R9.8")
async def test_a_refused_text_becomes_one_mail_however_often_it_is_asked_for(desk: Desk) -> None:
    message = await failed(desk, SMS, MAIL)
    args = {"message_id": message}
    await asyncio.gather(
        *(desk.dead_letters.fall_back(desk.practice.id, args, now=NOON) for _ in range(4))
    )
    (other,) = await desk.practice.rows(
        "SELECT id, channel, order_key, appointment_version, ordered_by FROM messages"
        " WHERE falls_back_from = :id",
        id=message,
    )
    assert (other.channel, other.order_key) == ("email", f"fallback:{message}")
    assert (other.appointment_version, other.ordered_by) == (1, "tests")
    await desk.run()
    assert [out.to for out in desk.sender.sent] == ["+12125550123", "ada@example.org"]
    assert (await desk.job(other.id)).lifecycle is Lifecycle.ACCEPTED
    assert await letters(desk) == []
    receipt = await desk.practice.messages.explain(desk.practice.id, other.id)
    assert receipt["falls_back_from"] == message
    noted = "SELECT count(*) FROM audit_entries WHERE action = 'message.fell_back'"
    assert await desk.practice.value(noted) >= 1


@pytest.mark.requirement("R9.8", "R1.3")
async def test_a_channel_that_the_patient_does_not_allow_is_not_taken(desk: Desk) -> None:
    patient = await desk.practice.patient(SMS, MAIL)
    await desk.practice.execute(
        "UPDATE preference_settings SET allow_email = false WHERE level = 'patient'"
    )
    await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [LANDLINE]
    await desk.run()
    await desk.work()
    (letter,) = await letters(desk)
    assert letter.no_other_channel == (Reason.CHANNEL_NOT_ALLOWED,)
    assert len(desk.sender.sent) == 1


@pytest.mark.requirement("R9.4")
async def test_what_failed_on_every_channel_lies_in_the_list_once_with_all_its_tries(
    desk: Desk,
) -> None:
    first = await failed(desk, SMS, MAIL)
    await desk.run()
    mail = desk.sender.sent[-1]
    bounced = StatusEvent(
        provider=Provider.SENDGRID,
        key="e1",
        kind=EventKind.BOUNCED,
        attempt_token=mail.attempt_token,
        code="bounce:bounce",
        bad_address=True,
    )
    for _ in range(2):
        await desk.delivery.record_status([bounced], now=NOON)
        await desk.work()
    (letter,) = await letters(desk)
    assert (letter.fix, letter.code) == (Fix.BAD_MAILBOX, "bounce:bounce")
    assert letter.time_left(now=NOON) == VISIT - NOON
    _, tried = await desk.dead_letters.get(desk.practice.id, letter.id, actor="tests", now=NOON)
    assert [(one.message_id, one.channel, one.outcome, one.code) for one in tried] == [
        (first, Channel.SMS, "refused", "21614"),
        (letter.message_id, Channel.EMAIL, "accepted", None),
    ]
    delivered = StatusEvent(
        provider=Provider.SENDGRID,
        key="e2",
        kind=EventKind.OPENED,
        attempt_token=mail.attempt_token,
    )
    await desk.delivery.record_status([delivered], now=NOON)
    assert await letters(desk) == []
    assert [one.id for one in await letters(desk, State.ARRIVED)] == [letter.id]


@pytest.mark.requirement("R9.4")
async def test_a_replay_passes_the_gate_and_happens_once(desk: Desk) -> None:
    await failed(desk, SMS)
    (letter,) = await letters(desk)
    assert letter.fix is Fix.LANDLINE
    assert Reason.NO_ADDRESS in letter.no_other_channel
    desk.clock.advance(timedelta(minutes=1))
    made, reasons = await retry(desk, letter)
    assert (made is not None, reasons) == (True, ())
    with pytest.raises(DeadLetterClosed):
        await retry(desk, letter)
    await desk.run()
    assert len(desk.sender.sent) == 2
    (closed,) = await letters(desk, State.RETRIED)
    assert (closed.replay_message_id, closed.closed_by) == (made, "staff")
    actions = await desk.practice.rows(
        "SELECT action FROM audit_entries WHERE action LIKE 'dead_letter%' ORDER BY id"
    )
    assert [row.action for row in actions][:3] == [
        "dead_letter.added",
        "dead_letters.listed",
        "dead_letter.retried",
    ]


@pytest.mark.requirement("R9.4", "R1.6")
async def test_a_replay_after_a_stop_or_too_late_is_refused_and_stays_in_the_list(
    desk: Desk,
) -> None:
    await failed(desk, SMS, code="30007")
    (letter,) = await letters(desk)
    desk.clock.instant = VISIT - timedelta(minutes=10)
    assert await retry(desk, letter) == (None, (Reason.USELESS,))
    desk.clock.instant = NOON
    await desk.stop([await desk.address()])
    made, reasons = await retry(desk, letter)
    assert made is None
    assert Reason.OPTED_OUT in reasons
    assert [one.id for one in await letters(desk)] == [letter.id]
    assert await desk.practice.value("SELECT count(*) FROM messages") == 1


@pytest.mark.requirement("R9.4")
async def test_a_group_is_retried_together_and_no_other(desk: Desk) -> None:
    for no, code in enumerate(("20003", "20003", "21614")):
        await failed(desk, ("sms", f"+1212555010{no}"), code=code)
    groups = await desk.dead_letters.groups(desk.practice.id, now=NOON)
    assert [(one.fix, one.count, one.soonest) for one in groups] == [
        (Fix.ACCOUNT_PROBLEM, 2, VISIT),
        (Fix.LANDLINE, 1, VISIT),
    ]
    made = await desk.dead_letters.retry_group(
        desk.practice.id, Fix.ACCOUNT_PROBLEM, actor="staff", now=NOON
    )
    assert (len(made.retried), made.is_more) == (2, False)
    assert [one.fix for one in await letters(desk)] == [Fix.LANDLINE]
    (letter,) = await letters(desk)
    for _ in range(2):
        await desk.dead_letters.discard(desk.practice.id, letter.id, actor="staff", now=NOON)
    assert await letters(desk) == []
    noted = "SELECT count(*) FROM audit_entries WHERE action = 'dead_letter.discarded'"
    assert await desk.practice.value(noted) == 1


async def test_a_text_that_cannot_be_filled_in_takes_another_channel_or_is_a_bug(
    desk: Desk,
) -> None:
    patient = await desk.practice.patient(SMS, first_name="Ada (HIV)")
    await desk.order(patient, **await desk.booked(patient))
    await desk.run()
    await desk.work()
    (letter,) = await letters(desk)
    assert (letter.fix, letter.code) == (Fix.BUG, "leaks")


async def test_the_newest_attempt_tells_how_far_a_message_came_unless_one_arrived(
    desk: Desk,
) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    await desk.run()
    token = desk.sender.sent[0].attempt_token
    for kind in (EventKind.DELIVERED, EventKind.FAILED):
        event = StatusEvent(
            provider=Provider.TWILIO, key=f"SM1:{kind}", kind=kind, attempt_token=token
        )
        await desk.delivery.record_status([event], now=NOON)
    await desk.work()
    assert (await desk.job(message)).progress == "delivered"
    assert await letters(desk) == []


@pytest.mark.requirement("R9.4")
async def test_another_organisation_sees_no_letter_and_cannot_touch_it(
    desk: Desk, other_organization: int
) -> None:
    await failed(desk, SMS)
    (letter,) = await letters(desk)
    found, total = await desk.dead_letters.list_letters(
        other_organization,  # type: ignore[arg-type]
        Wanted(),
        actor="x",
        now=NOON,
    )
    assert (found, total) == ([], 0)
    with pytest.raises(Exception, match="There is no such dead letter"):
        await desk.dead_letters.retry(
            other_organization,  # type: ignore[arg-type]
            letter.id,
            actor="x",
            now=NOON,
        )
