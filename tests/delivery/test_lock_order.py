"""A STOP and whoever else changes a patient's messages take the rows in one order."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.delivery.desk import Desk

from handbell.delivery import waiting
from handbell.platform.db import Database

HOLD = "SELECT id FROM messages WHERE id = :id FOR NO KEY UPDATE"
GRAB = f"{HOLD} NOWAIT"


@pytest.mark.requirement("R1.6", "R5.3")
@pytest.mark.parametrize("who", ["stop", "put_back"])
async def test_the_message_that_is_due_first_is_taken_first_and_nobody_waits_in_a_ring(
    desk: Desk, db: Database, practice: Any, who: str
) -> None:
    patient = await practice.patient()
    later = await desk.order(patient, "later")
    sooner = await desk.order(patient, "sooner")
    due = desk.clock.instant - timedelta(hours=1)
    await practice.execute("UPDATE messages SET lifecycle = 'queued'")
    await practice.execute(
        "UPDATE messages SET scheduled_at = :due WHERE id = :id", due=due, id=sooner
    )

    async def act() -> None:
        if who == "stop":
            await desk.stop([await desk.address()])
        else:
            at = desk.clock.instant
            await waiting.put_back(db.direct, [(later, at), (sooner, at)])

    async with db.transaction(practice.id) as tx:
        await tx.execute(text(HOLD), {"id": sooner})
        task = asyncio.ensure_future(_quietly(act()))
        await _is_waiting(practice)
        await tx.execute(text(GRAB), {"id": later})
    await task


async def _quietly(work: Awaitable[None]) -> None:
    await work


async def _is_waiting(practice: Any) -> None:
    """Until somebody waits for a row."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    for _ in range(500):
        if await practice.value(query):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")
