"""A lost answer is looked into, settled, recorded, and never repeated blindly."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.delivery.desk import NOON, VISIT, Desk

from handbell.audit.service import AuditService
from handbell.channels.types import EventKind, Provider, Refused, StatusEvent, Unknown
from handbell.delivery.unknowns.errors import AttemptAlreadySettled, UnknownAttemptNotFound
from handbell.delivery.unknowns.types import Settlement, UnknownAttempt, Verdict
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.vocabulary import Lane, MessageClass

SMS = ("sms", "+12125550123")
MAIL = ("email", "ada@example.org")
LOST = Unknown(code="no_answer")
TWO_MINUTES = timedelta(minutes=2)


async def lost(desk: Desk, *contacts: tuple[str, str], **more: Any) -> int:
    """A reminder whose provider's answer was lost."""
    patient = await desk.practice.patient(*contacts)
    message = await desk.order(patient, **(await desk.booked(patient) | more))
    desk.sender.outcomes = [LOST]
    await desk.run()
    await desk.work()
    assert (await desk.job(message)).lifecycle is Lifecycle.UNKNOWN
    return message


async def settlements(desk: Desk) -> list[tuple[int, str | None, str | None]]:
    rows = await desk.practice.rows(
        "SELECT no, settlement, settled_by FROM message_attempts ORDER BY id"
    )
    return [(row.no, row.settlement, row.settled_by) for row in rows]


async def noted(desk: Desk) -> list[str]:
    rows = await desk.practice.rows(
        "SELECT subject ->> 'settlement' AS how FROM audit_entries"
        " WHERE action = 'attempt.settled' ORDER BY id"
    )
    return [row.how for row in rows]


async def listed(desk: Desk, settlement: Settlement | None = None) -> list[UnknownAttempt]:
    found, total = await desk.unknowns.list_unknown(
        desk.practice.id, settlement, (50, 0), actor="tests", now=desk.clock.instant
    )
    assert total == len(found)
    return found


def heard(token: str, kind: EventKind = EventKind.DELIVERED) -> StatusEvent:
    return StatusEvent(
        provider=Provider.TWILIO,
        key=f"{token}:{kind}",
        kind=kind,
        attempt_token=token,
        provider_ref=f"SM-{token}",
    )


async def test_while_one_is_unknown_nothing_else_leaves_to_the_address(desk: Desk) -> None:
    await lost(desk, SMS, MAIL)
    patient = await desk.practice.value("SELECT patient_id FROM messages LIMIT 1")
    second = await desk.order(patient, "second", **await desk.booked(patient))
    mail = await desk.order(patient, "mail", channel="email", **await desk.booked(patient))
    desk.clock.advance(timedelta(seconds=1))
    await desk.run()
    assert [out.to for out in desk.sender.sent] == ["+12125550123", "ada@example.org"]
    job = await desk.job(second)
    assert (job.lifecycle, job.reasons) == (Lifecycle.SCHEDULED, (Reason.AWAITING_OUTCOME,))
    assert (await desk.job(mail)).lifecycle is Lifecycle.ACCEPTED
    token = desk.sender.sent[0].attempt_token
    await desk.delivery.record_status([heard(token)], now=desk.clock.instant)
    assert (await desk.job(second)).scheduled_at == desk.clock.instant
    await desk.run()
    assert len(desk.sender.sent) == 3


async def test_what_was_held_back_takes_another_channel_when_the_visit_is_too_near(
    desk: Desk,
) -> None:
    await lost(desk, SMS, MAIL)
    desk.lookup.answers = [None] * 50
    patient = await desk.practice.value("SELECT patient_id FROM messages LIMIT 1")
    soon = NOON + timedelta(minutes=50)
    visit = await desk.practice.visit(patient, soon)
    second = await desk.order(patient, "soon", serves_at=soon, appointment_id=visit)
    await desk.run()
    await desk.work()
    await desk.run()
    assert (await desk.job(second)).reasons == (Reason.AWAITING_OUTCOME,)
    assert [out.to for out in desk.sender.sent] == ["+12125550123", "ada@example.org"]


