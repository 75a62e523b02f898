"""`python -m bench [--json FILE]`: start an installation, measure in rounds, show the figures.

It ends by itself within a minute, and what it started ends with it.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from time import monotonic
from typing import Final

from rich.console import Console
from tests.journeys.conftest import Installation, installed

from bench.floors import Floors
from bench.report import Round, as_json, table
from bench.scenarios import Scenarios
from bench.world import FIRST_PORT, World, opened

MOST_ROUNDS: Final = 4
"""A patient gets one message in each, and no more than five in a day."""
NO_ROUND_AFTER_SECONDS: Final = 48.0
STOP_AFTER_SECONDS: Final = 54
"""Ending the processes takes some more."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    json_file: Path | None = parser.parse_args().json
    _stop_in_time()
    began, load_before = monotonic(), os.getloadavg()[0]
    with installed(FIRST_PORT) as installation:
        rounds = asyncio.run(_measure(installation, began=began))
        signal.alarm(0)
    Console().print(table(rounds))
    if json_file is not None:
        figures = as_json(rounds, load_before=load_before, seconds=monotonic() - began)
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _stop_in_time() -> None:
    """A signal and the alarm leave as an exception does, so that everything is cleaned up."""
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, lambda no, _: sys.exit(f"Stopped by {signal.Signals(no).name}."))
    signal.alarm(STOP_AFTER_SECONDS)


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
        ("webhook", scenarios.webhook),
    ):
        await world.until_quiet()
        found[name] = await measure()
    return found


if __name__ == "__main__":
    sys.exit(main())
