"""What waits is planned anew when preferences, addresses, zones or rules change."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from handbell.messages import replanner, replanning
from handbell.messages.replanner import Replanner, Totals
from handbell.messages.types import Reason, SendOrder
from handbell.platform import outbox
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At, OnDay

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VISIT = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)
EVE = OnDay(VISIT.date() - timedelta(days=1), VISIT)


class Planner:
    """A practice whose patients have reminders that wait."""

    def __init__(self, practice: Any) -> None:
        self.practice = practice
        self.replanner = Replanner(practice.messages)

    async def order(self, patient: int, key: str = "key", **more: Any) -> int:
        told: dict[str, Any] = {"anchor": EVE, "purpose": Purpose.APPT_REMINDER}
        one = SendOrder(
            patient_id=patient,
            order_key=key,
            ordered_by="tests",
            serves_at=VISIT,
            **(told | more),
        )
        admitted = await self.practice.messages.admit(self.practice.id, one, now=NOON)
        return int(admitted.message_id)

    async def work(self) -> int:
        """Do what the outbox holds of it; say how much there was."""
        jobs = await outbox.claim(self.practice.db.direct, now=NOON + timedelta(hours=1))
        await outbox.done(self.practice.db.direct, [job.id for job in jobs])
        asked = [job for job in jobs if job.topic == "messages.replan"]
        for job in asked:
            await self.replanner.replan(self.practice.id, job.args, now=NOON)
        return len(asked)

    async def through(self, *, only_outdated: bool = False) -> Totals:
        return await self.replanner.replan_through(
            self.practice.id, only_outdated=only_outdated, now=NOON
        )

    async def message(self, message_id: int) -> Any:
        query = "SELECT * FROM messages WHERE id = :id"
        return (await self.practice.rows(query, id=message_id))[0]


@pytest.fixture
def planner(practice: Any) -> Planner:
    return Planner(practice)


@pytest.mark.requirement("R8.3")
async def test_a_patient_who_moves_west_is_reminded_at_the_hour_of_the_west(
    planner: Planner,
) -> None:
    patient = await planner.practice.patient(id="p")
    message = await planner.order(patient)
    before = await planner.message(message)
    assert f"{before.scheduled_at:%d %H:%M}" == "07 15:00"
    later = NOON + timedelta(minutes=1)
    west = {"id": "p", "timezone": "America/Los_Angeles"}
    await planner.practice.patient(now=later, **west)
    assert await planner.work() == 1
    after = await planner.message(message)
    assert f"{after.scheduled_at:%d %H:%M}" == "07 18:00"
    assert after.window_part_id != before.window_part_id
    assert (await planner.practice.messages.replay_receipts()).differences == []
    assert (await planner.through()).moved == 0


async def test_what_does_not_change_the_plan_writes_nothing(planner: Planner) -> None:
    patient = await planner.practice.patient(id="p")
    message = await planner.order(patient)
    before = await planner.message(message)
    totals = await planner.through()
    assert (totals.looked_at, totals.moved, totals.refused) == (1, 0, 0)
    assert await planner.message(message) == before


async def test_a_channel_that_is_not_allowed_any_more_gives_way_to_another(
    planner: Planner,
) -> None:
    both = (("sms", "+12125550123"), ("email", "ada@example.org"))
    patient = await planner.practice.patient(*both)
    free = await planner.order(patient)
    bound = await planner.order(patient, "bound", channel=Channel.SMS)
    assert (await planner.message(free)).channel == "sms"
    await planner.practice.execute("UPDATE preference_settings SET allow_sms = false")
    assert (await planner.through()).refused == 1
    told, refused = await planner.message(free), await planner.message(bound)
    assert (told.channel, told.lifecycle) == ("email", "scheduled")
    assert (refused.lifecycle, refused.scheduled_at) == ("refused", None)
    assert Reason.CHANNEL_NOT_ALLOWED in refused.reasons
    job = await planner.practice.messages.get(planner.practice.id, free)
    assert job.recipient == "ada@example.org"
    actors = await planner.practice.rows(
        "SELECT actor FROM audit_entries WHERE action = 'message.refused'"
    )
    assert actors == [("replan",)]
    assert (await planner.practice.messages.replay_receipts()).differences == []


async def test_a_waiting_message_keeps_the_version_of_its_text(planner: Planner) -> None:
    patient = await planner.practice.patient()
    message = await planner.order(patient)
    planned = (await planner.message(message)).template_version_id
    await planner.practice.execute(
        "INSERT INTO template_versions (template_id, no, content, digest, level, sibling_level,"
        " published_at) SELECT template_id, no + 1, content, 'newer', level, sibling_level,"
        " published_at FROM template_versions WHERE id = :id",
        id=planned,
    )
    await planner.through()
    assert (await planner.message(message)).template_version_id == planned
    newest = await planner.order(patient, "newest")
    assert (await planner.message(newest)).template_version_id > planned


async def test_what_other_rules_planned_is_planned_anew_once(planner: Planner) -> None:
    patient = await planner.practice.patient()
    old, new = [await planner.order(patient, key) for key in ("old", "new")]
    await planner.practice.execute(
        "WITH older AS (INSERT INTO receipt_parts (organization_id, kind, digest, content)"
        " SELECT organization_id, kind, 'older', content || '{\"rules_version\": \"1999\"}'"
        " FROM receipt_parts WHERE kind = 'window' RETURNING id)"
        " UPDATE messages SET window_part_id = older.id FROM older WHERE messages.id = :id",
        id=old,
    )
    assert await planner.replanner.replan_outdated_later(now=NOON) == 1
    assert await planner.work() == 1
    parts = [(await planner.message(one)).window_part_id for one in (old, new)]
    assert parts[0] == parts[1]
    assert await planner.replanner.replan_outdated_later(now=NOON) == 0
    assert (await planner.through(only_outdated=True)).looked_at == 0


async def test_what_is_due_held_or_was_tried_is_left_to_the_last_look(planner: Planner) -> None:
    patient = await planner.practice.patient()
    due = await planner.order(patient, "due", anchor=At(NOON, VISIT))
    tried, queued, held = [await planner.order(patient, key) for key in ("t", "q", "h")]
    await planner.practice.execute("UPDATE messages SET tries = 1 WHERE id = :id", id=tried)
    await planner.practice.execute(
        "UPDATE messages SET lifecycle = 'queued' WHERE id = :id", id=queued
    )
    await planner.practice.execute("UPDATE preference_settings SET allow_sms = false")
    async with planner.practice.db.engine_transaction() as tx:
        await tx.execute(text("SELECT 1 FROM messages WHERE id = :id FOR UPDATE"), {"id": held})
        assert (await planner.through()).looked_at == 0
    assert (await planner.through()).refused == 1
    states = [(await planner.message(one)).lifecycle for one in (due, tried, queued, held)]
    assert states == ["scheduled", "scheduled", "queued", "refused"]


async def test_planners_side_by_side_and_a_page_at_a_time_end_the_same(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (replanner, replanning):
        monkeypatch.setattr(module, "PAGE", 2)
    patient = await planner.practice.patient()
    for no in range(5):
        await planner.order(patient, f"{no}")
    await planner.practice.execute("UPDATE preference_settings SET timezone = 'America/Denver'")
    await asyncio.gather(*(planner.through() for _ in range(3)))
    hours = await planner.practice.rows("SELECT DISTINCT scheduled_at FROM messages")
    assert [f"{row.scheduled_at:%H:%M}" for row in hours] == ["17:00"]
    await planner.practice.execute("UPDATE preference_settings SET timezone = 'America/Chicago'")
    async with planner.practice.db.transaction(planner.practice.id) as tx:
        args = {"after": 0}
        await outbox.add(tx, planner.practice.id, "messages.replan", args, now=NOON)
    assert [await planner.work() for _ in range(4)] == [1, 1, 1, 0]
    hours = await planner.practice.rows("SELECT DISTINCT scheduled_at FROM messages")
    assert [f"{row.scheduled_at:%H:%M}" for row in hours] == ["16:00"]


async def test_a_new_patient_asks_for_no_new_plan_and_a_clinicians_defaults_do(
    planner: Planner,
) -> None:
    practice = planner.practice
    patient = await practice.patient()
    provider = {"id": "d", "defaults": {"best_hour": 11}}
    await practice.patient(id="quiet")
    assert await planner.work() == 0
    await planner.order(patient)
    await practice.tell("provider.settings_updated", **provider)
    assert await planner.work() == 1
