"""`python -m bench.pacing [--json FILE]`: two processes send through one limited line.

A stub on loopback takes the calls and answers some of them 429. For each rate the figures are:
calls per second; the share of what the buckets allowed (their present rate, summed up over
the time); the most calls in any sliding second, which may not be above the rate. What a process
counts is the instant right before its call.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any, Final

from aiohttp import web
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from handbell.channels.types import Accepted, Outbound, Outcome, Retry, SmsContent
from handbell.delivery.departing import Gate, GatedSender
from handbell.delivery.limits import Bucket, Limits
from handbell.entrypoints import embedded
from handbell.platform.transport import AiohttpTransport, Answer

RATES: Final = (1.0, 75.0, 80.0)
SECONDS: Final = {1.0: 20.0}
USUAL_SECONDS: Final = 20.0
PROCESSES: Final = 2
TOGETHER: Final = 48
TOO_MANY_EVERY: Final = {1.0: 13, 75.0: 500, 80.0: 500}
"""Every so many calls the stub answers 429."""
LOOK_SECONDS: Final = 0.05
OUT: Final = Outbound(
    sender="+12025550100",
    to="+12025550123",
    content=SmsContent(text="Your visit is on Tuesday."),
    attempt_token="token",  # noqa: S106 - not a secret
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """What came of one rate; `share` is of what the buckets allowed."""

    rate: float
    seconds: float
    calls: int
    refused: int
    per_second: float
    share: float
    most_in_a_second: int


class Posting:
    """Posts to the stub and notes when."""

    def __init__(self, transport: AiohttpTransport, url: str) -> None:
        self._transport = transport
        self._url = url
        self.left: list[float] = []

    async def send(self, out: Outbound) -> Outcome:
        self.left.append(monotonic())
        answer: Answer = await self._transport.post(
            self._url, headers={}, body=out.to.encode("ascii")
        )
        return Retry(code="http_429") if answer.status != 200 else Accepted(provider_ref="1")  # noqa: PLR2004


async def send_on(redis_url: str, url: str, rate: float, seconds: float) -> None:
    """What one process does for so long: as much as it may."""
    client = Redis.from_url(redis_url, decode_responses=True)
    limits, buckets = Limits(client), (Bucket(name="line", rate=rate),)
    gate = Gate(limits, buckets)
    async with AiohttpTransport() as transport:
        posting = Posting(transport, url)
        sender = GatedSender(posting, gate, [])
        until = monotonic() + seconds

        async def one_after_another() -> None:
            while monotonic() < until:
                outcome = await sender.send(OUT)
                if isinstance(outcome, Retry) and outcome.code == "http_429":
                    await limits.slow(buckets)

        async with asyncio.TaskGroup() as group:
            for _ in range(TOGETHER):
                group.create_task(one_after_another())
        await gate.settle()
    await client.aclose()
    sys.stdout.write("\n" + json.dumps(posting.left))


class Stub:
    """Takes calls; every so many are answered 429."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._calls = 0
        self.refused = 0

    async def take(self, _request: web.Request) -> web.Response:
        self._calls += 1
        if self._calls % self._every:
            return web.Response()
        self.refused += 1
        return web.Response(status=429)


async def measure(redis_url: str, rate: float) -> Paced:
    stub, client = Stub(TOO_MANY_EVERY[rate]), Redis.from_url(redis_url, decode_responses=True)
    await client.flushall()
    app = web.Application()
    app.router.add_post("/", stub.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (address,) = runner.addresses
    seconds = SECONDS.get(rate, USUAL_SECONDS)
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.pacing", "--redis", redis_url),
            *("--url", f"http://127.0.0.1:{address[1]}/", "--rate", str(rate)),
            *("--seconds", str(seconds)),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        bucket = Bucket(name="line", rate=rate)
        watching = group.create_task(_watch(Limits(client), bucket, done))
        outputs = [await process.communicate() for process in processes]
        done.set()
    allowed = watching.result()
    await runner.cleanup()
    await client.aclose()
    left = sorted(at for out, _ in outputs for at in json.loads(out.splitlines()[-1]))
    return _to_paced(rate, left, allowed, refused=stub.refused)


async def _watch(limits: Limits, bucket: Bucket, done: asyncio.Event) -> list[tuple[float, float]]:
    """The bucket's present rate, again and again."""
    seen = []
    while not done.is_set():
        (pace,) = await limits.look((bucket,))
        seen.append((monotonic(), pace.rate))
        await asyncio.sleep(LOOK_SECONDS)
    return seen


def _to_paced(
    rate: float, left: Sequence[float], seen: Sequence[tuple[float, float]], *, refused: int
) -> Paced:
    """From the first call to a period before the last: the last period has not passed."""
    first, last = left[0], left[-1] - 1
    allowed = sum(
        pace * (after - at) for (at, pace), (after, _) in pairwise(seen) if first <= at <= last
    )
    return Paced(
        rate=rate,
        seconds=round(last - first, 2),
        calls=len(left),
        refused=refused,
        per_second=round(_until(left, last) / (last - first), 2),
        share=round(_until(left, last) / allowed, 3),
        most_in_a_second=max(_in_a_second(left, start) for start in left),
    )


def _until(left: Sequence[float], last: float) -> int:
    return sum(1 for at in left if at <= last)


def _in_a_second(left: Sequence[float], start: float) -> int:
    return sum(1 for at in left if start <= at < start + 1)


def shown(found: Sequence[Paced]) -> Table:
    table = Table(title=f"{PROCESSES} processes on one line")
    for name in ("rate", "per s", "429s", "share of allowed", "most in a second"):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            f"{one.rate:g}",
            f"{one.per_second:.2f}",
            str(one.refused),
            f"{one.share:.3f}",
            str(one.most_in_a_second),
        )
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pacing", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    for name, kind in (("redis", str), ("url", str), ("rate", float), ("seconds", float)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.url:
        asyncio.run(send_on(told.redis, told.url, told.rate, told.seconds))
        return 0
    found = asyncio.run(_all())
    Console().print(shown(found))
    if told.json is not None:
        told.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")
    return 0


async def _all() -> list[Paced]:
    home = Path(tempfile.mkdtemp(prefix="handbell-pacing-"))
    server: Any = embedded.start_valkey(home, durable=False)
    try:
        return [await measure(server.redis_url, rate) for rate in RATES]
    finally:
        server.stop()
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
