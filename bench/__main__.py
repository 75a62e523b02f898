"""`python -m bench [--json FILE]`: start an installation, measure in rounds, show the figures.

It ends by itself within a minute, and what it started ends with it. `python -m bench urgent` and
`python -m bench fairness` measure the lanes instead, and take as long as their sizes need.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from time import monotonic
from typing import Any, Final

from rich.console import Console
from tests.journeys.conftest import Installation, installed

from bench import fairness, lanes, urgent
from bench.floors import Floors
from bench.report import Round, as_json, machine, table, verdict
from bench.scenarios import Scenarios
from bench.world import FIRST_PORT, World, opened

MOST_ROUNDS: Final = 4
"""A patient gets one message in each, and no more than five in a day."""
NO_ROUND_AFTER_SECONDS: Final = 48.0
STOP_AFTER_SECONDS: Final = 54
"""Ending the processes takes some more."""
LONGEST_SECONDS: Final = 540
"""The same for the lanes."""


def main() -> int:
    asked = _parser().parse_args()
    began, load_before = monotonic(), os.getloadavg()[0]
    if asked.scenario is None:
        _stop_in_time(STOP_AFTER_SECONDS)
        with installed(FIRST_PORT) as installation:
            rounds = asyncio.run(_measure(installation, began=began))
            signal.alarm(0)
        Console().print(table(rounds))
        sys.stdout.write(verdict(rounds) + "\n")
        figures = as_json(rounds, load_before=load_before, seconds=monotonic() - began)
    else:
        _stop_in_time(LONGEST_SECONDS)
        with installed(FIRST_PORT) as installation:
            found = asyncio.run(_measure_lanes(installation, asked))
            signal.alarm(0)
        lines = urgent.lines if asked.scenario == "urgent" else fairness.lines
        sys.stdout.write("\n".join(lines(found)) + "\n")
        figures = machine(load_before=load_before, seconds=monotonic() - began) | found
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    scenarios = parser.add_subparsers(dest="scenario")
    first = scenarios.add_parser("urgent", description=urgent.__doc__)
    first.add_argument("--messages", type=int, default=50_000, help="due marketing messages")
    first.add_argument("--samples", type=int, default=200, help="urgent messages and replies")
    second = scenarios.add_parser("fairness", description=fairness.__doc__)
    second.add_argument("--messages", type=int, default=200_000, help="due messages of the one")
    second.add_argument("--rounds", type=int, default=20, help="times that the other has five")
    return parser


async def _measure_lanes(installation: Installation, asked: argparse.Namespace) -> dict[str, Any]:
    async with lanes.opened(installation) as opened_lanes:
        if asked.scenario == "urgent":
            return await urgent.measure(
                opened_lanes, messages=asked.messages, samples=asked.samples
            )
        return await fairness.measure(opened_lanes, messages=asked.messages, rounds=asked.rounds)


def _stop_in_time(seconds: int) -> None:
    """A signal and the alarm leave as an exception does, so that everything is cleaned up."""
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, lambda no, _: sys.exit(f"Stopped by {signal.Signals(no).name}."))
    signal.alarm(seconds)


async def _measure(installation: Installation, *, began: float) -> list[Round]:
    """Round after round as long as another one fits in: product and floors in turn."""
    accounts: dict[str, str] = json.loads((installation.home / "sandbox.json").read_text())
    rounds: list[Round] = []
    async with opened(installation, accounts) as world:
        scenarios, floors = Scenarios(world), Floors(world)
        longest = 0.0
        while len(rounds) < MOST_ROUNDS:
            start = monotonic()
            if rounds and start + longest - began > NO_ROUND_AFTER_SECONDS:
                break
            rounds.append(await _round(world, scenarios, floors))
            longest = max(longest, monotonic() - start)
    return rounds


async def _round(world: World, scenarios: Scenarios, floors: Floors) -> Round:
    found: Round = {}
    for name, measure in (
        ("schedule", scenarios.schedule),
        ("live", floors.live),
        ("insert", floors.insert),
        ("send", scenarios.send),
        ("bare_send", floors.send),
        ("reply", scenarios.reply),
        ("webhook", scenarios.webhook),
    ):
        await world.until_quiet()
        found[name] = await measure()
    return found


if __name__ == "__main__":
    sys.exit(main())
