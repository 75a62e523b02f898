"""`python -m bench urgent`: from the commit of an urgent message to the call of its provider.

Orders go through the product's own admission, one after the other, first on an idle
installation and then behind a crowd of due marketing messages. The clock starts right before
the commit and stops when the sandbox has received the call.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bench.crowd import gather
from bench.lanes import Lanes, Person, percentiles_ms, shown
from bench.world import NotAsExpected
from handbell.access.types import FIRST_ORGANIZATION
from handbell.messages.types import SendOrder
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, LANE_OF_CLASS, Channel, Purpose
from handbell.scheduling.types import At

AIM_MS: Final = 50.0
PURPOSES: Final = (Purpose.URGENT, Purpose.REPLY_HELP)
EVERY_SECONDS: Final = 0.1
WARM_UP: Final = 5
"""Orders of each lane before it counts: connections are opened as they are needed."""
PATIENCE_SECONDS: Final = 60.0
_LEFT: Final = """
SELECT count(*) FROM messages WHERE id = ANY($1::bigint[]) AND lifecycle <> 'accepted'
"""
_ATTEMPTS: Final = """
SELECT message_id, token, started_at FROM message_attempts WHERE message_id = ANY($1::bigint[])
"""
_SENT: Final = "SELECT count(*) FROM messages WHERE id > $1 AND sent_at IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Waits:
    """Of one message: until a worker had it, and until the provider had it."""

    worker: timedelta
    provider: timedelta


async def measure(lanes: Lanes, *, messages: int, samples: int) -> dict[str, Any]:
    """Both lanes, idle and behind so many due marketing messages."""
    person = await asyncio.to_thread(lanes.person, "urgent")
    crowd = await gather(
        lanes.runtime, lanes.connection, FIRST_ORGANIZATION, person.id, count=messages
    )
    figures: dict[str, Any] = {"messages": messages, "samples": samples}
    figures["idle"] = await _both(lanes, person, samples)
    await crowd.release(now=await lanes.runtime.clock.now())
    sent_before = await lanes.connection.fetchval(_SENT, crowd.first_id)
    figures["behind"] = await _both(lanes, person, samples)
    sent_after = await lanes.connection.fetchval(_SENT, crowd.first_id)
    figures["marketing_sent_meanwhile"] = sent_after - sent_before
    if sent_after - sent_before == 0 or sent_after == messages:
        raise NotAsExpected("The crowd was not on its way while it was measured.")
    cases = [*figures["idle"].values(), *figures["behind"].values()]
    worst = {name: max(one[name] for one in cases) for name in ("p50_ms", "p99_ms")}
    return figures | worst | {"is_met": worst["p99_ms"] <= AIM_MS}


async def _both(lanes: Lanes, person: Person, samples: int) -> dict[str, Any]:
    """Orders of both lanes in turn; the figures of each."""
    ordered: dict[Purpose, dict[int, datetime]] = {purpose: {} for purpose in PURPOSES}
    for _ in range(WARM_UP + samples):
        for purpose in PURPOSES:
            message_id, committed_at = await _order(lanes, person, purpose)
            ordered[purpose][message_id] = committed_at
            await asyncio.sleep(EVERY_SECONDS)
    arrived = await _arrivals(lanes, person, [one for of in ordered.values() for one in of])
    return {
        LANE_OF_CLASS[CLASS_OF_PURPOSE[purpose]].value: _figures(of, arrived)
        for purpose, of in ordered.items()
    }


async def _order(lanes: Lanes, person: Person, purpose: Purpose) -> tuple[int, datetime]:
    """Admit one message; its id, and the instant right before the commit."""
    now = await lanes.runtime.clock.now()
    order = SendOrder(
        patient_id=person.id,
        purpose=purpose,
        anchor=At(now),
        order_key=f"{purpose} {now.isoformat()}",
        ordered_by="bench",
        channel=Channel.SMS,
        answers_at=now if purpose is Purpose.REPLY_HELP else None,
    )
    async with lanes.runtime.db.transaction(FIRST_ORGANIZATION) as tx:
        (admitted,) = await lanes.runtime.messages.admit_in(
            tx, FIRST_ORGANIZATION, [order], now=now
        )
        if admitted.scheduled_at != now:
            raise NotAsExpected(f"{purpose} is not due at once: {admitted.reasons}")
        committed_at = await lanes.runtime.clock.now()
    return int(admitted.message_id), committed_at


async def _arrivals(
    lanes: Lanes, person: Person, message_ids: Sequence[int]
) -> dict[int, tuple[datetime, datetime]]:
    """When a worker took each message, and when the provider received it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await lanes.connection.fetchval(_LEFT, message_ids):  # noqa: ASYNC110
            await asyncio.sleep(EVERY_SECONDS)
    received = await lanes.arrived(person.number)
    rows = await lanes.connection.fetch(_ATTEMPTS, message_ids)
    if len(rows) != len(message_ids):
        raise NotAsExpected("A message was tried more than once.")
    return {row["message_id"]: (row["started_at"], received[row["token"]]) for row in rows}


def _figures(
    ordered: dict[int, datetime], arrived: dict[int, tuple[datetime, datetime]]
) -> dict[str, Any]:
    counted = list(ordered.items())[WARM_UP:]
    waits = [
        Waits(worker=arrived[one][0] - committed_at, provider=arrived[one][1] - committed_at)
        for one, committed_at in counted
    ]
    to_worker = percentiles_ms([one.worker for one in waits])
    return percentiles_ms([one.provider for one in waits]) | {
        f"to_worker_{name}": value for name, value in to_worker.items()
    }


def lines(figures: dict[str, Any]) -> list[str]:
    """The figures for people; the last line says whether the aim is met."""
    told = [
        shown(f"{lane}, {when}", figures[when][lane])
        for when in ("idle", "behind")
        for lane in figures[when]
    ]
    told.append(
        f"behind {figures['messages']} due marketing messages, of which"
        f" {figures['marketing_sent_meanwhile']} were sent meanwhile"
    )
    word = "met" if figures["is_met"] else "not met"
    told.append(
        f"commit to provider call: p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms (the"
        f" slowest case); aim p99 <= {AIM_MS:.0f} ms: {word}"
    )
    return told