async def test_the_providers_list_settles_it_and_the_search_says_what_was_sent(
    desk: Desk,
) -> None:
    message = await lost(desk)
    desk.lookup.answers = [(), ("SM7",)]
    await desk.pass_time(TWO_MINUTES)
    job = await desk.job(message)
    assert (job.lifecycle, job.provider_message_id) == (Lifecycle.ACCEPTED, "SM7")
    assert await settlements(desk) == [(1, "provider_list", "worker")]
    assert await noted(desk) == ["provider_list"]
    sought, (sent,) = desk.lookup.sought[0], desk.sender.sent
    assert (sought.to, sought.text) == (sent.to, job.body)
    assert (sought.started_at, sought.attempt_token) == (NOON, sent.attempt_token)
    assert len(desk.lookup.sought) == 2


async def test_an_id_that_is_another_attempts_proves_nothing(desk: Desk) -> None:
    await lost(desk)
    await desk.practice.execute("UPDATE message_attempts SET provider_ref = 'SM-old'")
    desk.lookup.answers = [("SM-old",)]
    await desk.pass_time(timedelta(seconds=30))
    assert await settlements(desk) == [(1, None, None)]


async def test_three_looks_over_two_minutes_then_one_resend_and_no_second(desk: Desk) -> None:
    message = await lost(desk)
    await desk.pass_time(timedelta(seconds=110))
    assert len(desk.lookup.sought) == 2
    await desk.run()
    assert len(desk.sender.sent) == 1
    desk.sender.outcomes = [LOST]
    await desk.pass_time(timedelta(seconds=20))
    assert len(desk.lookup.sought) == 3
    await desk.run()
    assert len(desk.sender.sent) == 2
    assert await settlements(desk) == [(1, "not_found", "worker"), (2, None, None)]
    await desk.pass_time(timedelta(minutes=10), step=timedelta(seconds=30))
    await desk.run()
    assert len(desk.sender.sent) == 2
    assert (await desk.job(message)).lifecycle is Lifecycle.UNKNOWN
    await desk.pass_time(timedelta(days=1), step=timedelta(hours=1))
    assert await settlements(desk) == [(1, "not_found", "worker"), (2, "closed", "worker")]
    assert await noted(desk) == ["not_found", "closed"]


@pytest.mark.requirement("R1.6")
async def test_a_resend_passes_the_gate(desk: Desk) -> None:
    message = await lost(desk)
    await desk.stop([await desk.address()])
    await desk.pass_time(TWO_MINUTES)
    await desk.run()
    assert len(desk.sender.sent) == 1
    assert (await desk.job(message)).lifecycle is Lifecycle.REFUSED


async def test_a_callback_before_the_resend_has_left_stops_it(desk: Desk) -> None:
    message = await lost(desk)
    await desk.pass_time(TWO_MINUTES)
    assert (await desk.job(message)).lifecycle is Lifecycle.SCHEDULED
    (leased,) = await desk.delivery.lease_due(Lane.CARE, now=desk.clock.instant)
    token = desk.sender.sent[0].attempt_token
    await desk.delivery.record_status([heard(token, EventKind.SENT)], now=desk.clock.instant)
    await desk.deliver(leased.message_ids)
    assert len(desk.sender.sent) == 1
    job = await desk.job(message)
    assert (job.lifecycle, job.progress) == (Lifecycle.ACCEPTED, "sent")
    assert await settlements(desk) == [(1, "callback", "provider")]
    assert await noted(desk) == ["not_found", "callback"]


async def test_care_that_is_due_soon_takes_another_channel_once_where_no_list_can_tell(
    desk: Desk,
) -> None:
    desk.lookup.answers = [None] * 1000
    soon = NOON + timedelta(hours=2)
    patient = await desk.practice.patient(SMS, MAIL)
    visit = await desk.practice.visit(patient, soon)
    message = await desk.order(patient, serves_at=soon, appointment_id=visit)
    desk.sender.outcomes = [LOST]
    await desk.run()
    await desk.pass_time(timedelta(minutes=9), step=timedelta(seconds=30))
    await desk.run()
    assert len(desk.sender.sent) == 1
    await desk.pass_time(timedelta(minutes=30), step=timedelta(minutes=1))
    await desk.run()
    assert [out.to for out in desk.sender.sent] == ["+12125550123", "ada@example.org"]
    (one,) = await listed(desk)
    assert (one.message_id, one.falls_back_to) == (message, message + 1)
    assert (await desk.job(message)).lifecycle is Lifecycle.UNKNOWN


