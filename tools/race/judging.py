"""What of a race was right: pure, from what the sandbox received and when a STOP was answered."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

CONFIRMATION: Final = "reply_optout"
"""The one message that may follow a STOP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message as the sandbox received it, with what it was sent for."""

    to: str
    at: datetime
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One STOP: when it was sent off, and when its webhook was answered."""

    number: str
    line: str
    sent_at: datetime
    answered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How the trials of a line ended. `late` arrived after the answer: there may be none.
    `during` arrived while the STOP was under way, `before` earlier, `never` did not at all."""

    line: str
    trials: int
    before: int
    during: int
    never: int
    late: int
    confirmed_once: int
    slowest_answer_s: float


def judge(trials: Iterable[Trial], arrivals: Sequence[Arrival]) -> list[Verdict]:
    """A verdict for each line, in the order of their names."""
    by_line: dict[str, list[Trial]] = {}
    for one in trials:
        by_line.setdefault(one.line, []).append(one)
    by_number: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        by_number.setdefault(arrival.to, []).append(arrival)
    return [_verdict(line, found, by_number) for line, found in sorted(by_line.items())]


def _verdict(
    line: str, trials: Sequence[Trial], arrivals: Mapping[str, Sequence[Arrival]]
) -> Verdict:
    ends: Counter[str] = Counter()
    confirmed = 0
    for trial in trials:
        theirs = arrivals.get(trial.number, ())
        confirmed += sum(one.purpose == CONFIRMATION for one in theirs) == 1
        asked = [one for one in theirs if one.purpose != CONFIRMATION]
        ends.update(_end(one, trial) for one in asked)
        ends["never"] += not asked
    return Verdict(
        line=line,
        trials=len(trials),
        before=ends["before"],
        during=ends["during"],
        never=ends["never"],
        late=ends["late"],
        confirmed_once=confirmed,
        slowest_answer_s=round(
            max((one.answered_at - one.sent_at).total_seconds() for one in trials), 2
        ),
    )


def _end(arrival: Arrival, trial: Trial) -> str:
    if arrival.at > trial.answered_at:
        return "late"
    return "during" if arrival.at > trial.sent_at else "before"
