"""The dispatcher's lanes do not wait for each other."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import asyncpg
import pytest

from handbell.delivery.types import Due, Leased
from handbell.entrypoints.bootstrap import Runtime
from handbell.entrypoints.dispatcher import dispatch_forever, look
from handbell.messages.types import Lifecycle, SendOrder
from handbell.platform import outbox
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Channel, Lane, Purpose
from handbell.scheduling.types import At

SECONDS = 5.0


@dataclass
class FakeDelivery:
    """One urgent message is due; a lease of marketing never comes to an end."""

    urgent: list[int] = field(default_factory=lambda: [7])
    is_stuck: asyncio.Event = field(default_factory=asyncio.Event)

    async def lease_due(self, lane: Lane, *, now: datetime) -> list[Leased]:  # noqa: ARG002
        if lane is Lane.MARKETING:
            self.is_stuck.set()
            await asyncio.Event().wait()
        ids, self.urgent = tuple(self.urgent), []
        return [_leased(lane, ids)] if ids else []

    async def look(self, *, now: datetime) -> Due:  # noqa: ARG002
        return Due(lanes=(Lane.URGENT,), has_work=True)


@dataclass
class FakeBroker:
    """Notes in which lane a job was put."""

    lanes: list[str] = field(default_factory=list)
    is_told: asyncio.Event = field(default_factory=asyncio.Event)

    def enqueue(self, message: Any) -> None:
        self.lanes.append(message.queue_name)
        self.is_told.set()


@dataclass
class FakeRuntime:
    clock: FrozenClock
    delivery: FakeDelivery = field(default_factory=FakeDelivery)


def _leased(lane: Lane, ids: tuple[int, ...]) -> Leased:
    return Leased(
        organization_id=OrganizationId(1), channel=Channel.SMS, lane=lane, message_ids=ids
    )


@pytest.mark.requirement("R9.7")
async def test_an_urgent_message_does_not_wait_for_a_slow_lease_of_another_lane(
    clock: FrozenClock,
) -> None:
    fake, broker, stop = FakeRuntime(clock), FakeBroker(), asyncio.Event()
    runtime = cast("Runtime", fake)
    wakes = {lane: asyncio.Event() for lane in (Lane.MARKETING, Lane.URGENT)}
    loops = [
        asyncio.ensure_future(
            dispatch_forever(runtime, cast("Any", broker), lane, wake=wake, stop=stop)
        )
        for lane, wake in wakes.items()
    ]
    async with asyncio.timeout(SECONDS):
        wakes[Lane.MARKETING].set()
        await fake.delivery.is_stuck.wait()
        wakes[Lane.URGENT].set()
        await broker.is_told.wait()
    assert broker.lanes == ["urgent"]
    for loop in loops:
        loop.cancel()


async def test_a_look_wakes_the_lanes_that_have_something_due(clock: FrozenClock) -> None:
    wakes = {lane: asyncio.Event() for lane in Lane}
    assert await look(cast("Runtime", FakeRuntime(clock)), wakes) == 2
    assert {lane for lane, wake in wakes.items() if wake.is_set()} == {Lane.URGENT, Lane.JOBS}


@pytest.mark.requirement("R9.7")
async def test_a_commit_names_the_lanes_of_what_is_due_and_wakes_nobody_for_later(
    practice: Any, clock: FrozenClock, owner_url: str
) -> None:
    patient, told = await practice.patient(), asyncio.Queue[str]()
    listening = await asyncpg.connect(owner_url)
    await listening.add_listener(outbox.WAKE, lambda *heard: told.put_nowait(str(heard[-1])))

    async def order(key: str, at: datetime, purpose: Purpose = Purpose.RX_REFILL) -> None:
        one = SendOrder(
            patient_id=patient, purpose=purpose, anchor=At(at), order_key=key, ordered_by="tests"
        )
        admitted = await practice.messages.admit(practice.id, one, now=clock.instant)
        assert admitted.lifecycle is Lifecycle.SCHEDULED, admitted

    await order("later", clock.instant.replace(hour=clock.instant.hour + 1))
    await order("now", clock.instant)
    await order("urgent", clock.instant, Purpose.URGENT)
    async with asyncio.timeout(SECONDS):
        assert [await told.get(), await told.get()] == ["care", "urgent"]
    await listening.close()
