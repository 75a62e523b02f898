"""A due message is leased, judged again under a lock, sent once, and its outcome written."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.delivery.desk import NOON, VISIT, Desk

from handbell.channels.types import (
    EventKind,
    Provider,
    Refused,
    Retry,
    SmsContent,
    StatusEvent,
    Unknown,
)
from handbell.consent.types import Decision, Kind, Method
from handbell.delivery.types import Leased
from handbell.messages.leaves import AttemptSource
from handbell.messages.replaying import Gate
from handbell.messages.types import Lifecycle, Reason, SendOrder
from handbell.platform.vocabulary import Lane, Purpose
from handbell.scheduling.types import At


async def test_the_receipts_of_attempts_and_of_what_the_last_look_held_back_replay(
    desk: Desk,
) -> None:
    patient = await desk.practice.patient()
    about = await desk.booked(patient)
    await desk.practice.execute("UPDATE organization_settings SET care_per_day = 3")
    for key in "abcd":
        await desk.order(patient, key, **about)
    await desk.run()
    report = await desk.practice.messages.replay_receipts()
    held_back = "SELECT answer->>'asked' FROM messages WHERE lifecycle = 'scheduled'"
    assert await desk.practice.rows(held_back) == [("leaving",)]
    assert (report.messages, report.receipts, report.incomplete) == (4, 7, 0)
    assert report.differences == []
    await desk.practice.execute(
        "UPDATE message_attempts SET own_facts ="
        " jsonb_build_object('per_day', 1, 'sent_at', array[started_at])"
    )
    report = await desk.practice.messages.replay_receipts()
    assert {(one.attempt_no, one.gates) for one in report.differences} == {(1, (Gate.CAPS,))}


@pytest.mark.requirement("R7.1")
async def test_a_due_message_is_sent_once_and_its_attempt_is_a_genuine_leaf(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    await desk.run()
    await desk.deliver([message])
    (sent,) = desk.sender.sent
    assert sent.to == "+12125550123"
    assert isinstance(sent.content, SmsContent)
    job = await desk.job(message)
    assert (job.lifecycle, job.provider_message_id) == (Lifecycle.ACCEPTED, "SM1")
    assert job.body == sent.content.text
    body = await desk.practice.value("SELECT body FROM message_attempts")
    assert b"Ada" not in body
    source = AttemptSource(desk.practice.audit)
    async with desk.practice.db.engine_transaction() as tx:
        leaves = [leaf async for leaf in source.leaves(tx, xid_from=0, xid_to=None)]
    assert [leaf.is_genuine for leaf in leaves] == [True]


async def test_what_left_has_no_reason_to_wait_any_more(desk: Desk) -> None:
    patient = await desk.practice.patient()
    due = NOON + timedelta(hours=1)
    message = await desk.order(patient, anchor=At(due, VISIT), **await desk.booked(patient))
    assert (await desk.job(message)).reasons == (Reason.PLANNED,)
    desk.clock.instant = due
    await desk.run()
    job = await desk.job(message)
    assert (job.lifecycle, job.reasons) == (Lifecycle.ACCEPTED, ())


@pytest.mark.requirement("R9.1")
async def test_two_workers_with_the_same_ids_send_once(desk: Desk) -> None:
    patient = await desk.practice.patient()
    await desk.order(patient, **await desk.booked(patient))
    (leased,) = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    await asyncio.gather(*(desk.deliver(leased.message_ids) for _ in range(5)))
    assert len(desk.sender.sent) == 1


@pytest.mark.requirement("R1.6", "R7.10")
async def test_a_stop_overnight_stops_the_queued_message(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    (leased,) = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    await desk.practice.execute("UPDATE messages SET reasons = '{planned}'")
    done = await desk.stop([await desk.address()])
    await desk.deliver(leased.message_ids)
    assert (done.withdrawn, done.is_first) == (1, True)
    assert desk.sender.sent == []
    job = await desk.job(message)
    assert (job.lifecycle, job.reasons) == (Lifecycle.REFUSED, (Reason.OPTED_OUT,))


@pytest.mark.requirement("R1.6")
async def test_a_stop_waits_for_the_call_in_flight_and_a_worker_waits_for_the_stop(
    desk: Desk,
) -> None:
    patient = await desk.practice.patient()
    first = await desk.order(patient, "first", **await desk.booked(patient))
    later = NOON + timedelta(hours=1)
    second = await desk.order(patient, "second", anchor=At(later, None))
    desk.sender.may_go = asyncio.Event()
    running = asyncio.ensure_future(desk.run())
    await desk.sender.called.wait()
    stopping = asyncio.ensure_future(desk.stop([await desk.address()]))
    await asyncio.sleep(0.2)
    assert not stopping.done()
    desk.sender.may_go.set()
    await asyncio.gather(running, stopping)
    desk.clock.advance(timedelta(hours=1))
    await desk.run()
    assert (await desk.job(first)).lifecycle is Lifecycle.ACCEPTED
    assert (await desk.job(second)).lifecycle is Lifecycle.REFUSED
    assert len(desk.sender.sent) == 1


async def test_a_worker_that_waited_for_a_stop_does_not_send(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    (leased,) = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    address = await desk.address()
    decision = Decision(
        kind=Kind.REVOKE,
        message_class=None,
        method=Method.KEYWORD,
        source="tests",
        actor="patient",
        at=NOON,
    )
    async with desk.practice.db.transaction(desk.practice.id) as tx:
        await desk.delivery.opt_out_in(tx, desk.practice.id, [address], decision, now=NOON)
        working = asyncio.ensure_future(desk.deliver(leased.message_ids))
        await asyncio.sleep(0.2)
        assert not working.done()
    await working
    assert desk.sender.sent == []
    assert (await desk.job(message)).lifecycle is Lifecycle.REFUSED


@pytest.mark.requirement("R1.6")
async def test_a_stop_is_not_held_up_by_a_running_bulk_insert(desk: Desk) -> None:
    patient = await desk.practice.patient()
    orders = [
        SendOrder(
            patient_id=patient,
            purpose=Purpose.APPT_REMINDER,
            anchor=At(NOON, VISIT),
            order_key=f"bulk {no}",
            ordered_by="tests",
            serves_at=VISIT,
        )
        for no in range(50)
    ]
    address = await desk.address()
    async with desk.practice.db.transaction(desk.practice.id) as bulk:
        await desk.practice.messages.admit_in(bulk, desk.practice.id, orders, now=NOON)
        done = await asyncio.wait_for(desk.stop([address]), timeout=5)
    assert done.is_first
    await desk.run()
    assert desk.sender.sent == []


@pytest.mark.requirement("R9.2")
async def test_a_retry_comes_after_growing_pauses_and_ends_after_six_tries(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [Retry(code="20429")] * 6
    pauses = []
    for _ in range(6):
        await desk.run()
        job = await desk.job(message)
        if job.lifecycle is Lifecycle.FAILED:
            break
        assert job.scheduled_at is not None
        pauses.append(job.scheduled_at - desk.clock.instant)
        desk.clock.instant = job.scheduled_at
    assert (await desk.job(message)).lifecycle is Lifecycle.FAILED
    assert (await desk.job(message)).reasons == (Reason.GIVEN_UP,)
    assert len(desk.sender.sent) == 6
    seconds = [pause.total_seconds() for pause in pauses]
    assert all(
        base <= got <= 1.5 * base for base, got in zip((1, 2, 4, 8, 16), seconds, strict=True)
    )


async def test_an_unknown_outcome_is_never_sent_again_and_a_callback_settles_it(
    desk: Desk,
) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [Unknown(code="no_answer")]
    await desk.run()
    desk.clock.advance(timedelta(hours=2))
    await desk.run()
    assert len(desk.sender.sent) == 1
    assert (await desk.job(message)).lifecycle is Lifecycle.UNKNOWN
    token = desk.sender.sent[0].attempt_token
    await desk.delivery.record_status([event(token, EventKind.DELIVERED)], now=NOON)
    job = await desk.job(message)
    assert (job.lifecycle, job.progress) == (Lifecycle.ACCEPTED, "delivered")
    assert job.provider_message_id == "SM9"


async def test_a_worker_that_died_leaves_an_unknown_outcome(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.may_go = asyncio.Event()
    working = asyncio.ensure_future(desk.run())
    await desk.sender.called.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert await desk.delivery.sweep(now=NOON) == 0
    await desk.practice.execute("UPDATE messages SET leased_until = '2000-01-01'")
    assert await desk.delivery.sweep(now=NOON) == 1
    assert (await desk.job(message)).lifecycle is Lifecycle.UNKNOWN
    await desk.run()
    assert len(desk.sender.sent) == 1


@pytest.mark.requirement("R9.1")
async def test_a_lease_that_ended_in_the_queue_is_given_out_again(desk: Desk) -> None:
    patient = await desk.practice.patient()
    await desk.order(patient, **await desk.booked(patient))
    assert len(await desk.delivery.lease_due(Lane.CARE, now=NOON)) == 1
    assert await desk.delivery.lease_due(Lane.CARE, now=NOON) == []
    await desk.practice.execute("UPDATE messages SET leased_until = '2000-01-01'")
    await desk.delivery.sweep(now=NOON)
    assert len(await desk.delivery.lease_due(Lane.CARE, now=NOON)) == 1


@pytest.mark.requirement("R6.2", "R6.3")
async def test_callbacks_in_any_order_and_repeated_end_the_same(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    await desk.run()
    token = desk.sender.sent[0].attempt_token
    for kind in (EventKind.DELIVERED, EventKind.SENT, EventKind.DELIVERED, EventKind.QUEUED):
        await desk.delivery.record_status([event(token, kind)], now=NOON)
    assert (await desk.job(message)).progress == "delivered"
    assert await desk.practice.value("SELECT count(*) FROM message_events") == 3


@pytest.mark.requirement("R1.7")
async def test_a_provider_that_says_opted_out_stops_the_address(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [Refused(code="21610", opted_out=True)]
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.FAILED
    assert await desk.practice.value("SELECT count(*) FROM suppressions") == 1


async def test_a_message_follows_the_patient_to_a_new_number(desk: Desk) -> None:
    patient = await desk.practice.patient(id="mover")
    message = await desk.order(patient, **await desk.booked(patient))
    later = NOON + timedelta(minutes=1)
    await desk.practice.tell(
        "patient.updated",
        now=later,
        id="mover",
        contacts=[{"channel": "sms", "value": "+13125550177"}],
    )
    desk.clock.instant = later
    await desk.run()
    assert desk.sender.sent == []
    await desk.run()
    assert [out.to for out in desk.sender.sent] == ["+13125550177"]
    assert (await desk.job(message)).recipient == "+13125550177"


async def test_a_reminder_that_became_useless_expires(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.clock.instant = VISIT - timedelta(minutes=10)
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.EXPIRED


@pytest.mark.requirement("R9.7")
async def test_at_an_opening_the_soonest_visit_leaves_first(desk: Desk) -> None:
    """All are due at eight; they were ordered the other way round, more than a group of them."""
    patient = await desk.practice.patient()
    no_visit = await desk.order(patient, "none", serves_at=None)
    ids = [
        await desk.order(patient, f"{days}", serves_at=VISIT + timedelta(days=days))
        for days in (3, 2, 1)
    ]
    await desk.practice.execute(
        "INSERT INTO messages (organization_id, order_key, ordered_by, patient_id, channel,"
        " is_address_named, purpose, message_class, lane, anchor, lifecycle, reasons,"
        " scheduled_at, serves_at, preference_levels, decided_at, created_at, changed_at)"
        " SELECT organization_id, 'copy ' || n, ordered_by, patient_id, channel, false, purpose,"
        " message_class, lane, anchor, 'scheduled', '{}', scheduled_at,"
        " serves_at - n * interval '1 minute', '{}', decided_at, created_at, changed_at"
        " FROM messages, generate_series(1, 40) n WHERE order_key = '1'"
    )
    leased = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    order = [one for group in leased for one in group.message_ids]
    assert order[-4:] == [*reversed(ids), no_visit]
    visits = "SELECT id, serves_at FROM messages WHERE serves_at IS NOT NULL"
    starts = {row.id: row.serves_at for row in await desk.practice.rows(visits)}
    assert [starts[one] for one in order[:-1]] == sorted(starts.values())


async def test_one_organisation_with_many_due_messages_does_not_delay_another(
    desk: Desk, other_organization: Any
) -> None:
    patient = await desk.practice.patient()
    await desk.order(patient)
    await _copy(desk, 500)
    await desk.practice.execute(
        "UPDATE messages SET organization_id = :id WHERE order_key = 'copy 500'",
        id=other_organization,
    )
    leased = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    assert _counts(leased) == {desk.practice.id: 200, other_organization: 1}
    places = [one.organization_id for one in leased]
    assert places.index(other_organization) <= 1, "it waits behind one group at most"


@pytest.mark.requirement("R9.7")
async def test_what_an_organisation_has_out_counts_against_its_share(
    desk: Desk, other_organization: Any
) -> None:
    await desk.order(await desk.practice.patient())
    await _copy(desk, 500)
    await desk.delivery.lease_due(Lane.CARE, now=NOON)
    assert await desk.delivery.lease_due(Lane.CARE, now=NOON) == []
    await desk.practice.execute(
        "UPDATE messages SET lifecycle = 'accepted' WHERE id IN"
        " (SELECT id FROM messages WHERE lifecycle = 'queued' LIMIT 30)"
    )
    await desk.practice.execute(
        "UPDATE messages SET organization_id = :id WHERE order_key = 'copy 500'",
        id=other_organization,
    )
    leased = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    assert _counts(leased) == {desk.practice.id: 30, other_organization: 1}


@pytest.mark.requirement("R9.7")
async def test_those_for_whom_there_was_no_room_are_served_next(desk: Desk) -> None:
    """Of ninety organisations with 64 due each there is room for a group of some sixty."""
    await desk.order(await desk.practice.patient())
    await _copy(desk, 89 * 64)
    await desk.practice.execute(
        "INSERT INTO organizations (id, name, created_at)"
        " SELECT 1000 + n, 'Practice ' || n, '2026-01-01Z' FROM generate_series(1, 89) n"
    )
    await desk.practice.execute(
        "UPDATE messages SET organization_id = 1001 + (substr(order_key, 6)::int - 1) / 64"
        " WHERE order_key LIKE 'copy %'"
    )
    first = _counts(await desk.delivery.lease_due(Lane.CARE, now=NOON))
    assert sum(first.values()) == 2_000
    assert max(first.values()) == 32
    await desk.practice.execute(
        "UPDATE messages SET lifecycle = 'accepted' WHERE lifecycle = 'queued'"
    )
    left_out = {desk.practice.id, *range(1001, 1090)} - first.keys()
    second = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    assert [one.organization_id for one in second[: len(left_out)]] == sorted(left_out)


async def _copy(desk: Desk, count: int) -> None:
    """Copy the one message so often."""
    await desk.practice.execute(
        "INSERT INTO messages (organization_id, order_key, ordered_by, patient_id, channel,"
        " is_address_named, purpose, message_class, lane, anchor, lifecycle, reasons,"
        " scheduled_at, preference_levels, decided_at, created_at, changed_at)"
        " SELECT organization_id, 'copy ' || n, ordered_by, patient_id, channel, false, purpose,"
        " message_class, lane, anchor, 'scheduled', '{}', scheduled_at, '{}', decided_at,"
        " created_at, changed_at FROM messages, generate_series(1, :count) n",
        count=count,
    )


def _counts(leased: Sequence[Leased]) -> dict[int, int]:
    """How many messages of each organisation were leased."""
    counts = Counter[int]()
    for one in leased:
        counts[one.organization_id] += len(one.message_ids)
    return dict(counts)


def event(token: str, kind: EventKind) -> StatusEvent:
    return StatusEvent(
        provider=Provider.TWILIO,
        key=f"SM9:{kind}",
        kind=kind,
        attempt_token=token,
        provider_ref="SM9",
    )
