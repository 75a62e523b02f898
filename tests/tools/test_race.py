"""What counts as late in a race is judged from instants alone."""

from datetime import UTC, datetime, timedelta

import pytest
from tools.race.judging import CONFIRMATION, Arrival, Trial, judge

NOON = datetime(2026, 12, 1, 17, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def arrival(number: str, seconds: float, purpose: str = "appt_reminder") -> Arrival:
    return Arrival(to=number, at=at(seconds), purpose=purpose)


@pytest.mark.requirement("R1.6", "R5.3")
def test_only_what_comes_after_the_acknowledgement_is_late_but_for_one_confirmation() -> None:
    trials = [
        Trial(number=str(no), line="80/s", sent_at=at(1), answered_at=at(2)) for no in range(5)
    ]
    (verdict,) = judge(
        trials,
        [
            arrival("0", 0.5),
            arrival("1", 1.5),
            arrival("2", 2.001),
            arrival("3", 2.5, CONFIRMATION),
            arrival("4", 2.0),
            arrival("4", 3.0, CONFIRMATION),
            arrival("4", 3.5, CONFIRMATION),
        ],
    )
    assert (verdict.before, verdict.during, verdict.late, verdict.never) == (1, 2, 1, 1)
    assert (verdict.trials, verdict.confirmed_once, verdict.slowest_answer_s) == (5, 1, 1.0)


def test_each_line_is_judged_by_itself() -> None:
    trials = [
        Trial(number=name, line=name, sent_at=at(1), answered_at=at(2)) for name in ("b", "a")
    ]
    found = judge(trials, [arrival("b", 5)])
    assert [(one.line, one.late, one.never) for one in found] == [("a", 0, 1), ("b", 1, 0)]
