"""A record that ends in another: what both said no to stays said, and nothing is sent twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import NOON
from tests.delivery.desk import Desk

from handbell.integrations.events.service import EventStatus
from handbell.messages.types import Lifecycle, Reason, SendOrder
from handbell.patients.merging import filled
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import Channel, Purpose
from handbell.preferences.types import Choice, Settings
from handbell.scheduling.types import At

NUMBER, OTHER_NUMBER = ("sms", "+12125550123"), ("sms", "+12125550124")
MAILBOX = ("email", "ada@example.org")
VISIT = NOON + timedelta(days=4)


@pytest.fixture
def desk(practice: Any, clock: FrozenClock) -> Desk:
    return Desk(practice, clock)


def order(patient_id: int, key: str, **more: Any) -> SendOrder:
    return SendOrder(
        patient_id=patient_id,
        purpose=Purpose.LAB_READY,
        anchor=At(NOON),
        order_key=key,
        ordered_by="tests",
        **more,
    )


@pytest.mark.requirement("R7.4", "R8.3")
async def test_a_stop_to_a_record_that_was_merged_holds_for_the_survivor(desk: Desk) -> None:
    practice = desk.practice
    stays = await practice.patient(MAILBOX, id="p-stays")
    await practice.patient(NUMBER, id="p-goes")
    await desk.stop([await desk.address()])
    merged = await practice.tell("patient.merged", id="p-goes", merged_into="p-stays")
    assert merged == stays
    by_sms = await practice.messages.admit(
        practice.id, order(stays, "1", channel=Channel.SMS), now=NOON
    )
    assert by_sms.lifecycle is Lifecycle.REFUSED
    assert Reason.OPTED_OUT in by_sms.reasons
    by_mail = await practice.messages.admit(
        practice.id, order(stays, "2", channel=Channel.EMAIL), now=NOON
    )
    assert by_mail.lifecycle is Lifecycle.SCHEDULED


@pytest.mark.requirement("R8.3")
async def test_visits_addresses_and_what_waits_follow_the_survivor_and_leave_once(
    desk: Desk,
) -> None:
    practice = desk.practice
    stays = await practice.patient(MAILBOX, id="p-stays")
    goes = await practice.patient(NUMBER, id="p-goes", first_name="Grace")
    visit = await practice.visit(goes, VISIT)
    waiting = await practice.messages.admit(
        practice.id, order(goes, "1", channel=Channel.SMS), now=NOON
    )
    await practice.tell("patient.merged", id="p-goes", merged_into="p-stays")
    assert (
        await practice.value("SELECT patient_id FROM appointments WHERE id = :id", id=visit)
        == stays
    )
    moved = await practice.rows("SELECT patient_id, lifecycle FROM messages")
    assert [tuple(one) for one in moved] == [(stays, Lifecycle.SCHEDULED)]
    assert (
        await practice.value("SELECT merged_into_id FROM patients WHERE id = :id", id=goes)
        == stays
    )
    current = "SELECT patient_id FROM contact_points WHERE is_current ORDER BY id"
    assert [one.patient_id for one in await practice.rows(current)] == [stays, stays]
    await desk.run()
    assert (await desk.job(waiting.message_id)).lifecycle is Lifecycle.ACCEPTED
    assert [one.to for one in desk.sender.sent] == [NUMBER[1]]


@pytest.mark.requirement("R8.3")
async def test_told_twice_or_of_a_stranger_nothing_changes(desk: Desk) -> None:
    practice = desk.practice
    stays = await practice.patient(MAILBOX, id="p-stays")
    await practice.patient(NUMBER, id="p-goes")
    for _ in range(2):
        told = await practice.tell("patient.merged", id="p-goes", merged_into="p-stays")
        assert told == stays
    later = await practice.tell("patient.updated", id="p-goes", first_name="Ada")
    assert later == stays
    unknown = {
        "specversion": "1.0",
        "id": "unknown",
        "source": "tests",
        "type": "patient.merged",
        "time": NOON.isoformat(),
        "data": {"id": "nobody", "merged_into": "p-stays"},
    }
    taken = await practice.events.take(practice.id, unknown, actor="tests", now=NOON)
    assert (taken.status, taken.code) == (EventStatus.REJECTED, "unknown_patient")


@pytest.mark.requirement("R1.3", "R8.3")
async def test_a_restricted_channel_stays_restricted(desk: Desk) -> None:
    practice = desk.practice
    stays = await practice.patient(NUMBER, id="p-stays")
    goes = await practice.patient(OTHER_NUMBER, id="p-goes")
    await practice.execute(
        "INSERT INTO contact_restrictions (organization_id, patient_id, channel, set_at, set_by)"
        " VALUES (:organization, :patient, 'sms', :at, 'tests')",
        organization=practice.id,
        patient=goes,
        at=NOON,
    )
    await practice.tell("patient.merged", id="p-goes", merged_into="p-stays")
    made = await practice.messages.admit(
        practice.id, order(stays, "1", channel=Channel.SMS), now=NOON
    )
    assert made.lifecycle is Lifecycle.REFUSED
    assert Reason.CHANNEL_RESTRICTED in made.reasons


@pytest.mark.requirement("R1.3")
def test_the_survivors_word_stands_and_every_no_is_kept() -> None:
    sooner, later = datetime(2026, 12, 2, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC)
    own = Settings(
        language="es",
        allow_sms=True,
        marketing_opt_in_email=True,
        pause_until=sooner,
        choices={Purpose.NO_SHOW: Choice(), Purpose.RX_REFILL: Choice(channels=(Channel.SMS,))},
    )
    other = Settings(
        language="en",
        timezone="America/Denver",
        allow_sms=False,
        marketing_opt_in_email=False,
        pause_until=later,
        choices={Purpose.NO_SHOW: Choice(enabled=False), Purpose.RX_REFILL: Choice()},
    )
    assert filled(own, other) == {
        "timezone": "America/Denver",
        "allow_sms": False,
        "marketing_opt_in_email": False,
        "pause_until": later,
        "choices": {Purpose.NO_SHOW: Choice(enabled=False)},
    }
    assert filled(own, Settings()) == {}
