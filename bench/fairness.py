"""`python -m bench fairness`: one organisation's crowd of due messages, and another's five.

The second organisation has five messages due again and again, first alone, then while the
first one's crowd is on its way in the same lane. The waits end when a worker has taken a message
on. What counts is how many of the crowd were taken on meanwhile: no more than an organisation
may have out at once, however many are due.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from bench.crowd import FIRST_ID, Crowd, gather
from bench.lanes import Lanes, percentiles_ms, shown
from bench.world import NotAsExpected
from handbell.access.types import FIRST_ORGANIZATION
from handbell.channels.types import NewLine, Provider
from handbell.delivery.types import SHARE
from handbell.platform.db import OrganizationId

FEW: Final = 5
ALONE: Final = 5
"""Rounds without the crowd."""
PAUSE_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 120.0
_TAKEN: Final = """
SELECT started_at FROM message_attempts WHERE message_id > $1 AND message_id <= $1 + $2
"""
_BETWEEN: Final = """
SELECT count(*) FROM message_attempts
WHERE message_id > $1 AND message_id <= $1 + $2 AND started_at BETWEEN $3 AND $4
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """One round: how long each of the five waited, and how many of the crowd left meanwhile."""

    waits: tuple[timedelta, ...]
    others: int


async def measure(lanes: Lanes, *, messages: int, rounds: int) -> dict[str, Any]:
    """Rounds of the five, alone and behind so many due messages of another organisation."""
    crowd = await _crowd(lanes, messages)
    few = await _few(lanes, FEW * (ALONE + rounds))
    alone = [await _turn(lanes, crowd, few, no) for no in range(ALONE)]
    await crowd.release(now=await lanes.runtime.clock.now())
    behind = []
    for no in range(ALONE, ALONE + rounds):
        await asyncio.sleep(PAUSE_SECONDS)
        behind.append(await _turn(lanes, crowd, few, no))
    sent = len(await lanes.connection.fetch(_TAKEN, crowd.first_id, crowd.count))
    if not 0 < sent < messages:
        raise NotAsExpected("The crowd was not on its way while it was measured.")
    most = max(one.others for one in behind)
    return {
        "messages": messages,
        "rounds": rounds,
        "alone": percentiles_ms([wait for one in alone for wait in one.waits]),
        "behind": percentiles_ms([wait for one in behind for wait in one.waits]),
        "others_meanwhile": [one.others for one in behind],
        "most_others": most,
        "is_met": most <= SHARE,
    }


async def _crowd(lanes: Lanes, messages: int) -> Crowd:
    person = await asyncio.to_thread(lanes.person, "crowd")
    return await gather(
        lanes.runtime, lanes.connection, FIRST_ORGANIZATION, person.id, count=messages
    )


async def _few(lanes: Lanes, count: int) -> Crowd:
    """Another organisation with a mailbox of its own and so many messages for later."""
    runtime, now = lanes.runtime, await lanes.runtime.clock.now()
    made = await runtime.organizations.create(
        name="Hillside Clinic", now=now, phone="212-555-0101", postal_address="2 Main St"
    )
    await runtime.provider_accounts.lend(
        OrganizationId(made.id),
        Provider.SENDGRID,
        NewLine(address="hillside@practice.example.org"),
        actor="operator",
        now=now,
    )
    key = await asyncio.to_thread(_key, lanes, made.id)
    person = await asyncio.to_thread(lanes.person, "few", key=key)
    return await gather(
        runtime,
        lanes.connection,
        OrganizationId(made.id),
        person.id,
        count=count,
        first_id=10 * FIRST_ID,
    )


def _key(lanes: Lanes, organization_id: int) -> str:
    made = lanes.installation.handbell(
        *("api-key", "create", "--org", str(organization_id), "--name", "few", "--role", "admin")
    )
    return str(made["key"])


async def _turn(lanes: Lanes, crowd: Crowd, few: Crowd, no: int) -> Turn:
    due = await lanes.runtime.clock.now()
    await few.release(now=due, skip=no * FEW, count=FEW)
    taken = await _until_taken(lanes.connection, few.first_id + no * FEW)
    others = await lanes.connection.fetchval(
        _BETWEEN, crowd.first_id, crowd.count, due, max(taken)
    )
    return Turn(waits=tuple(at - due for at in taken), others=others)


async def _until_taken(connection: asyncpg.Connection, after: int) -> list[datetime]:
    """When each of the five was taken on, as soon as all were."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(rows := await connection.fetch(_TAKEN, after, FEW)) < FEW:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
    return [row["started_at"] for row in rows]


def lines(figures: dict[str, Any]) -> list[str]:
    """The figures for people; the last line says whether the aim is met."""
    behind = figures["behind"]
    word = "met" if figures["is_met"] else "not met"
    last = (
        f"due to worker: p50 {behind['p50_ms']} ms, p99 {behind['p99_ms']} ms; at most"
        f" {figures['most_others']} others in between; aim <= {SHARE}: {word}"
    )
    return [
        shown("alone", figures["alone"]),
        shown(f"behind {figures['messages']} of another organisation", behind),
        f"of the crowd taken on meanwhile: {figures['others_meanwhile']}",
        last,
    ]
