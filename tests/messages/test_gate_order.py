"""The order of the gate, regulation.md §0.1: the first hard stop is named first, and none is lost.

Each gate is closed in turn, together with each later one.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, Final

import pytest

from handbell.messages.policy import decide
from handbell.messages.types import (
    CapFacts,
    ConsentStatus,
    Defer,
    EligibilityFacts,
    Reason,
    Refuse,
    Send,
    SendFacts,
    TemplateFacts,
)
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.types import At, WindowFacts

NOON: Final = datetime(2027, 2, 5, 17, tzinfo=UTC)
NIGHT: Final = datetime(2027, 2, 6, 4, tzinfo=UTC)
FINE: Final = SendFacts(
    eligibility=EligibilityFacts(
        message_class=MessageClass.CARE,
        channel=Channel.SMS,
        address_id=1,
        is_deceased=False,
        is_wrong_number=False,
        is_restricted=False,
        is_opted_out=False,
        is_optout_confirmation=False,
        is_allowed=True,
        has_marketing_opt_in=True,
        is_us_number=True,
        is_whatsapp_us_enabled=False,
        consent=ConsentStatus.EXPRESS,
        template=TemplateFacts(level=1, sibling_level=0, ceiling=1),
    ),
    window=WindowFacts(
        message_class=MessageClass.CARE, channel=Channel.SMS, zones=("America/New_York",)
    ),
    caps=CapFacts(per_day=5),
)
STOPS: Final[tuple[tuple[int, dict[str, Any], Reason], ...]] = (
    (1, {"is_deceased": True}, Reason.DECEASED),
    (1, {"is_wrong_number": True}, Reason.WRONG_NUMBER),
    (2, {"is_restricted": True}, Reason.CHANNEL_RESTRICTED),
    (3, {"is_opted_out": True}, Reason.OPTED_OUT),
    (5, {"is_allowed": False}, Reason.CHANNEL_NOT_ALLOWED),
    (6, {"consent": ConsentStatus.NONE}, Reason.NO_CONSENT),
    (7, {"template": None}, Reason.NO_TEMPLATE),
)
"""The number of a gate in §0.1, what closes it for good, and the reason that it gives."""
FULL: Final = CapFacts(per_day=1, sent_at=(NIGHT - timedelta(hours=1),))
pytestmark = pytest.mark.requirement("R3.3", "R3.4")


def closed(*stops: dict[str, Any]) -> SendFacts:
    changes: dict[str, Any] = {name: value for stop in stops for name, value in stop.items()}
    return replace(FINE, eligibility=replace(FINE.eligibility, **changes))


def pairs() -> Iterator[tuple[dict[str, Any], dict[str, Any], Reason, Reason]]:
    for (_, first, one), (_, second, other) in combinations(STOPS, 2):
        yield first, second, one, other


def test_an_open_gate_lets_it_go() -> None:
    assert decide(FINE, At(NOON), now=NOON) == Send()


@pytest.mark.parametrize(("first", "second", "one", "other"), list(pairs()))
def test_two_stops_are_both_named_in_the_order_of_the_gates(
    first: dict[str, Any], second: dict[str, Any], one: Reason, other: Reason
) -> None:
    assert decide(closed(first, second), At(NOON), now=NOON) == Refuse(reasons=(one, other))


@pytest.mark.parametrize(("gate", "stop", "reason"), STOPS)
def test_a_stop_comes_before_caps_and_hours(
    gate: int, stop: dict[str, Any], reason: Reason
) -> None:
    """Gates 8 and 9 defer: what is refused for good is never told to wait."""
    assert gate < 8
    facts = replace(closed(stop), caps=FULL)
    assert decide(facts, At(NIGHT), now=NIGHT) == Refuse(reasons=(reason,))


def test_caps_and_hours_together_defer_to_the_later_of_both() -> None:
    facts = replace(FINE, caps=FULL)
    decision = decide(facts, At(NIGHT), now=NIGHT)
    assert isinstance(decision, Defer)
    assert set(decision.reasons) == {Reason.OVER_CAP, Reason.OUTSIDE_WINDOW}
    # The cap lifts at 22:01 of the next evening, and the window opens at eight after it.
    assert decision.until == datetime(2027, 2, 7, 13, tzinfo=UTC)


def test_what_is_useless_by_then_is_refused_and_left_to_people() -> None:
    facts = replace(FINE, serves_at=NIGHT + timedelta(hours=9))
    decision = decide(facts, At(NIGHT, facts.serves_at), now=NIGHT)
    assert decision == Refuse(reasons=(Reason.OUTSIDE_WINDOW, Reason.USELESS))


@pytest.mark.parametrize(("gate", "stop", "reason"), STOPS)
def test_the_gate_asks_everything_again_when_the_message_leaves(
    gate: int, stop: dict[str, Any], reason: Reason
) -> None:
    """Gate 10: at sending the same function is asked with the facts of that moment."""
    del gate
    assert decide(FINE, At(NIGHT), now=NOON) == Defer(
        until=datetime(2027, 2, 6, 13, tzinfo=UTC), reasons=(Reason.OUTSIDE_WINDOW,)
    )
    assert decide(closed(stop), At(NOON), now=NOON) == Refuse(reasons=(reason,))


@pytest.mark.parametrize(("gate", "stop", "reason"), STOPS[:2])
def test_an_emergency_passes_all_but_the_state_of_the_recipient(
    gate: int, stop: dict[str, Any], reason: Reason
) -> None:
    del gate
    urgent = {"message_class": MessageClass.EMERGENCY}
    passes = closed(urgent, {"is_opted_out": True, "consent": ConsentStatus.NONE})
    window = replace(FINE.window, message_class=MessageClass.EMERGENCY)
    assert decide(replace(passes, window=window, caps=FULL), At(NIGHT), now=NIGHT) == Send()
    stopped = replace(closed(urgent, stop), window=window)
    assert decide(stopped, At(NIGHT), now=NIGHT) == Refuse(reasons=(reason,))
