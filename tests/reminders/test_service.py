"""From a record system's events to planned messages, in the real database."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select, text

from handbell.audit.service import AuditService
from handbell.channels import service as channels
from handbell.channels.service import EnvironmentAccount
from handbell.channels.types import Baa, NewLine, Provider
from handbell.integrations.events.service import EventService, EventStatus
from handbell.messages.service import MessageService
from handbell.messages.tables import MessageRow
from handbell.patients.service import PatientService
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform import outbox
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.reminders.service import ReminderService

PATIENT = {
    "id": "p1",
    "first_name": "Ada",
    "timezone": "America/New_York",
    "contacts": [{"channel": "sms", "value": "(212) 555-0123"}],
    "provider_id": "d1",
}
VISIT = {"id": "a1", "patient_id": "p1", "start": "2026-12-09T09:00:00-05:00"}
MOVED = VISIT | {"start": "2026-12-11T15:00:00-05:00"}
HOUR = timedelta(hours=1)


class Practice:
    """A record system that tells, and the part of the product that plans."""

    def __init__(
        self, db: Database, keys: KeyRing, organization_id: OrganizationId, clock: FrozenClock
    ) -> None:
        audit = AuditService(db, keys)
        self.db = db
        self.organization_id = organization_id
        self.clock = clock
        self.events = EventService(db, PatientService(db, keys, InferredWhereabouts()), audit)
        self.reminders = ReminderService(
            db, MessageService(db, keys, audit, public_url="https://handbell.example.org")
        )
        self.told = 0

    async def tell(self, kind: str, data: dict[str, Any]) -> None:
        """An event of the record system, newer than the one before."""
        self.told += 1
        event = {
            "specversion": "1.0",
            "id": f"e{self.told}",
            "source": "ehr",
            "type": kind,
            "version": self.told,
            "data": data,
        }
        result = await self.events.take(
            self.organization_id, event, actor="key:0a1b2c3d", now=self.clock.instant
        )
        assert result.status is EventStatus.ACCEPTED, result

    async def plan(self, *, times: int = 1) -> int:
        """Do the work that events left behind; say how much there was."""
        claimed = await outbox.claim(self.db.direct, now=self.clock.instant)
        work = [one for one in claimed if one.topic == "reminders.plan"]
        await outbox.done(self.db.direct, [one.id for one in work])
        for one in work:
            for _ in range(times):
                await self.reminders.plan(self.organization_id, one.args, now=self.clock.instant)
        return len(work)

    async def messages(self) -> Sequence[Row[Any]]:
        async with self.db.transaction(self.organization_id) as tx:
            statement = select(MessageRow.__table__).order_by(MessageRow.id)
            return (await tx.execute(statement)).all()

    async def waiting(self) -> list[tuple[str, str]]:
        """What is still to leave, and when in UTC."""
        return [
            (_name(row), f"{row.scheduled_at:%m-%d %H:%M}")
            for row in await self.messages()
            if row.lifecycle == "scheduled"
        ]

    async def send_due(self) -> None:
        """Pretend that what is due has left."""
        async with self.db.transaction(self.organization_id) as tx:
            await tx.execute(
                text(
                    "UPDATE messages SET lifecycle = 'accepted', sent_at = :now"
                    " WHERE lifecycle = 'scheduled' AND scheduled_at <= :now"
                ),
                {"now": self.clock.instant},
            )


def _name(row: Row[Any]) -> str:
    offset = "" if row.reminder_offset is None else f" {row.reminder_offset}"
    return f"{row.purpose}{offset} v{row.appointment_version}"


@pytest.fixture
async def practice(
    db: Database, keys: KeyRing, organization: OrganizationId, clock: FrozenClock
) -> Practice:
    practice = Practice(db, keys, organization, clock)
    account = EnvironmentAccount(
        provider=Provider.TWILIO,
        reference="AC1",
        baa=Baa.SIGNED,
        lines=(NewLine(address="+12125550100"),),
    )
    async with db.transaction(organization) as tx:
        await channels.ensure_accounts(tx, organization, [account], now=clock.instant)
    await practice.tell("patient.registered", PATIENT)
    return practice


@pytest.mark.requirement("R8.1")
async def test_a_booked_visit_has_its_confirmation_and_reminders_however_often_it_is_planned(
    practice: Practice,
) -> None:
    await practice.tell("appointment.booked", VISIT)
    await practice.plan(times=3)
    assert await practice.waiting() == [
        ("appt_confirm v1", "12-01 17:00"),
        ("appt_reminder 1440 v1", "12-08 15:00"),
        ("appt_reminder 120 v1", "12-09 13:00"),
    ]
    rows = await practice.messages()
    assert [row.order_key.split(":v")[1] for row in rows] == ["1:confirm", "1:24", "1:2"]
    assert {(row.ordered_by, row.serves_at) for row in rows} == {
        ("reminders", datetime(2026, 12, 9, 14, tzinfo=UTC))
    }


@pytest.mark.requirement("R8.2")
async def test_a_moved_visit_withdraws_what_waits_and_is_told_of_anew(practice: Practice) -> None:
    await practice.tell("appointment.booked", VISIT)
    await practice.plan()
    await practice.send_due()
    practice.clock.advance(HOUR)
    await practice.tell("appointment.rescheduled", MOVED)
    await practice.plan(times=2)
    assert await practice.waiting() == [
        ("appt_confirm v2", "12-01 18:00"),
        ("appt_reminder 1440 v2", "12-10 15:00"),
        ("appt_reminder 120 v2", "12-11 18:00"),
    ]
    earlier = (await practice.messages())[:3]
    assert [row.lifecycle for row in earlier] == ["accepted", "cancelled", "cancelled"]


@pytest.mark.requirement("R8.2")
async def test_a_cancelled_visit_withdraws_what_waits_and_booked_again_is_planned_again(
    practice: Practice,
) -> None:
    await practice.tell("appointment.booked", VISIT)
    await practice.plan()
    await practice.tell("appointment.cancelled", VISIT)
    await practice.plan(times=2)
    assert await practice.waiting() == []
    await practice.tell("appointment.booked", VISIT)
    await practice.plan()
    assert [name for name, _ in await practice.waiting()] == [
        "appt_confirm v3",
        "appt_reminder 1440 v3",
        "appt_reminder 120 v3",
    ]


async def test_a_change_that_moves_nothing_keeps_the_messages_and_the_version(
    practice: Practice,
) -> None:
    await practice.tell("appointment.booked", VISIT)
    await practice.plan()
    await practice.send_due()
    await practice.tell("appointment.rescheduled", VISIT | {"duration_minutes": 45})
    await practice.plan()
    assert [_name(row) for row in await practice.messages()] == [
        "appt_confirm v1",
        "appt_reminder 1440 v1",
        "appt_reminder 120 v1",
    ]


async def test_planned_by_many_workers_at_once_each_message_stands_once(
    practice: Practice,
) -> None:
    await practice.tell("appointment.booked", VISIT)
    await practice.tell("appointment.rescheduled", MOVED)
    async with practice.db.engine_transaction() as tx:
        visit_id = (await tx.execute(text("SELECT id FROM appointments"))).scalar_one()
    args, now = {"appointment_id": visit_id}, practice.clock.instant
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(practice.reminders.plan(practice.organization_id, args, now=now))
    assert len(await practice.messages()) == len(await practice.waiting()) == 3


@pytest.mark.requirement("R8.2")
async def test_jobs_of_older_versions_that_come_late_plan_what_is_true_now(
    practice: Practice,
) -> None:
    await practice.tell("appointment.booked", VISIT)
    await practice.tell("appointment.rescheduled", MOVED)
    await practice.tell("appointment.cancelled", MOVED)
    await practice.tell("appointment.booked", MOVED)
    assert await practice.plan() == 4
    assert [_name(row) for row in await practice.messages()] == [
        "appt_confirm v4",
        "appt_reminder 1440 v4",
        "appt_reminder 120 v4",
    ]


@pytest.mark.requirement("R8.4")
async def test_the_patients_provider_decides_unless_the_visit_has_its_own(
    practice: Practice,
) -> None:
    defaults = {"reminder_hours_before": [1, 48, 1]}
    await practice.tell("provider.settings_updated", {"id": "d1", "defaults": defaults})
    silent = {"enable_auto_reminders": False}
    await practice.tell("provider.settings_updated", {"id": "d2", "defaults": silent})
    await practice.tell("appointment.booked", VISIT)
    await practice.tell("appointment.booked", VISIT | {"id": "a2", "provider_id": "d2"})
    await practice.plan()
    assert await practice.waiting() == [
        ("appt_confirm v1", "12-01 17:00"),
        ("appt_reminder 2880 v1", "12-07 15:00"),
        ("appt_reminder 60 v1", "12-09 13:00"),
    ]


@pytest.mark.requirement("R8.4")
async def test_hours_that_make_no_sense_are_refused_and_what_is_not_said_stays(
    practice: Practice,
) -> None:
    await practice.tell(
        "provider.settings_updated",
        {"id": "d1", "name": "Dr. Grey", "defaults": {"reminder_hours_before": [72]}},
    )
    await practice.tell("provider.settings_updated", {"id": "d1", "name": "Dr. Gray"})
    for hours in ([0], [721], [1, 2, 3, 4, 5, 6], ["soon"]):
        event = {
            "specversion": "1.0",
            "id": f"bad {hours}",
            "source": "ehr",
            "type": "provider.settings_updated",
            "data": {"id": "d1", "defaults": {"reminder_hours_before": hours}},
        }
        result = await practice.events.take(
            practice.organization_id, event, actor="key:0a1b2c3d", now=practice.clock.instant
        )
        assert result.status is EventStatus.REJECTED
        assert (result.field or "").startswith("data.defaults.reminder_hours_before")
    async with practice.db.transaction(practice.organization_id) as tx:
        row = (await tx.execute(text("SELECT * FROM providers"))).one()
    assert (row.name, row.reminder_hours_before, row.auto_reminders) == ("Dr. Gray", [72], True)


async def test_who_missed_a_visit_has_one_note(practice: Practice) -> None:
    await practice.tell("appointment.booked", VISIT)
    await practice.plan()
    practice.clock.instant = datetime(2026, 12, 9, 16, tzinfo=UTC)
    await practice.tell("appointment.no_show", VISIT)
    await practice.plan(times=2)
    assert await practice.waiting() == [("no_show v2", "12-09 16:00")]
    await practice.send_due()
    await practice.tell("appointment.no_show", VISIT | {"duration_minutes": 45})
    await practice.plan()
    assert await practice.waiting() == []


async def test_a_patient_who_died_has_refused_messages_and_a_lost_visit_none(
    practice: Practice,
) -> None:
    await practice.tell("patient.deceased", PATIENT | {"deceased_at": "2026-11-30T00:00:00Z"})
    await practice.tell("appointment.booked", VISIT)
    await practice.plan(times=2)
    rows = await practice.messages()
    assert [row.lifecycle for row in rows] == ["refused"] * 3
    assert all("deceased" in row.reasons for row in rows)
    await practice.reminders.plan(
        practice.organization_id, {"appointment_id": 999}, now=practice.clock.instant
    )
