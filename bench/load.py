"""Calls in a closed loop from several clients, and how long they took."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import count
from statistics import quantiles
from time import perf_counter

Call = Callable[[int, int], Awaitable[None]]
"""One call: the client's number, and the call's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was done in so many seconds. Work that is not a call has no latencies."""

    count: int
    seconds: float
    latencies: tuple[float, ...] = ()

    @property
    def per_second(self) -> float:
        return self.count / self.seconds

    def percentile_ms(self, percent: int) -> float | None:
        if len(self.latencies) < 2:  # noqa: PLR2004 - of a single call there is no distribution
            return None
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


def joined(parts: Iterable[Measured]) -> Measured:
    """Several measurements as one."""
    every = list(parts)
    return Measured(
        count=sum(one.count for one in every),
        seconds=sum(one.seconds for one in every),
        latencies=tuple(latency for one in every for latency in one.latencies),
    )


async def run(
    call: Call, *, clients: int, most_seconds: float, most_calls: int | None = None
) -> Measured:
    """Call until the seconds are over or the calls are made. A client waits for its answer
    before it calls again, so that a slow server is asked less and not drowned."""
    numbers = count() if most_calls is None else iter(range(most_calls))
    latencies: list[float] = []
    began = perf_counter()

    async def call_on(client: int) -> None:
        while perf_counter() - began < most_seconds:
            number = next(numbers, None)
            if number is None:
                return
            start = perf_counter()
            await call(client, number)
            latencies.append(perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for client in range(clients):
            group.create_task(call_on(client))
    seconds = perf_counter() - began
    return Measured(count=len(latencies), seconds=seconds, latencies=tuple(latencies))
