"""A day's reminders through the real database: planned, written, judged, answered."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import NOON
from tests.delivery.desk import Desk
from tests.inbound.conftest import Chat
from tests.inbound.conftest import chat as chat  # noqa: PLC0414 - the fixture

from handbell.actions.service import ActionService
from handbell.actions.types import Choice, Press
from handbell.channels.types import EmailContent, SmsContent
from handbell.messages.replanner import Replanner
from handbell.messages.types import Lifecycle, MessageFilter, Reason
from handbell.platform import outbox
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database
from handbell.platform.vocabulary import Lane, Purpose
from handbell.reminders.service import ReminderService

MORNING = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)
AFTERNOON = datetime(2026, 12, 8, 19, 0, tzinfo=UTC)
DAY_BEFORE = datetime(2026, 12, 7, 15, 0, tzinfo=UTC)
REMINDERS = MessageFilter(lifecycles=(Lifecycle.SCHEDULED,))
ENGLISH = "Riverside Health: Ada, your visit is Tue, Dec 8, 9:30 AM and 2:00 PM."


@dataclass
class Day:
    """A patient with two visits of one day, and all that plans and sends."""

    practice: Any
    clock: FrozenClock
    desk: Desk
    planner: ReminderService
    patient: int = 0
    visits: list[int] = field(default_factory=list)

    async def plan(self) -> None:
        for one in await outbox.claim(self.practice.db.direct, now=self.clock.instant):
            if one.topic == "reminders.plan":
                await self.planner.plan(self.practice.id, one.args, now=self.clock.instant)
            await outbox.done(self.practice.db.direct, [one.id])

    async def book(self, start: datetime, **more: Any) -> None:
        self.visits.append(await self.practice.visit(self.patient, start, **more))
        await self.plan()

    async def change(self, name: str, start: datetime, kind: str) -> None:
        now = self.clock.instant
        await self.practice.visit(
            self.patient, start, id=name, kind=f"appointment.{kind}", now=now
        )

    async def waiting(self) -> list[tuple[int, list[int]]]:
        """The offset and the visits of each reminder that waits, the earliest first."""
        jobs, _ = await self.practice.messages.list(
            self.practice.id, REMINDERS, limit=20, offset=0
        )
        found = [one for one in jobs if one.purpose is Purpose.APPT_REMINDER]
        found.sort(key=lambda one: one.scheduled_at)
        return [
            (one.reminder_offset, [visit.appointment_id for visit in one.visits]) for one in found
        ]

    async def send(self, at: datetime) -> Any:
        """Let it be `at`, and send what is due: the newest that left."""
        self.clock.instant = at
        await self.desk.run()
        return self.desk.sender.sent[-1].content if self.desk.sender.sent else None


@pytest.fixture
async def day(practice: Any, clock: FrozenClock) -> Day:
    planner = ReminderService(practice.db, practice.messages)
    return Day(practice, clock, Desk(practice, clock), planner)


async def two_visits(day: Day, *contacts: tuple[str, str], **more: Any) -> None:
    day.patient = await day.practice.patient(*contacts, **more)
    await day.book(MORNING, id="a", now=NOON)
    await day.book(AFTERNOON, id="b", now=NOON)


@pytest.mark.requirement("R8.1")
async def test_the_reminders_of_a_day_are_one_message_that_names_each_time(day: Day) -> None:
    await two_visits(day)
    assert await day.waiting() == [(1440, day.visits), (120, day.visits)]
    await day.send(NOON)
    content = await day.send(DAY_BEFORE)
    assert isinstance(content, SmsContent)
    assert content.text.startswith(ENGLISH)
    assert len(day.desk.sender.sent) == 3
    explained = await day.practice.messages.explain(day.practice.id, await newest_sent(day))
    told = [(one["appointment_id"], one["starts_at"]) for one in explained["visits"]]
    assert told == [
        (day.visits[0], MORNING.isoformat()),
        (day.visits[1], AFTERNOON.isoformat()),
    ]


async def newest_sent(day: Day) -> int:
    query = "SELECT id FROM messages WHERE sent_at IS NOT NULL ORDER BY sent_at DESC LIMIT 1"
    return int(await day.practice.value(query))


@pytest.mark.requirement("R8.1")
@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "mar, 8 de dic, 9:30 a.m. y 2:00 p.m."), ("hi", "9:30 am और 2:00 pm पर")],
)
async def test_each_time_is_named_in_the_patients_language(
    day: Day, language: str, said: str
) -> None:
    await two_visits(day, language=language)
    await day.send(NOON)
    content = await day.send(DAY_BEFORE)
    assert said in content.text


@pytest.mark.requirement("R8.1")
async def test_an_email_names_who_and_where_for_each_and_carries_both_for_the_calendar(
    day: Day,
) -> None:
    practice = day.practice
    day.patient = await practice.patient(("email", "ada@example.org"))
    await practice.tell("provider.settings_updated", id="d1", name="Dr. Sam Doe")
    place = {"id": "l1", "name": "Main Street", "timezone": "America/New_York"}
    await practice.tell("location.updated", **place)
    await day.book(MORNING, provider_id="d1", location_id="l1")
    await day.book(AFTERNOON)
    await day.send(NOON)
    content = await day.send(DAY_BEFORE)
    assert isinstance(content, EmailContent)
    listed = "9:30 AM, Dr. Sam Doe, Main Street; 2:00 PM, your care team, Riverside Health"
    assert listed in content.text
    assert [one.filename for one in content.attachments] == ["visit.ics", "visit-2.ics"]
    starts = [one.data.split(b"DTSTART:")[1][:16] for one in content.attachments]
    assert starts == [b"20261208T143000Z", b"20261208T190000Z"]


@pytest.mark.requirement("R8.2")
@pytest.mark.parametrize(("name", "start", "left"), [("a", MORNING, 1), ("b", AFTERNOON, 0)])
async def test_the_gate_lets_no_message_leave_that_tells_of_a_cancelled_visit(
    day: Day, name: str, start: datetime, left: int
) -> None:
    await two_visits(day)
    await day.send(NOON)
    day.clock.instant = DAY_BEFORE
    await day.change(name, start, "cancelled")
    await day.send(DAY_BEFORE)
    assert len(day.desk.sender.sent) == 2
    query = "SELECT reasons FROM messages WHERE lifecycle = 'refused'"
    assert await day.practice.value(query) == [Reason.SUPERSEDED]
    await day.plan()
    assert await day.waiting() == [(1440, [day.visits[left]]), (120, [day.visits[left]])]
    await day.send(DAY_BEFORE)
    assert len(day.desk.sender.sent) == 3


@pytest.mark.requirement("R8.2")
async def test_planned_anew_a_message_is_still_judged_by_each_of_its_visits(day: Day) -> None:
    await two_visits(day)
    day.clock.advance(timedelta(minutes=1))
    await day.change("b", AFTERNOON, "cancelled")
    replanner = Replanner(day.practice.messages)
    args = {"patient_id": day.patient, "after": 0}
    await replanner.replan(day.practice.id, args, now=day.clock.instant)
    query = "SELECT purpose FROM messages WHERE reasons = '{superseded}' ORDER BY id"
    refused = [row.purpose for row in await day.practice.rows(query)]
    assert refused == ["appt_reminder"] * 2
    await day.plan()
    assert await day.waiting() == [(1440, [day.visits[0]]), (120, [day.visits[0]])]


@pytest.mark.requirement("R8.1")
async def test_a_visit_that_becomes_confidential_leaves_the_message(day: Day) -> None:
    await two_visits(day)
    day.clock.advance(timedelta(minutes=1))
    told = {"id": "b", "confidential": True, "now": day.clock.instant}
    await day.practice.visit(day.patient, AFTERNOON, **told)
    await day.plan()
    alone = [[one] for one in day.visits]
    assert sorted(await day.waiting()) == sorted((h, one) for h in (120, 1440) for one in alone)


@pytest.mark.requirement("R5.1")
async def test_c_confirms_every_visit_of_the_message_and_the_answer_says_how_many(
    day: Day, chat: Chat
) -> None:
    await two_visits(day)
    await day.send(NOON)
    await day.send(DAY_BEFORE)
    await chat.hear("C")
    assert [await chat.status(one) for one in day.visits] == ["confirmed", "confirmed"]
    assert (await chat.answers(), await chat.tasks()) == (["reply_confirmed"], [])
    content = await answered(day)
    assert content.text.startswith("Riverside Health: thank you, you are confirmed for 2 visits.")


async def answered(day: Day) -> Any:
    """What is sent in answer to the patient."""
    await day.desk.run(Lane.REPLIES)
    return day.desk.sender.sent[-1].content


@pytest.mark.requirement("R5.1")
async def test_what_was_moved_since_is_for_a_person_and_the_rest_is_confirmed(
    day: Day, chat: Chat
) -> None:
    await two_visits(day)
    await day.send(NOON)
    await day.send(DAY_BEFORE)
    await day.change("a", MORNING + timedelta(days=2), "rescheduled")
    await chat.hear("C")
    assert [await chat.status(one) for one in day.visits] == ["booked", "confirmed"]
    assert (await chat.answers(), await chat.tasks()) == (["reply_confirmed"], ["unclear_reply"])
    assert "you are confirmed. To change" in (await answered(day)).text


@pytest.mark.requirement("R5.1")
async def test_a_third_visit_that_was_asked_about_makes_a_c_unclear(day: Day, chat: Chat) -> None:
    await two_visits(day)
    await day.book(MORNING + timedelta(days=1))
    await day.send(NOON)
    await day.send(DAY_BEFORE)
    await chat.hear("C")
    assert [await chat.status(one) for one in day.visits] == ["booked"] * 3
    assert await chat.tasks() == ["unclear_reply"]


LINK = re.compile(r"/l/([\w-]{24})")


@pytest.mark.requirement("R5.4")
@pytest.mark.parametrize("is_moved", [False, True])
async def test_a_link_shows_and_confirms_every_visit_of_its_message(
    day: Day, *, is_moved: bool, db: Database, keys: KeyRing
) -> None:
    await two_visits(day, ("email", "ada@example.org"))
    await day.send(NOON)
    content = await day.send(DAY_BEFORE)
    delivery = day.desk.delivery
    actions = ActionService(db, keys, day.practice.audit, day.practice.messages, delivery)
    (confirm, *_) = LINK.findall(content.html)
    before = await actions.open_link(confirm, now=DAY_BEFORE)
    assert before.day is not None
    assert [one.time for one in before.day.visits] == ["9:30 AM", "2:00 PM"]
    if is_moved:
        await day.change("b", AFTERNOON + timedelta(days=2), "rescheduled")
    page = await actions.act(confirm, Press(choice=Choice.CONFIRM), now=DAY_BEFORE)
    query = "SELECT status FROM appointments ORDER BY id"
    states = [row.status for row in await day.practice.rows(query)]
    assert states == ["confirmed", "booked" if is_moved else "confirmed"]
    assert page.day is not None
    times = [one.time for one in page.day.visits]
    assert times == (["9:30 AM"] if is_moved else ["9:30 AM", "2:00 PM"])
    assert page.is_told is is_moved
    tasks = "SELECT count(*) FROM staff_tasks"
    assert await day.practice.value(tasks) == int(is_moved)