async def test_a_callback_ends_the_other_channel_that_has_not_left(desk: Desk) -> None:
    message = await lost(desk, SMS, MAIL)
    async with desk.practice.db.transaction(desk.practice.id) as tx:
        other = await desk.practice.messages.fall_back_in(tx, desk.practice.id, message, now=NOON)
    token = desk.sender.sent[0].attempt_token
    await desk.delivery.record_status([heard(token)], now=NOON)
    job = await desk.job(other.message_id)
    assert (job.lifecycle, job.reasons) == (Lifecycle.CANCELLED, (Reason.WITHDRAWN,))


async def test_closed_after_a_day_it_lets_others_go_and_a_late_callback_still_settles(
    desk: Desk,
) -> None:
    desk.lookup.answers = [None] * 1000
    message = await lost(desk)
    patient = await desk.practice.value("SELECT patient_id FROM messages")
    await desk.pass_time(timedelta(hours=23), step=timedelta(hours=1))
    second = await desk.order(patient, "second", **await desk.booked(patient))
    await desk.run()
    assert (await desk.job(second)).reasons == (Reason.AWAITING_OUTCOME,)
    await desk.pass_time(timedelta(hours=1), step=timedelta(minutes=30))
    assert await settlements(desk) == [(1, "closed", "worker")]
    await desk.run()
    assert len(desk.sender.sent) == 2
    (closed,) = await listed(desk, Settlement.CLOSED)
    assert (closed.message_id, await listed(desk)) == (message, [])
    token = desk.sender.sent[0].attempt_token
    await desk.delivery.record_status([heard(token)], now=desk.clock.instant)
    job = await desk.job(message)
    assert (job.lifecycle, job.progress) == (Lifecycle.ACCEPTED, "delivered")
    assert await noted(desk) == ["closed", "callback"]


@pytest.mark.parametrize("verdict", Verdict)
async def test_a_person_may_settle_it_and_it_is_recorded(desk: Desk, verdict: Verdict) -> None:
    message = await lost(desk)
    (one,) = await listed(desk)
    how = await desk.unknowns.settle_by_hand(
        desk.practice.id, one.id, verdict, actor="staff", now=NOON
    )
    assert await settlements(desk) == [(1, how.value, "staff")]
    assert await noted(desk) == [how.value]
    with pytest.raises(AttemptAlreadySettled):
        await desk.unknowns.settle_by_hand(
            desk.practice.id, one.id, verdict, actor="staff", now=NOON
        )
    with pytest.raises(UnknownAttemptNotFound):
        await desk.unknowns.settle_by_hand(
            desk.practice.id, one.id + 99, verdict, actor="staff", now=NOON
        )
    await desk.run()
    await desk.pass_time(TWO_MINUTES)
    assert len(desk.sender.sent) == (1 if verdict is Verdict.SENT else 2)
    assert desk.lookup.sought == []
    assert (await desk.job(message)).lifecycle is Lifecycle.ACCEPTED


async def test_a_callback_that_came_before_the_answer_was_lost_settles_it_at_once(
    desk: Desk,
) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.may_go = asyncio.Event()
    desk.sender.outcomes = [LOST]
    running = asyncio.ensure_future(desk.run())
    await desk.sender.called.wait()
    token = desk.sender.sent[0].attempt_token
    await desk.delivery.record_status([heard(token, EventKind.SENT)], now=NOON)
    desk.sender.may_go.set()
    await running
    job = await desk.job(message)
    assert (job.lifecycle, job.progress) == (Lifecycle.ACCEPTED, "sent")
    assert await settlements(desk) == [(1, "callback", "provider")]


