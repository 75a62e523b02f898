"""`python -m tools.race`: STOP arrives while workers hold messages to that number.

A whole installation runs, with its worker processes and the sandbox as Twilio. Messages of three
practices fall due at once: one with a line that knows no limit (a batch of 500), one with 80 a
second, one with 1 a second. While they leave, each number writes a STOP that only we understand,
so that Twilio's own block list hides nothing. Exit code 1 if the sandbox received anything but
the confirmation after a STOP was acknowledged, or a confirmation came twice or not at all.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

import aiohttp
import asyncpg

from handbell.access.types import Role
from handbell.channels.types import NewLine, Provider
from handbell.entrypoints import embedded
from handbell.entrypoints.bootstrap import open_runtime
from handbell.platform.clock import SystemClock
from handbell.platform.db import OrganizationId
from tools.chaos.installation import Installation, open_installation
from tools.chaos.people import noon_zone, numbers
from tools.race.judging import CONFIRMATION, Arrival, Trial, Verdict, judge
from tools.rush.__main__ import Rush, Tenant

FIRST_PORT: Final = 19_400
STOP: Final = "please stop texting me"
LATENCY_MS: Final = 700
"""How long the sandbox takes to answer: so long is a message in flight."""
QUIET_SECONDS: Final = 3.0
AT_ONCE: Final = 40
"""STOPs on their way together; those behind them are sent off when one is answered."""
TRIES: Final = 5
_RATE: Final = "UPDATE sender_lines SET rate_per_second = $2 WHERE address = $1"
_PURPOSES: Final = """
SELECT a.token, m.purpose FROM message_attempts a JOIN messages m ON m.id = a.message_id
"""
_WAITING: Final = """
SELECT (SELECT count(*) FROM messages WHERE lifecycle IN ('scheduled', 'queued', 'sending'))
    + (SELECT count(*) FROM outbox WHERE topic = 'webhooks.apply' AND not_before <= now())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A practice's line: its rate, its share of the trials, and for how long STOPs come in."""

    name: str
    address: str
    rate: float | None
    share: float
    seconds: float

    def trials(self, of: int) -> int:
        return max(1, round(self.share * of))


COURSES: Final = (
    Course(name="no limit", address="+13045550100", rate=None, share=0.5, seconds=4.0),
    Course(name="80/s", address="+13045550101", rate=80.0, share=0.44, seconds=5.0),
    Course(name="1/s", address="+13045550102", rate=1.0, share=0.06, seconds=12.0),
)


async def run(home: Path, *, trials: int, seed: int, seconds: float) -> list[Verdict]:
    """Play it; a verdict for each line."""
    installation = await open_installation(home, first_port=FIRST_PORT)
    stop = asyncio.Event()
    verdicts: list[Verdict] = []

    async def playing() -> None:
        try:
            verdicts.extend(await _race(installation, trials, seed, seconds))
        finally:
            stop.set()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(installation.run(stop))
            group.create_task(playing())
    finally:
        await asyncio.to_thread(installation.servers.stop)
    return verdicts


async def _race(
    installation: Installation, trials: int, seed: int, seconds: float
) -> list[Verdict]:
    tenants = await _make_tenants(installation, trials)
    async with aiohttp.ClientSession() as session:
        rush = Rush(installation, session)
        await rush.until_ready()
        own = [{"sender": one.address, "number": one.address} for one in COURSES]
        await rush.ask("PUT", f"{rush.sandbox}/numbers", "", own)
        await rush.settle_in(tenants, noon_zone(await SystemClock().now()))
        faults = {"provider": "twilio", "latency_ms": LATENCY_MS}
        await rush.ask("PUT", f"{rush.sandbox}/faults", "", faults)
        await rush.release()
        stopped = await _stop_all(rush, tenants, random.Random(seed))  # noqa: S311 - play
        await _until_quiet(installation, seconds)
        return judge(stopped, await _arrivals(rush, installation))


