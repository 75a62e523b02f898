"""What a visit is told of and when, against a slow oracle; and what a change of it touches."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.directory.types import AppointmentStatus, VisitFacts
from handbell.messages.types import Lifecycle, MessageId, PlannedMessage
from handbell.platform.vocabulary import Channel, MessageClass, Purpose
from handbell.reminders.policy import decide_changes, plan
from handbell.reminders.types import Changes, PlannedReminder
from handbell.scheduling.policy import is_useful, plan_send
from handbell.scheduling.types import At, OnDay, Plan, WindowFacts

NY = "America/New_York"
HOUR = timedelta(hours=1)
YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def local(text: str, zone: str = NY) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


START = local("2027-02-10T09:30")
BOOKED_AT = local("2027-02-01T12:00")
VISIT = VisitFacts(
    appointment_id=7,
    version=1,
    status=AppointmentStatus.BOOKED,
    starts_at=START,
    timezone=NY,
    patient_id=3,
)


def offsets(visit: VisitFacts, *, now: datetime) -> list[int]:
    planned = plan(visit, now=now)
    return [one.hours_before for one in planned if one.hours_before is not None]


# The plan


@pytest.mark.requirement("R8.1")
def test_a_booked_visit_is_confirmed_at_once_and_reminded_the_day_and_two_hours_before() -> None:
    confirmation, day_before, two_hours = plan(VISIT, now=BOOKED_AT)
    assert confirmation == PlannedReminder(
        purpose=Purpose.APPT_CONFIRM, anchor=At(BOOKED_AT, START), serves_at=START
    )
    assert day_before.anchor == OnDay(date(2027, 2, 9), START)
    assert two_hours.anchor == At(local("2027-02-10T07:30"), START)
    assert (day_before.reminder_offset, two_hours.reminder_offset) == (1440, 120)


@pytest.mark.requirement("R8.4")
def test_the_providers_own_hours_decide_and_a_wish_for_none_is_kept() -> None:
    far = replace(VISIT, hours_before=(168, 36, 3))
    assert [one.anchor for one in plan(far, now=BOOKED_AT)[1:]] == [
        OnDay(date(2027, 2, 3), START),
        At(local("2027-02-08T21:30"), START),
        At(local("2027-02-10T06:30"), START),
    ]
    assert offsets(replace(VISIT, hours_before=()), now=BOOKED_AT) == []
    assert plan(replace(VISIT, auto_reminders=False), now=BOOKED_AT) == ()


def test_the_day_before_is_the_places_day_even_when_the_clocks_change() -> None:
    spring = replace(VISIT, starts_at=local("2027-03-14T09:00"))
    assert plan(spring, now=BOOKED_AT)[1].anchor == OnDay(date(2027, 3, 13), spring.starts_at)
    late = replace(VISIT, starts_at=local("2027-02-10T23:30"))
    assert plan(late, now=BOOKED_AT)[1].anchor == OnDay(date(2027, 2, 9), late.starts_at)


@pytest.mark.parametrize(
    ("hours", "booked_at", "left"),
    [
        ((24, 2), "2027-02-09T08:00", [2]),
        ((24,), "2027-02-09T08:00", [24]),
        ((48, 24), "2027-02-08T08:00", [24]),
        ((24, 2), "2027-02-10T07:29", [2]),
        ((24, 2), "2027-02-10T07:30", []),
        ((48,), "2027-02-09T09:00", []),
    ],
)
def test_what_is_past_is_left_out_and_what_the_confirmation_has_just_said_is_not_repeated(
    hours: tuple[int, ...], booked_at: str, left: list[int]
) -> None:
    assert offsets(replace(VISIT, hours_before=hours), now=local(booked_at)) == left


def test_a_visit_booked_after_all_of_its_providers_hours_is_reminded_the_day_before() -> None:
    visit = replace(VISIT, hours_before=(720, 168))
    assert offsets(visit, now=local("2027-02-08T12:00")) == [24]


def test_a_visit_that_has_begun_was_cancelled_or_took_place_asks_for_nothing() -> None:
    assert plan(VISIT, now=START) == ()
    for status in (AppointmentStatus.CANCELLED, AppointmentStatus.COMPLETED):
        assert plan(replace(VISIT, status=status), now=BOOKED_AT) == ()


def test_who_missed_a_visit_lately_is_written_to_once_and_about_nothing_still_to_come() -> None:
    missed = replace(VISIT, status=AppointmentStatus.NO_SHOW)
    noted_at = START + HOUR
    assert plan(missed, now=noted_at) == (
        PlannedReminder(purpose=Purpose.NO_SHOW, anchor=At(noted_at), serves_at=None),
    )
    assert plan(missed, now=START + timedelta(days=30)) == ()
    assert plan(missed, now=BOOKED_AT) == ()


ZONES = st.sampled_from([NY, "America/Phoenix", "Pacific/Honolulu", "Europe/Madrid"])
STARTS = st.integers(0, 365 * 24 * 60).map(lambda minutes: YEAR + minutes * HOUR / 60)
HOURS = st.lists(st.integers(1, 720) | st.sampled_from([24, 48, 72, 168]), max_size=5)


@given(
    starts_at=STARTS,
    zone=ZONES,
    hours=HOURS,
    notice=st.timedeltas(timedelta(minutes=1), timedelta(days=40)),
)
def test_the_plan_is_the_one_that_a_walk_through_days_and_hours_finds(
    starts_at: datetime, zone: str, hours: list[int], notice: timedelta
) -> None:
    visit = replace(VISIT, starts_at=starts_at, timezone=zone, hours_before=tuple(hours))
    now = starts_at - notice
    found = [one.anchor for one in plan(visit, now=now)[1:]]
    expected = _walk(visit, now=now)
    if not expected and hours and notice >= 26 * HOUR:
        expected = [OnDay(_days_back(visit, 1), starts_at)]
    assert found == expected


def _walk(visit: VisitFacts, *, now: datetime) -> list[At | OnDay]:
    today = now.astimezone(ZoneInfo(visit.timezone)).date()
    walked: list[At | OnDay] = []
    for hours in range(1, 721):
        if hours not in visit.hours_before:
            continue
        if hours % 24:
            at = visit.starts_at - hours * HOUR
            if at > now:
                walked.append(At(at, visit.starts_at))
            continue
        day = _days_back(visit, hours // 24)
        if day > today or (day == today and not walked):
            walked.append(OnDay(day, visit.starts_at))
    return walked[::-1]


def _days_back(visit: VisitFacts, days: int) -> date:
    day = visit.starts_at.astimezone(ZoneInfo(visit.timezone)).date()
    for _ in range(days):
        day = date.fromordinal(day.toordinal() - 1)
    return day


@given(
    starts_at=STARTS,
    zone=ZONES,
    hours=HOURS.filter(bool),
    notice=st.timedeltas(26 * HOUR, timedelta(days=40)),
)
def test_who_booked_in_good_time_gets_a_reminder_that_leaves_before_the_visit(
    starts_at: datetime, zone: str, hours: list[int], notice: timedelta
) -> None:
    visit = replace(VISIT, starts_at=starts_at, timezone=zone, hours_before=tuple(hours))
    now = starts_at - notice
    window = WindowFacts(
        message_class=MessageClass.CARE,
        channel=Channel.SMS,
        zones=(zone,),
        quiet_start=time(22),
        quiet_end=time(8),
        work_start=time(9),
        work_end=time(17),
    )
    reminders = [one for one in plan(visit, now=now) if one.hours_before is not None]
    sends = [plan_send(window, one.anchor, now=now) for one in reminders]
    assert any(isinstance(one, Plan) and is_useful(one.send_at, starts_at) for one in sends)


# A change


NUMBERS = count(1)


def standing(visit: VisitFacts, *, now: datetime, lifecycle: Lifecycle) -> list[PlannedMessage]:
    """The messages of a visit's plan, as they stand some time later."""
    return [
        PlannedMessage(
            id=MessageId(next(NUMBERS)),
            purpose=one.purpose,
            reminder_offset=one.reminder_offset,
            serves_at=one.serves_at,
            appointment_version=visit.version,
            lifecycle=lifecycle,
        )
        for one in plan(visit, now=now)
    ]


