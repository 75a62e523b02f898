"""The figures as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from rich.table import Table

from bench.load import Measured, joined
from bench.world import CLIENTS

Round = dict[str, Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A scenario and a floor of it, by their names in a round."""

    scenario: str
    floor: str
    title: str
    floor_title: str
    aim: float | None = None
    """The least ratio that is aimed at; None where the floor is not the one of the aim."""

    def ratio(self, rounds: Sequence[Round]) -> float:
        """The middle one of the rounds' ratios: each compares what ran within seconds."""
        return median(one[self.scenario].per_second / one[self.floor].per_second for one in rounds)


COMPARISONS: Final = (
    Comparison(
        scenario="webhook",
        floor="live",
        title="webhook intake",
        floor_title="bare HTTP",
    ),
    Comparison(
        scenario="webhook",
        floor="insert",
        title="webhook intake",
        floor_title="bare INSERT",
    ),
    Comparison(
        scenario="reply",
        floor="webhook",
        title="C until applied",
        floor_title="webhook intake",
    ),
    Comparison(
        scenario="schedule",
        floor="live",
        title="POST /comm/schedule",
        floor_title="bare HTTP",
    ),
    Comparison(
        scenario="schedule",
        floor="insert",
        title="POST /comm/schedule",
        floor_title="bare INSERT",
    ),
    Comparison(
        scenario="send",
        floor="bare_send",
        title="due to sent",
        floor_title="bare loop",
        aim=0.7,
    ),
)


def table(rounds: Sequence[Round]) -> Table:
    shown = Table(title=f"{len(rounds)} rounds, {CLIENTS} clients, {os.cpu_count()} cores")
    shown.add_column("scenario")
    for name in ("per s", "p50 ms", "p99 ms"):
        shown.add_column(name, justify="right")
    shown.add_column("floor")
    for name in ("per s", "ratio", "aim"):
        shown.add_column(name, justify="right")
    for one in COMPARISONS:
        engine = joined(found[one.scenario] for found in rounds)
        floor = joined(found[one.floor] for found in rounds)
        shown.add_row(
            one.title,
            f"{engine.per_second:.0f}",
            _shown(engine.percentile_ms(50)),
            _shown(engine.percentile_ms(99)),
            one.floor_title,
            f"{floor.per_second:.0f}",
            f"{one.ratio(rounds):.2f}",
            "" if one.aim is None else f">= {one.aim:.2f}",
        )
    return shown


def verdict(rounds: Sequence[Round]) -> str:
    """How many of those that have an aim meet it."""
    met = [one.ratio(rounds) >= one.aim for one in COMPARISONS if one.aim is not None]
    return f"{sum(met)} of {len(met)} meet their aim"


def _shown(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.1f}"


def machine(*, load_before: float, seconds: float) -> dict[str, Any]:
    """Where and how long it was measured."""
    return {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load_before": round(load_before, 2),
        "seconds": round(seconds, 1),
    }


def as_json(rounds: Sequence[Round], *, load_before: float, seconds: float) -> dict[str, Any]:
    return machine(load_before=load_before, seconds=seconds) | {
        "clients": CLIENTS,
        "rounds": len(rounds),
        "figures": {name: _figures([one[name] for one in rounds]) for name in rounds[0]},
        "ratios": [
            {
                "scenario": one.scenario,
                "floor": one.floor,
                "ratio": round(one.ratio(rounds), 3),
                "aim": one.aim,
            }
            for one in COMPARISONS
        ],
    }


def _figures(parts: Sequence[Measured]) -> dict[str, Any]:
    whole = joined(parts)
    return {
        "count": whole.count,
        "per_second": round(whole.per_second, 1),
        "per_second_by_round": [round(one.per_second, 1) for one in parts],
        "p50_ms": _rounded(whole.percentile_ms(50)),
        "p99_ms": _rounded(whole.percentile_ms(99)),
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)