async def _make_tenants(installation: Installation, trials: int) -> list[Tenant]:
    runtime, phones, tenants = open_runtime(installation.settings), numbers(), []
    await runtime.write_accounts()
    now = await runtime.clock.now()
    try:
        for course in COURSES:
            made = await runtime.organizations.create(name=f"Practice {course.name}", now=now)
            key = await runtime.access.create_api_key(
                made.id, name="race", role=Role.ADMIN, now=now
            )
            line = NewLine(address=course.address)
            owner = OrganizationId(made.id)
            await runtime.provider_accounts.lend(
                owner, Provider.TWILIO, line, actor="operator", now=now
            )
            addresses = tuple(("sms", next(phones)) for _ in range(course.trials(trials)))
            tenants.append(Tenant(id=made.id, key=key.key, addresses=addresses))
    finally:
        await runtime.close()
    connection = await asyncpg.connect(installation.settings.database_url)
    for course in COURSES:
        await connection.execute(_RATE, course.address, course.rate)
    await connection.close()
    return tenants


async def _stop_all(rush: Rush, tenants: Sequence[Tenant], chance: random.Random) -> list[Trial]:
    """Every number writes once, each at an instant of its own while the messages leave."""
    clock, gate = SystemClock(), asyncio.Semaphore(AT_ONCE)

    async def one(course: Course, number: str, wait: float) -> Trial:
        await asyncio.sleep(wait)
        async with gate:
            sent_at = await clock.now()
            await _stop(rush, number, course.address)
            answered_at = await clock.now()
        return Trial(number=number, line=course.name, sent_at=sent_at, answered_at=answered_at)

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(one(course, number, chance.uniform(0.0, course.seconds)))
            for course, tenant in zip(COURSES, tenants, strict=True)
            for _, number in tenant.addresses
        ]
    return [task.result() for task in tasks]


async def _stop(rush: Rush, number: str, line: str) -> None:
    """Write until it is acknowledged, as a provider repeats what nobody answered in time."""
    body = {"channel": "sms", "from": number, "to": line, "body": STOP}
    for _ in range(TRIES):
        if await rush.ask("POST", f"{rush.sandbox}/replies", "", body) == {"delivered": True}:
            return
    raise RuntimeError(f"A STOP was not acknowledged in {TRIES} tries")


async def _until_quiet(installation: Installation, seconds: float) -> None:
    """Until nothing is to leave any more, and what left has been told of."""
    connection = await asyncpg.connect(installation.settings.database_url)
    give_up = monotonic() + seconds
    while await connection.fetchval(_WAITING) and monotonic() < give_up:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    await connection.close()
    await asyncio.sleep(QUIET_SECONDS)


async def _arrivals(rush: Rush, installation: Installation) -> list[Arrival]:
    connection = await asyncpg.connect(installation.settings.database_url)
    purposes = {row["token"]: row["purpose"] for row in await connection.fetch(_PURPOSES)}
    await connection.close()
    rows: list[dict[str, Any]] = await rush.arrivals(0, seconds=0.0)
    return [
        Arrival(
            to=row["to"],
            at=datetime.fromisoformat(row["at"]),
            purpose=purposes.get(row["token"], "unknown"),
        )
        for row in rows
    ]


def _print(verdicts: Sequence[Verdict]) -> None:
    head = ("line", "trials", "before", "during", "never", "late", "confirmed", "slowest s")
    print(" | ".join(f"{name:>9}" for name in head))
    for one in verdicts:
        print(" | ".join(f"{value!s:>9}" for value in asdict(one).values()))
    trials, late = sum(one.trials for one in verdicts), sum(one.late for one in verdicts)
    print(f"{trials} trials; received after the acknowledgement, but for {CONFIRMATION}: {late}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.race", description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=240, help="longest wait for the rest")
    parser.add_argument("--json", type=Path, help="write the verdicts to this file")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="handbell-race-"))
    try:
        verdicts = asyncio.run(
            run(home, trials=asked.trials, seed=asked.seed, seconds=asked.seconds)
        )
    finally:
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)
    _print(verdicts)
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(one) for one in verdicts], indent=2) + "\n")
    is_right = all(one.late == 0 and one.confirmed_once == one.trials for one in verdicts)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