def changes(visit: VisitFacts, messages: list[PlannedMessage], *, now: datetime) -> Changes:
    return decide_changes(visit, plan(visit, now=now), messages)


def names(found: Changes) -> list[tuple[Purpose, int | None]]:
    return [(one.purpose, one.hours_before) for one in found.admit]


PLANNED = standing(VISIT, now=BOOKED_AT, lifecycle=Lifecycle.SCHEDULED)
SENT = [replace(one, lifecycle=Lifecycle.ACCEPTED) for one in PLANNED]
IDS = tuple(one.id for one in PLANNED)
MOVED = replace(VISIT, version=2, starts_at=START + timedelta(days=2))
EVERYTHING = [
    (Purpose.APPT_CONFIRM, None),
    (Purpose.APPT_REMINDER, 24),
    (Purpose.APPT_REMINDER, 2),
]


def test_planned_again_nothing_changes() -> None:
    assert changes(VISIT, PLANNED, now=BOOKED_AT) == Changes(withdraw=(), rebase=(), admit=())


def test_a_new_version_with_the_same_start_keeps_its_messages_and_is_not_confirmed_again() -> None:
    newer = replace(VISIT, version=2)
    assert changes(newer, PLANNED, now=BOOKED_AT) == Changes(withdraw=(), rebase=IDS, admit=())
    assert changes(newer, SENT, now=BOOKED_AT) == Changes(withdraw=(), rebase=(), admit=())


