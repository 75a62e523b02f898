"""Whether all is quiet at the simulated instant: what the demo waits for."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import text

from handbell.channels.types import NewOrders, PauseScope
from handbell.delivery.pauses.service import PauseService
from handbell.delivery.pauses.types import NewPause
from handbell.messages.types import SendOrder
from handbell.monitoring.idle import demo_router
from handbell.platform import outbox
from handbell.platform.clock import FrozenClock
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Lane, Purpose
from handbell.scheduling.types import At

HOUR = timedelta(hours=1)
QUIET = {"outbox": 0, "queued": 0, "sending": 0, "due": 0}


async def ask(db: Database, clock: FrozenClock, *, wait_ms: int = 0) -> dict[str, Any]:
    app = FastAPI()
    app.include_router(demo_router(db, clock))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/_demo/idle", params={"wait_ms": wait_ms})
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def instant(said: str | None) -> datetime | None:
    return datetime.fromisoformat(said) if said else None


async def add_message(
    db: Database,
    organization_id: OrganizationId,
    lifecycle: str,
    scheduled_at: datetime | None,
    *,
    lane: Lane = Lane.CARE,
) -> None:
    """A row with just what the statement reads; who it is for does not matter here."""
    async with db.transaction(organization_id) as tx:
        key = await tx.execute(
            text(
                "INSERT INTO subject_keys (organization_id, wrapped_key, kek_version, created_at)"
                " VALUES (:o, '', 1, '2026-12-01Z') RETURNING id"
            ),
            {"o": organization_id},
        )
        patient = await tx.execute(
            text(
                "INSERT INTO patients (organization_id, subject_key_id, created_at)"
                " VALUES (:o, :key, '2026-12-01Z') RETURNING id"
            ),
            {"o": organization_id, "key": key.scalar_one()},
        )
        patient_id = patient.scalar_one()
        await tx.execute(
            text(
                "INSERT INTO messages (organization_id, order_key, ordered_by, patient_id,"
                " channel, purpose, message_class, lane, anchor, lifecycle, reasons,"
                " scheduled_at, preference_levels, decided_at, created_at, changed_at,"
                " is_address_named)"
                " VALUES (:o, :name, 'test', :patient, 'sms', 'appt_reminder', 'care', :lane,"
                " '{}', :lifecycle, '{}', :at, '{}', '2026-12-01Z', '2026-12-01Z', '2026-12-01Z',"
                " false)"
            ),
            {
                "o": organization_id,
                "name": f"test:{patient_id}",
                "patient": patient_id,
                "lane": lane.value,
                "lifecycle": lifecycle,
                "at": scheduled_at,
            },
        )


async def test_where_nothing_waits_it_is_idle_and_nothing_comes_next(
    db: Database, clock: FrozenClock
) -> None:
    answer = await ask(db, clock)
    assert instant(answer.pop("now")) == clock.instant
    assert answer == {"idle": True, "next_at": None, "busy": QUIET}


async def test_work_in_the_outbox_is_counted_from_its_instant_on_until_it_is_done(
    db: Database, clock: FrozenClock, organization: OrganizationId
) -> None:
    later = clock.instant + HOUR
    async with db.transaction(organization) as tx:
        await outbox.add(tx, organization, "reminders.plan", {}, now=clock.instant)
        await outbox.add(tx, organization, "a.sweep", {}, now=clock.instant, not_before=later)
    answer = await ask(db, clock)
    assert (answer["idle"], answer["busy"]) == (False, QUIET | {"outbox": 1})

    claimed = await outbox.claim(db.direct, now=clock.instant)
    assert (await ask(db, clock))["busy"]["outbox"] == 1

    await outbox.done(db.direct, [work.id for work in claimed])
    answer = await ask(db, clock)
    assert (answer["idle"], instant(answer["next_at"])) == (True, later)


async def test_messages_keep_it_busy_when_due_queued_or_in_flight_in_any_organisation(
    db: Database,
    clock: FrozenClock,
    organization: OrganizationId,
    other_organization: OrganizationId,
) -> None:
    now = clock.instant
    await add_message(db, organization, "scheduled", now)
    await add_message(db, other_organization, "scheduled", now - HOUR, lane=Lane.MARKETING)
    await add_message(db, organization, "queued", now)
    await add_message(db, other_organization, "sending", now, lane=Lane.REPLIES)
    answer = await ask(db, clock)
    assert answer["idle"] is False
    assert answer["busy"] == {"outbox": 0, "queued": 1, "sending": 1, "due": 2}


async def test_the_next_instant_is_that_of_the_first_message_that_waits(
    db: Database, clock: FrozenClock, organization: OrganizationId
) -> None:
    now = clock.instant
    for lifecycle, at in (
        ("scheduled", now + 3 * HOUR),
        ("accepted", now - HOUR),
        ("cancelled", now + HOUR),
        ("refused", None),
    ):
        await add_message(db, organization, lifecycle, at)
    await add_message(db, organization, "scheduled", now + 2 * HOUR, lane=Lane.BILLING)
    answer = await ask(db, clock)
    assert (answer["idle"], instant(answer["next_at"])) == (True, now + 2 * HOUR)


async def test_who_waits_hears_of_rest_as_soon_as_it_comes(
    db: Database, clock: FrozenClock, organization: OrganizationId
) -> None:
    async with db.transaction(organization) as tx:
        await outbox.add(tx, organization, "reminders.plan", {}, now=clock.instant)
    async with asyncio.TaskGroup() as both:
        waiting = both.create_task(ask(db, clock, wait_ms=1000))
        await asyncio.sleep(0.05)
        assert not waiting.done()

        claimed = await outbox.claim(db.direct, now=clock.instant)
        await outbox.done(db.direct, [work.id for work in claimed])
    assert (await waiting)["idle"] is True


async def test_what_people_have_paused_is_quiet_until_the_pause_ends(
    practice: Any, clock: FrozenClock
) -> None:
    await practice.execute("DELETE FROM outbox")
    patient = await practice.patient()
    await practice.execute("DELETE FROM outbox")
    order = SendOrder(
        patient_id=patient,
        purpose=Purpose.RX_REFILL,
        anchor=At(clock.instant),
        order_key="key",
        ordered_by="tests",
    )
    await practice.messages.admit(practice.id, order, now=clock.instant)
    assert (await ask(practice.db, clock))["busy"]["due"] == 1
    new = NewPause(
        scope=PauseScope(organization_id=practice.id),
        new_orders=NewOrders.HOLD,
        reason="tests",
        until=clock.instant + HOUR,
    )
    pauses = PauseService(practice.db, practice.audit, clock)
    await pauses.pause(new, actor="tests", now=clock.instant)
    found = await ask(practice.db, clock)
    assert (found["idle"], found["busy"]) == (True, QUIET)
    assert instant(found["next_at"]) == clock.instant + HOUR
    clock.advance(HOUR)
    assert (await ask(practice.db, clock))["busy"]["due"] == 1
