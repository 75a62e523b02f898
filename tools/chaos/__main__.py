"""`python -m tools.chaos [--size quick]`: kill the product's processes under load, and count.

A run that was ended goes on where it stood, by its state file. Everything it starts is its own
and ends with it; the last line has the figures, and the exit code is 1 if one is not met.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final

import aiohttp

from handbell.platform.clock import SystemClock
from tools.chaos.installation import Installation, open_installation
from tools.chaos.judging import Findings, judge
from tools.chaos.load import Load
from tools.chaos.looking import Ask
from tools.chaos.people import make_people, noon_zone, visits_in_order
from tools.chaos.plan import SIZES, Size, Victim, victims
from tools.chaos.state import State, load

FOLDER: Final = Path("build/chaos")
REQUEST_SECONDS: Final = 30
READY_SECONDS: Final = 90
SHOWN: Final = 10


class Run:
    """One run: its state, its log, and the time that it may take."""

    def __init__(self, folder: Path, state: State, size: Size) -> None:
        self.path = folder / f"state-{state.size}.json"
        self.state = state
        self.size = size
        self._log = (folder / f"{state.size}.log").open("a", encoding="utf-8", buffering=1)
        self._before = state.spent_seconds
        self._began = monotonic()

    @property
    def seconds(self) -> float:
        return self._before + monotonic() - self._began

    def save(self) -> None:
        self.state.spent_seconds = self.seconds
        self.state.save(self.path)

    def say(self, text: str) -> None:
        line = f"{self.seconds:7.1f} s  {text}"
        print(line, flush=True)
        self._log.write(line + "\n")

    def close(self) -> None:
        self._log.close()

    async def play(self) -> bool:
        """The whole run; say whether every figure is met."""
        installation = await open_installation(Path(self.state.home))
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            return await self._beside(installation, stop)
        finally:
            await asyncio.to_thread(installation.servers.stop)

    async def _beside(self, installation: Installation, stop: asyncio.Event) -> bool:
        """Play while the processes run, and end them afterwards or on a signal."""
        outcome: list[bool] = []

        async def playing() -> None:
            try:
                left = self.size.most_seconds - self._before
                outcome.append(await asyncio.wait_for(self._play(installation), left))
            except TimeoutError:
                self.say("The time is over.")
            finally:
                stop.set()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(playing())
            group.create_task(installation.run(stop))
            await stop.wait()
            if not outcome:
                task.cancel()
        return bool(outcome) and outcome[0]

    async def _play(self, installation: Installation) -> bool:
        limit = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with aiohttp.ClientSession(timeout=limit) as session:
            one = Load(
                session=session,
                api_url=installation.ports.api_url,
                sandbox_url=str(installation.ports.sandbox_url),
                key=installation.key,
                state=self.state,
                save=self.save,
                has_time=lambda: self.seconds < self.size.loading_seconds,
            )
            await one.set_faults(self.state.seed)
            people = make_people(self.size)
            await one.open_practice()
            self.say(f"everything runs; {len(self.state.killed)} kills are done")
            visits = visits_in_order(people, self.size, seed=self.state.seed)
            await _together(
                one.book(visits, self.size),
                one.stop_some(people, self.size),
                self._kill(installation),
            )
            self.say(f"{self.state.booked} visits are booked, all is killed; now it may settle")
            ask = Ask(session, one.sandbox_url, installation.settings.database_url)
            room = self.size.most_seconds - self.seconds - 30
            left = await ask.until_quiet(seconds=min(self.size.drain_seconds, room))
            self.say(f"left to do: {left}")
            kept, ends = await ask.kept()
            self.say(f"how the messages ended: {dict(ends)}")
            self.say(f"sandbox: {await ask.sandbox('counts')}")
            found = judge(
                visits[: self.state.booked],
                await ask.received(),
                stops=self.state.stops,
                blocked=await ask.sandbox("blocked"),
                kept=kept,
                told=await ask.sandbox("told"),
            )
            dead = await ask.dead_webhooks()
            return self._report(found, installation, dead=dead)

    async def _kill(self, installation: Installation) -> None:
        """Kill all that is left to be killed, one after the other, at moments of chance."""
        chance = Random(self.state.seed + len(self.state.killed))  # noqa: S311 - to be repeated
        for victim in victims(self.size, seed=self.state.seed)[len(self.state.killed) :]:
            await asyncio.sleep(chance.uniform(*self.size.gap))
            began = monotonic()
            await installation.kill(victim, chance)
            self.state.killed.append(victim)
            self.say(f"killed {victim} ({monotonic() - began:.1f} s)")
            self.save()

    def _report(self, found: Findings, installation: Installation, *, dead: int) -> bool:
        """Say the figures, and whether all are met: a smaller run than was asked for is not."""
        starts = {name: child.starts for name, child in installation.children.items()}
        self.say(f"starts of the processes: {starts}")
        self.say(f"requests that were sent again: {self.state.repeated}")
        lists = ("lost", "twice", "unknown_without_cause", "stops_violated")
        for name in lists:
            if names := getattr(found, name):
                self.say(f"{name}: {names[:SHOWN]}")
        kills = Counter(self.state.killed)
        is_whole = found.ordered >= self.size.messages and kills.total() >= self.size.kills
        is_met = found.is_good and dead == 0 and is_whole
        self.say(
            f"{'met' if is_met else 'NOT MET'}: "
            f"{found.ordered} of {self.size.messages} messages, "
            f"{found.received} received, {len(found.lost)} lost, "
            f"{len(found.twice)} twice on one channel, "
            f"{len(found.on_two_channels)} on two channels, "
            f"{len(found.unknown)} unknown for want of callback and look-up, "
            f"{len(found.unknown_without_cause)} unknown without cause, "
            f"{found.unordered} not ordered, "
            f"{found.stops} STOPs, {len(found.stops_violated)} violated, "
            f"{dead} callbacks given up, "
            f"{sum(kills.values())} kills ({min(kills[v] for v in Victim)} of each or more), "
            f"{self.seconds / 60:.1f} minutes"
        )
        return is_met


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(work)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="full")
    parser.add_argument("--seed", type=int, default=1, help="of kills, faults and order")
    parser.add_argument("--fresh", action="store_true", help="forget a run that was ended")
    parser.add_argument("--keep", action="store_true", help="keep the home of a finished run")
    asked = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    run = _run(asked.size, seed=asked.seed, fresh=asked.fresh)
    signal.alarm(int(run.size.most_seconds - run.state.spent_seconds + READY_SECONDS))
    os.nice(1)
    is_done = False
    try:
        is_good = asyncio.run(run.play())
        is_done = True
    finally:
        run.save()
        run.close()
        if not is_done:
            print(f"What the processes wrote stands in {run.state.home}", file=sys.stderr)
    run.path.unlink()
    if not asked.keep and is_good:
        _forget(Path(run.state.home))
    return 0 if is_good else 1


def _run(size: str, *, seed: int, fresh: bool) -> Run:
    """The run that the state file tells of, or a new one."""
    path = FOLDER / f"state-{size}.json"
    state = None if fresh else load(path)
    if state is None:
        home = tempfile.mkdtemp(prefix="handbell-chaos-")
        zone = noon_zone(asyncio.run(SystemClock().now()))
        state = State(size=size, seed=seed, home=home, zone=zone)
        state.save(path)
    return Run(FOLDER, state, SIZES[size])


def _forget(home: Path) -> None:
    from handbell.entrypoints import embedded

    embedded.forget(home)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
