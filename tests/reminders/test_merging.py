"""Reminders of one day are one message: by hand, and against a practice played through."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbell.directory.types import AppointmentStatus, VisitFacts
from handbell.messages.types import (
    PENDING,
    Lifecycle,
    MessageId,
    PlannedMessage,
    SendOrder,
    VisitRef,
)
from handbell.platform.vocabulary import Purpose
from handbell.reminders.merging import decide_day, merged
from handbell.reminders.policy import plan
from handbell.reminders.service import to_order
from handbell.scheduling.types import Anchor, At, OnDay

ZONE = "America/New_York"
LOCAL = ZoneInfo(ZONE)
HOUR = timedelta(hours=1)
NOW = datetime(2027, 2, 1, 12, 0, tzinfo=LOCAL).astimezone(UTC)
GOOD_TIME = timedelta(hours=26)


def local(day: int, hour: int) -> datetime:
    return datetime(2027, 2, day, hour, 0, tzinfo=LOCAL).astimezone(UTC)


def a_visit(number: int, starts_at: datetime, **more: object) -> VisitFacts:
    made = VisitFacts(
        appointment_id=number,
        version=1,
        status=AppointmentStatus.BOOKED,
        starts_at=starts_at,
        timezone=ZONE,
        patient_id=3,
    )
    return replace(made, **more)  # type: ignore[arg-type]


@dataclass
class Sent:
    visits: tuple[VisitRef, ...]
    offset: int
    at: datetime


@dataclass
class World:
    """A practice of one patient, with a database of the plainest kind: an order key that is known
    gives the message of before, and a message leaves only if each of its visits stands."""

    now: datetime = NOW
    visits: dict[int, VisitFacts] = field(default_factory=dict)
    messages: dict[str, PlannedMessage] = field(default_factory=dict)
    due: dict[MessageId, datetime] = field(default_factory=dict)
    jobs: list[int] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    fixed_at: dict[int, datetime] = field(default_factory=dict)
    epochs: Counter[int] = field(default_factory=Counter)
    told: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def change(self, number: int, starts_at: datetime, status: AppointmentStatus) -> None:
        before = self.visits.get(number)
        if before and (before.starts_at, before.status) == (starts_at, status):
            return
        version = before.version + 1 if before else 1
        self.visits[number] = a_visit(number, starts_at, version=version, status=status)
        self.fixed_at[number] = self.now
        self.epochs[number] += 1
        self.jobs.append(number)

    def work(self) -> None:
        while self.jobs:
            self.plan(self.jobs.pop(0))

    def plan(self, number: int) -> None:
        visit = self.visits[number]
        told = {number}
        for message in self.messages.values():
            together = {one.appointment_id for one in message.visits}
            told |= together if number in together else set()
        days = {self.day_of(one) for one in told}
        mates = told | {
            one for one, at in self.visits.items() if is_open(at) and self.day_of(one) in days
        }
        mates.discard(number)
        known = {one: self.about(one) for one in (number, *mates)}
        found = decide_day(visit, [self.visits[one] for one in mates], known, now=self.now)
        for key, message in self.messages.items():
            if message.id in found.withdraw:
                assert message.lifecycle in PENDING
                self.messages[key] = replace(message, lifecycle=Lifecycle.CANCELLED)
        for of, ids in found.rebase:
            self.rebase(of, ids)
        for wanted in found.admit:
            self.admit(to_order(wanted))

    def day_of(self, number: int) -> date:
        return self.visits[number].starts_at.astimezone(LOCAL).date()

    def about(self, number: int) -> list[PlannedMessage]:
        return [
            replace(message, serves_at=one.starts_at, appointment_version=one.version)
            for message in sorted(self.messages.values(), key=lambda one: one.id)
            for one in message.visits
            if one.appointment_id == number
        ]

    def rebase(self, of: VisitFacts, ids: tuple[MessageId, ...]) -> None:
        for key, message in self.messages.items():
            if message.id in ids:
                visits = tuple(
                    replace(one, version=of.version)
                    if one.appointment_id == of.appointment_id
                    else one
                    for one in message.visits
                )
                self.messages[key] = replace(message, visits=visits)

    def admit(self, order: SendOrder) -> None:
        if order.order_key in self.messages:
            return
        assert order.appointment_id is not None
        first = VisitRef(
            appointment_id=order.appointment_id,
            version=order.appointment_version,
            starts_at=order.serves_at,
        )
        message = PlannedMessage(
            id=MessageId(next(self.numbers)),
            purpose=order.purpose,
            reminder_offset=order.reminder_offset,
            serves_at=first.starts_at,
            appointment_version=first.version,
            lifecycle=Lifecycle.SCHEDULED,
            visits=(first, *order.others),
        )
        self.messages[order.order_key] = message
        self.due[message.id] = due_at(order.anchor, now=self.now)

    def pass_until(self, until: datetime) -> None:
        """Let time pass; what falls due is sent or, where a visit no longer stands, refused."""
        self.now = max(self.now, until)
        for key, message in sorted(self.messages.items(), key=lambda one: self.due[one[1].id]):
            at = self.due[message.id]
            if message.lifecycle in PENDING and at <= self.now:
                self.messages[key] = replace(message, lifecycle=self.send(message, at))

    def send(self, message: PlannedMessage, at: datetime) -> Lifecycle:
        for one in message.visits:
            visit = self.visits[one.appointment_id]
            if not is_open(visit) or visit.starts_at != one.starts_at or visit.starts_at <= at:
                return Lifecycle.REFUSED
        if message.reminder_offset is not None:
            self.sent.append(Sent(message.visits, message.reminder_offset, at))
            for one in message.visits:
                number = one.appointment_id
                self.told[number, self.epochs[number], message.reminder_offset] += 1
        return Lifecycle.ACCEPTED

    def waiting(self) -> list[tuple[int, tuple[int, ...]]]:
        """Hours before and visits of each reminder that waits."""
        return sorted(
            (
                (message.reminder_offset or 0) // 60,
                tuple(one.appointment_id for one in message.visits),
            )
            for message in self.messages.values()
            if message.lifecycle in PENDING and message.purpose is Purpose.APPT_REMINDER
        )


def is_open(visit: VisitFacts) -> bool:
    return visit.status is AppointmentStatus.BOOKED


def due_at(anchor: Anchor, *, now: datetime) -> datetime:
    if isinstance(anchor, OnDay):
        at = datetime.combine(anchor.day, time(10), LOCAL).astimezone(UTC)
    else:
        assert isinstance(anchor, At)
        at = anchor.instant
    return max(at, now)


BOOKED, CANCELLED = AppointmentStatus.BOOKED, AppointmentStatus.CANCELLED


@pytest.fixture
def world() -> World:
    """Two visits of one day, each planned by its own event."""
    world = World()
    world.change(1, local(10, 9), BOOKED)
    world.work()
    world.change(2, local(10, 15), BOOKED)
    world.work()
    return world


@pytest.mark.requirement("R8.1")
def test_two_visits_of_a_day_have_one_message_for_each_offset(world: World) -> None:
    assert world.waiting() == [(2, (1, 2)), (24, (1, 2))]
    newest = list(world.messages.values())[-2:]
    assert [world.due[one.id] for one in newest] == [local(9, 10), local(10, 7)]
    for one in newest:
        assert [visit.starts_at for visit in one.visits] == [local(10, 9), local(10, 15)]


@pytest.mark.requirement("R8.1")
def test_visits_of_other_days_other_zones_or_that_are_confidential_stay_alone() -> None:
    visits = [
        a_visit(1, local(10, 9)),
        a_visit(2, local(10, 15), is_confidential=True),
        a_visit(3, local(11, 9)),
        a_visit(4, local(10, 16), timezone="America/Chicago"),
        a_visit(5, local(10, 17), hours_before=(24,)),
        a_visit(6, local(10, 17), patient_id=4),
    ]
    planned = [(one, what) for one in visits for what in plan(one, now=NOW)]
    found = [
        (one.planned.hours_before, [visit.appointment_id for visit in one.visits])
        for one in merged(planned)
    ]
    told_together = [ids for _, ids in found if len(ids) > 1]
    assert told_together == [[1, 5]]
    assert sorted(found, key=str)[:1] == [(2, [1])]
    assert len(found) == len(visits) + 11 - 1


@pytest.mark.requirement("R8.2")
@pytest.mark.parametrize("moved", [1, 2])
def test_a_visit_moved_away_leaves_the_other_its_reminders(world: World, moved: int) -> None:
    world.change(moved, local(12, 11), BOOKED)
    world.work()
    other = 3 - moved
    assert world.waiting() == sorted((h, (one,)) for h in (2, 24) for one in (moved, other))


@pytest.mark.requirement("R8.2")
@pytest.mark.parametrize("gone", [1, 2])
def test_cancelled_and_booked_again_the_day_is_told_as_one_again(world: World, gone: int) -> None:
    before = world.visits[gone].starts_at
    for _ in range(3):
        world.change(gone, before, CANCELLED)
        world.work()
        assert world.waiting() == [(2, (3 - gone,)), (24, (3 - gone,))]
        world.change(gone, before, BOOKED)
        world.work()
        assert world.waiting() == [(2, (1, 2)), (24, (1, 2))]


@pytest.mark.requirement("R8.2")
def test_what_the_gate_refused_for_one_visit_is_said_of_the_other_at_once(world: World) -> None:
    world.pass_until(local(9, 11))
    world.change(2, local(10, 15), CANCELLED)
    world.pass_until(local(10, 7) + HOUR / 6)
    assert world.waiting() == []
    world.work()
    assert world.waiting() == [(2, (1,))]
    world.pass_until(world.now)
    assert [(one.offset, len(one.visits)) for one in world.sent] == [(1440, 2), (120, 1)]


@pytest.mark.requirement("R8.1")
def test_a_visit_booked_after_the_reminder_left_has_its_own(world: World) -> None:
    world.pass_until(local(9, 11))
    world.change(3, local(10, 11), BOOKED)
    world.work()
    assert world.waiting() == [(2, (1, 3, 2))]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "cancel", "work", "wait"]),
        st.integers(1, 3),
        st.sampled_from([(9, 9), (9, 15), (10, 9), (10, 11), (10, 15), (11, 8)]),
        st.integers(1, 30),
    ),
    max_size=14,
)


@pytest.mark.requirement("R8.2")
def test_a_visit_keeps_its_reminder_when_two_leave_a_common_day_for_different_ones(
    world: World,
) -> None:
    world.change(3, local(11, 9), BOOKED)
    world.work()
    world.change(1, local(11, 9), BOOKED)
    world.change(2, local(10, 11), BOOKED)
    world.work()
    assert world.waiting() == [(2, (1, 3)), (2, (2,)), (24, (1, 3)), (24, (2,))]


@pytest.mark.requirement("R8.2")
@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_each_visit_is_told_of_once_and_none_that_is_gone(
    steps: list[tuple[str, int, tuple[int, int], int]],
) -> None:
    """The oracle knows no plan: it looks at what stood when a message left. A plan comes up to
    half an hour after its change, when the gate may have refused what was due."""
    world = World(now=local(6, 12))
    for kind, number, place, hours in steps:
        starts_at = local(*place)
        if kind == "wait":
            for _ in range(2 * hours):
                world.pass_until(world.now + HOUR / 2)
                world.work()
        elif kind == "work":
            world.work()
            check_waiting(world)
        elif kind == "book" and starts_at > world.now:
            world.change(number, starts_at, BOOKED)
        elif kind == "cancel" and number in world.visits:
            world.change(number, world.visits[number].starts_at, CANCELLED)
    world.work()
    check_waiting(world)
    while world.now < local(12, 0):
        world.pass_until(world.now + HOUR / 2)
        world.work()
    check_told(world)


def check_waiting(world: World) -> None:
    """One message for each day and offset, about visits that stand."""
    for _, ids in world.waiting():
        assert all(is_open(world.visits[one]) for one in ids)
    seen = [
        (hours, world.visits[one].starts_at.astimezone(LOCAL).date())
        for hours, ids in world.waiting()
        for one in ids[:1]
    ]
    assert len(seen) == len(set(seen)), world.waiting()


def check_told(world: World) -> None:
    assert all(times == 1 for times in world.told.values()), world.told
    for number, visit in world.visits.items():
        in_time = visit.starts_at - world.fixed_at[number] >= GOOD_TIME
        if is_open(visit) and in_time:
            of_it = [key for key in world.told if key[:2] == (number, world.epochs[number])]
            assert of_it, f"nothing told of {visit}"