@pytest.mark.requirement("R8.2")
def test_a_moved_visit_withdraws_all_that_waits_and_is_told_of_anew() -> None:
    moved = changes(MOVED, PLANNED, now=BOOKED_AT + HOUR)
    assert (moved.withdraw, moved.rebase, names(moved)) == (IDS, (), EVERYTHING)


@pytest.mark.requirement("R8.2")
def test_a_cancelled_visit_withdraws_what_waits_and_leaves_what_has_left() -> None:
    cancelled = replace(VISIT, version=2, status=AppointmentStatus.CANCELLED)
    found = changes(cancelled, [SENT[0], *PLANNED[1:]], now=BOOKED_AT + HOUR)
    assert found == Changes(withdraw=IDS[1:], rebase=(), admit=())


def test_a_visit_moved_away_and_back_is_confirmed_again_if_the_move_was_told() -> None:
    told = standing(MOVED, now=BOOKED_AT, lifecycle=Lifecycle.ACCEPTED)[:1]
    back = replace(VISIT, version=3)
    again = changes(back, [SENT[0], *told], now=BOOKED_AT + HOUR)
    assert names(again) == EVERYTHING
    untold = [replace(told[0], lifecycle=Lifecycle.SCHEDULED)]
    quiet = changes(back, [SENT[0], *untold], now=BOOKED_AT + HOUR)
    assert (quiet.withdraw, names(quiet)) == ((untold[0].id,), EVERYTHING[1:])


def test_a_visit_cancelled_and_booked_again_for_the_same_time_is_planned_again() -> None:
    again = changes(replace(VISIT, version=3), [SENT[0]], now=BOOKED_AT + HOUR)
    assert names(again) == EVERYTHING[1:]


@pytest.mark.requirement("R8.4")
def test_new_hours_of_the_provider_replace_the_old_ones_when_a_visit_is_planned_again() -> None:
    found = changes(replace(VISIT, version=2, hours_before=(48, 24)), PLANNED, now=BOOKED_AT)
    assert found.withdraw == (PLANNED[2].id,)
    assert found.rebase == IDS[:2]
    assert names(found) == [(Purpose.APPT_REMINDER, 48)]


def test_a_reminder_stands_in_only_where_no_other_was_sent() -> None:
    far = replace(VISIT, hours_before=(168,))
    late = local("2027-02-07T12:00")
    assert names(changes(far, [SENT[0]], now=late)) == [(Purpose.APPT_REMINDER, 24)]
    week_before = standing(far, now=BOOKED_AT, lifecycle=Lifecycle.ACCEPTED)
    assert names(changes(far, week_before, now=late)) == []


def test_messages_that_others_ordered_about_the_visit_are_theirs() -> None:
    by_hand = replace(PLANNED[0], purpose=Purpose.REPLY_CONFIRMED, serves_at=None)
    undated = replace(PLANNED[1], serves_at=None, reminder_offset=None)
    found = changes(MOVED, [by_hand, undated], now=BOOKED_AT)
    assert found.withdraw == ()
    cancelled = replace(MOVED, status=AppointmentStatus.CANCELLED)
    assert changes(cancelled, [by_hand, undated], now=BOOKED_AT).withdraw == (undated.id,)


def test_a_missed_visit_is_noted_once_for_each_time_it_was_missed() -> None:
    noted_at = START + HOUR
    missed = replace(VISIT, version=2, status=AppointmentStatus.NO_SHOW)
    assert names(changes(missed, SENT, now=noted_at)) == [(Purpose.NO_SHOW, None)]
    note = standing(missed, now=noted_at, lifecycle=Lifecycle.ACCEPTED)
    assert names(changes(replace(missed, version=3), [*SENT, *note], now=noted_at)) == []

    moved = replace(MOVED, version=3)
    told = standing(moved, now=noted_at, lifecycle=Lifecycle.ACCEPTED)
    missed_again = replace(moved, version=4, status=AppointmentStatus.NO_SHOW)
    found = changes(missed_again, [*SENT, *note, *told], now=moved.starts_at + HOUR)
    assert names(found) == [(Purpose.NO_SHOW, None)]


def test_a_note_of_a_missed_visit_is_withdrawn_when_the_visit_took_place_after_all() -> None:
    missed = replace(VISIT, version=2, status=AppointmentStatus.NO_SHOW)
    note = standing(missed, now=START + HOUR, lifecycle=Lifecycle.SCHEDULED)
    completed = replace(VISIT, version=3, status=AppointmentStatus.COMPLETED)
    assert changes(completed, note, now=START + 2 * HOUR).withdraw == (note[0].id,)
