"""Which blackouts bind a message, and what they do to its time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.blackouts.errors import InvalidBlackout
from handbell.scheduling.blackouts.policy import with_blackouts
from handbell.scheduling.blackouts.types import BlackoutDraft
from handbell.scheduling.policy import blocking_reasons, is_allowed, next_allowed, plan_send
from handbell.scheduling.types import At, Blackout, NoWindow, Plan, WindowFacts, WindowReason

NOON = datetime(2027, 2, 2, 18, tzinfo=UTC)
START, END = NOON - timedelta(hours=1), NOON + timedelta(days=1, seconds=30)
REMINDER = WindowFacts(
    message_class=MessageClass.CARE,
    channel=Channel.SMS,
    zones=("America/Chicago",),
    states=("LA",),
    country="US",
)
OFFER = replace(REMINDER, message_class=MessageClass.MARKETING)
ALL = Blackout(id=1, starts_at=START, ends_at=END)
EMERGENCY = replace(ALL, state="LA", message_class=MessageClass.MARKETING)


def binds(blackout: Blackout, facts: WindowFacts) -> bool:
    return with_blackouts(facts, [blackout]).blackouts == (blackout,)


@pytest.mark.requirement("R3.4")
def test_st_06_a_blackout_of_louisiana_denies_marketing_and_allows_a_reminder() -> None:
    offer = with_blackouts(OFFER, [EMERGENCY])
    assert blocking_reasons(offer, at=NOON) == (WindowReason.BLACKOUT,)
    assert next_allowed(offer, now=NOON) == datetime(2027, 2, 3, 18, 1, tzinfo=UTC)
    assert is_allowed(with_blackouts(REMINDER, [EMERGENCY]), at=NOON)
    assert is_allowed(with_blackouts(replace(OFFER, states=("TX",)), [EMERGENCY]), at=NOON)


def test_its_window_is_half_open() -> None:
    held = with_blackouts(REMINDER, [ALL])
    second = timedelta(seconds=1)
    for at, allowed in ((START - second, 1), (START, 0), (END - second, 0), (END, 1)):
        assert is_allowed(held, at=at) is bool(allowed)


def test_a_planned_instant_moves_behind_it_and_a_long_one_leaves_no_time() -> None:
    held = with_blackouts(REMINDER, [ALL])
    plan = plan_send(held, At(NOON), now=NOON)
    assert isinstance(plan, Plan)
    assert plan.send_at == datetime(2027, 2, 3, 18, 1, tzinfo=UTC)
    assert plan.reasons == (WindowReason.BLACKOUT, WindowReason.MOVED_LATER)
    long = with_blackouts(REMINDER, [replace(ALL, ends_at=NOON + timedelta(days=20))])
    assert plan_send(long, At(NOON), now=NOON) == NoWindow(reasons=(WindowReason.BLACKOUT,))


@pytest.mark.parametrize("message_class", [MessageClass.EMERGENCY, MessageClass.INBOUND_REPLY])
def test_emergencies_and_answers_always_leave(message_class: MessageClass) -> None:
    assert not binds(ALL, replace(REMINDER, message_class=message_class))


@pytest.mark.parametrize(
    ("narrowed", "facts", "expected"),
    [
        ({"channel": Channel.SMS}, REMINDER, True),
        ({"channel": Channel.EMAIL}, REMINDER, False),
        ({"message_class": MessageClass.CARE}, REMINDER, True),
        ({"message_class": MessageClass.CARE}, OFFER, False),
        ({"state": "LA"}, REMINDER, True),
        ({"state": "TX"}, REMINDER, False),
        ({"country": "US"}, REMINDER, True),
        ({"country": "FR"}, REMINDER, False),
        ({"country": "US"}, replace(REMINDER, country=None), True),
        ({"country": "FR"}, replace(REMINDER, country="FR", states=()), True),
        ({"state": "LA"}, replace(OFFER, states=()), True),
        ({"state": "LA"}, replace(REMINDER, states=()), False),
        ({"state": "LA"}, replace(OFFER, states=(), country="FR"), False),
        ({"state": "LA"}, replace(OFFER, states=("TX", "LA")), True),
    ],
)
def test_each_of_its_limits_narrows_it(
    narrowed: dict[str, object], facts: WindowFacts, *, expected: bool
) -> None:
    assert binds(replace(ALL, **narrowed), facts) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ends_at": START}, "ends_at"),
        ({"state": "ZZ"}, "state"),
        ({"state": "LA", "country": "FR"}, "country"),
    ],
)
def test_a_window_or_a_place_that_means_nothing_is_refused(
    wrong: dict[str, object], field: str
) -> None:
    fine: dict[str, object] = {"starts_at": START, "ends_at": END, "reason": "a storm"}
    with pytest.raises(InvalidBlackout) as refused:
        BlackoutDraft(**{**fine, **wrong})  # type: ignore[arg-type]
    assert refused.value.details == {"field": field}
