"""What may be done about a lost answer: held against a second telling of the rule."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.delivery.unknowns.policy import ask_again_at, next_step
from handbell.delivery.unknowns.types import (
    Close,
    Doubt,
    LookUp,
    OtherChannel,
    Resend,
    Step,
    Wait,
)
from handbell.platform.vocabulary import MessageClass

SINCE = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
TWILIO = (timedelta(seconds=20), timedelta(seconds=60), timedelta(seconds=120))
SECONDS = st.integers(-3_600, 200_000)
DOUBTS = st.builds(
    Doubt,
    since=st.just(SINCE),
    message_class=st.sampled_from(MessageClass),
    serves_at=st.none() | SECONDS.map(lambda s: SINCE + timedelta(seconds=s)),
    asks_after=st.sampled_from([(), TWILIO]),
    looks=st.integers(0, 3),
    may_resend=st.booleans(),
    has_fallen_back=st.booleans(),
)


def oracle(doubt: Doubt, age: int) -> str:
    """The step by its name, told in whole seconds."""
    if age >= 86_400:
        return "Close"
    if doubt.asks_after:
        if doubt.looks < 3:
            if age >= (20, 60, 120)[doubt.looks]:
                return "LookUp"
        elif doubt.may_resend:
            return "Resend"
    is_care = doubt.message_class.value == "care" and doubt.serves_at is not None
    if is_care and not doubt.has_fallen_back and age >= 600:
        assert doubt.serves_at is not None
        left = (doubt.serves_at - SINCE).total_seconds() - age
        if left <= 4 * 3600:
            return "OtherChannel"
    return "Wait"


@pytest.mark.requirement("R9.2")
@given(doubt=DOUBTS, age=st.integers(0, 100_000))
def test_the_step_is_the_oracles(doubt: Doubt, age: int) -> None:
    step = next_step(doubt, now=SINCE + timedelta(seconds=age))
    assert type(step).__name__ == oracle(doubt, age)


@given(doubt=DOUBTS, age=st.integers(0, 86_399))
def test_who_waits_has_something_to_do_when_the_wait_is_over_and_nothing_before(
    doubt: Doubt, age: int
) -> None:
    now = SINCE + timedelta(seconds=age)
    step = next_step(doubt, now=now)
    if isinstance(step, Wait):
        assert step.until > now
        assert not isinstance(next_step(doubt, now=step.until), Wait)
        just_before = step.until - timedelta(seconds=1)
        if just_before >= now:
            assert isinstance(next_step(doubt, now=just_before), Wait)


def played(doubt: Doubt) -> Iterator[tuple[timedelta, Step]]:
    """Do what is said, with a list that never has it, until it is over; waits are skipped."""
    now = doubt.since
    while True:
        step = next_step(doubt, now=now)
        match step:
            case Wait(until=until):
                now = until
                continue
            case LookUp():
                doubt = replace(doubt, looks=doubt.looks + 1)
            case OtherChannel():
                doubt = replace(doubt, has_fallen_back=True)
        yield now - doubt.since, step
        if isinstance(step, Close | Resend):
            return


@given(doubt=DOUBTS)
def test_a_resend_comes_once_after_three_looks_and_two_minutes_and_never_without_a_list(
    doubt: Doubt,
) -> None:
    steps = list(played(replace(doubt, looks=0)))
    names = [type(step).__name__ for _, step in steps]
    assert names.count("Resend") + names.count("Close") == 1
    assert names.count("OtherChannel") <= 1
    if "Resend" in names:
        assert doubt.may_resend
        assert names.count("LookUp") == 3
        assert steps[-1][0] >= timedelta(minutes=2)
    if not doubt.asks_after or not doubt.may_resend:
        assert names[-1] == "Close"


def test_a_reminder_for_this_afternoon_takes_another_channel_and_closes_after_a_day() -> None:
    doubt = Doubt(
        since=SINCE, message_class=MessageClass.CARE, serves_at=SINCE + timedelta(hours=10)
    )
    assert list(played(doubt)) == [
        (timedelta(hours=6), OtherChannel()),
        (timedelta(hours=24), Close()),
    ]


@given(age=st.integers(0, 86_400))
def test_a_list_that_cannot_tell_is_asked_less_and_less_often(age: int) -> None:
    doubt = Doubt(since=SINCE, message_class=MessageClass.CARE, serves_at=None)
    now = SINCE + timedelta(seconds=age)
    pause = ask_again_at(doubt, now=now) - now
    assert pause == timedelta(seconds=max(30, age / 4))