async def test_several_workers_on_one_doubt_look_and_send_as_one(desk: Desk) -> None:
    await lost(desk)
    args = {"attempt_id": await desk.practice.value("SELECT id FROM message_attempts")}
    for seconds in (20, 60, 120):
        now = NOON + timedelta(seconds=seconds)
        desk.clock.instant = now
        await asyncio.gather(
            *(desk.unknowns.settle(desk.practice.id, args, now=now) for _ in range(4))
        )
        looks = await desk.practice.value("SELECT looks FROM message_attempts")
        assert looks <= (20, 60, 120).index(seconds) + 1
    await desk.run()
    await desk.run()
    assert len(desk.sender.sent) == 2
    assert await settlements(desk) == [(1, "not_found", "worker"), (2, None, None)]


async def test_an_emergency_is_not_held_back(desk: Desk) -> None:
    await lost(desk)
    patient = await desk.practice.value("SELECT patient_id FROM messages")
    second = await desk.order(patient, "second", **await desk.booked(patient))
    await desk.practice.execute(
        "UPDATE messages SET message_class = :emergency WHERE id = :id",
        emergency=MessageClass.EMERGENCY.value,
        id=second,
    )
    await desk.run()
    assert len(desk.sender.sent) == 2


DYING = """
import asyncio, os, signal, sys
from handbell.audit.service import AuditService
from handbell.delivery.service import DeliveryService
from handbell.messages.service import MessageService
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, urls_for
from datetime import datetime

class Dying:
    async def send(self, out):
        print(out.attempt_token, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

async def main(url, key, lookup_key, organization, message, at):
    db = Database.open(urls_for(url, key))
    keys = KeyRing(encryption_key=key, lookup_key=lookup_key)
    messages = MessageService(db, keys, AuditService(db, keys), public_url="https://m.example.org")
    delivery = DeliveryService(db, messages, FrozenClock(datetime.fromisoformat(at)))
    senders = dict.fromkeys(range(1, 10), Dying())
    await delivery.deliver(OrganizationId(int(organization)), [int(message)], senders)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.requirement("R9.2")
async def test_a_worker_killed_between_call_and_record_leaves_a_doubt_and_no_second_text(
    desk: Desk, owner_url: str, tmp_path: Path
) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    (leased,) = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    script = tmp_path / "dying.py"
    script.write_text(DYING)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), owner_url, "a key for tests only"),
        *("a look-up key for tests only", str(desk.practice.id), str(message)),
        NOON.isoformat(),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    said, _ = await worker.communicate()
    assert worker.returncode == -signal.SIGKILL
    assert (await desk.job(message)).lifecycle is Lifecycle.SENDING
    await desk.deliver(leased.message_ids)
    assert await desk.delivery.sweep(now=NOON) == 0
    await desk.practice.execute("UPDATE messages SET leased_until = '2000-01-01'")
    assert await desk.delivery.sweep(now=NOON) == 1
    assert (await desk.job(message)).lifecycle is Lifecycle.UNKNOWN
    desk.lookup.answers = [(), ("SM-found",)]
    await desk.pass_time(TWO_MINUTES)
    await desk.run()
    assert desk.sender.sent == []
    job = await desk.job(message)
    assert (job.lifecycle, job.provider_message_id) == (Lifecycle.ACCEPTED, "SM-found")
    assert desk.lookup.sought[0].attempt_token == said.decode().strip()
    verified = await AuditService(desk.practice.db, desk.practice.keys).verify()
    assert verified.intact


async def test_a_refusal_after_a_resend_falls_back_like_any_other(desk: Desk) -> None:
    message = await lost(desk, SMS, MAIL)
    await desk.pass_time(TWO_MINUTES)
    desk.sender.outcomes = [Refused(code="21614")]
    await desk.run()
    await desk.work()
    await desk.run()
    assert [out.to for out in desk.sender.sent][-1] == "ada@example.org"
    assert (await desk.job(message)).lifecycle is Lifecycle.FAILED
    assert desk.clock.instant < VISIT
