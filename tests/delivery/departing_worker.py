"""A worker-like process: sends through a gate and prints when each message left.

`departing_worker.py REDIS_URL RATE UNITS`; the instants are of the machine's monotonic clock, in
microseconds.
"""

import asyncio
import json
import os
import random
import sys
import time

from redis.asyncio import Redis

from handbell.channels.types import Accepted, Outbound, Outcome, SmsContent
from handbell.delivery.departing import Gate, GatedSender, units_of
from handbell.delivery.limits import Bucket, Limits

TOGETHER = 16


class Leaving:
    """Notes the instant at which a call begins; its answer takes a while."""

    def __init__(self) -> None:
        self.left: list[tuple[int, int]] = []

    async def send(self, out: Outbound) -> Outcome:
        self.left.append((time.monotonic_ns() // 1000, units_of(out)))
        return Accepted(provider_ref="ref")


async def main(url: str, rate: float, units: int) -> None:
    client = Redis.from_url(url, decode_responses=True)
    gate = Gate(Limits(client), (Bucket(name="line", rate=rate),))
    chance, leaving = random.Random(os.getpid()), Leaving()
    sender = GatedSender(leaving, gate, [])
    ordered = 0

    async def one_after_another() -> None:
        nonlocal ordered
        while ordered < units:
            text = "x" * chance.choice((20, 20, 20, 200))
            out = Outbound(
                sender="+12125550100",
                to="+12125550123",
                content=SmsContent(text=text),
                attempt_token="token",
            )
            ordered += units_of(out)
            while not isinstance(await sender.send(out), Accepted):
                pass

    async with asyncio.TaskGroup() as group:
        for _ in range(TOGETHER):
            group.create_task(one_after_another())
    await gate.settle()
    sys.stdout.write(json.dumps(leaving.left))
    await client.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
