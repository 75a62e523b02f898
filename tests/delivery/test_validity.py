"""A provider may go on trying only while the message may arrive and is of use."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.delivery.desk import NOON, Desk

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.policy import closes_at, is_allowed
from handbell.scheduling.types import At, WindowFacts

MINUTE = timedelta(minutes=1)
NIGHT = WindowFacts(
    message_class=MessageClass.CARE,
    channel=Channel.SMS,
    zones=("America/New_York",),
    quiet_start=time(22),
    quiet_end=time(8),
)
FACTS = st.builds(
    replace,
    st.just(NIGHT),
    message_class=st.sampled_from(
        [MessageClass.CARE, MessageClass.BILLING_ADMIN, MessageClass.INBOUND_REPLY]
    ),
    channel=st.sampled_from(Channel),
    zones=st.sampled_from(
        [("America/New_York",), ("America/Los_Angeles", "America/New_York"), ("Asia/Kolkata",)]
    ),
    answers_at=st.none() | st.integers(-120, 120).map(lambda n: NOON + n * MINUTE),
)


@pytest.mark.requirement("R3.3")
@given(facts=FACTS, minutes=st.integers(0, 2 * 24 * 60))
def test_every_minute_before_the_end_is_allowed_and_the_end_is_not(
    facts: WindowFacts, minutes: int
) -> None:
    now = NOON + minutes * MINUTE
    end = closes_at(facts, now=now)
    assert end is not None
    if not is_allowed(facts, at=now):
        assert end == now
        return
    walked = now
    while walked < min(end, now + timedelta(hours=23)):
        assert is_allowed(facts, at=walked)
        walked += MINUTE
    if end < now + timedelta(hours=23):
        assert not is_allowed(facts, at=end + timedelta(seconds=1))


def test_an_emergency_has_no_hours() -> None:
    assert closes_at(replace(NIGHT, message_class=MessageClass.EMERGENCY), now=NOON) is None


@pytest.mark.requirement("R3.3", "R3.4")
@pytest.mark.parametrize(
    ("at", "visit", "validity"),
    [
        (NOON, timedelta(days=7), timedelta(hours=4)),
        (NOON, timedelta(hours=2), timedelta(minutes=105)),
        (datetime(2026, 12, 2, 1, 30, tzinfo=UTC), timedelta(days=7), timedelta(minutes=30)),
    ],
)
async def test_a_text_says_how_long_it_is_valid(
    desk: Desk, at: datetime, visit: timedelta, validity: timedelta
) -> None:
    """The third is sent at 20:30 in New York, and texts may come until 21:00."""
    desk.clock.instant = at
    patient = await desk.practice.patient()
    serves_at = at + visit
    booked = await desk.practice.visit(patient, serves_at)
    anchor = At(at, serves_at)
    await desk.order(patient, anchor=anchor, serves_at=serves_at, appointment_id=booked)
    await desk.run()
    (sent,) = desk.sender.sent
    assert sent.validity == validity
