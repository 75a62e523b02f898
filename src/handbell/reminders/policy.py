"""When a visit is confirmed and reminded of, and which messages a change of it touches."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from handbell.directory.types import AppointmentStatus, VisitFacts
from handbell.messages.types import PENDING, Lifecycle, PlannedMessage
from handbell.platform.vocabulary import Purpose
from handbell.reminders.types import Changes, PlannedReminder
from handbell.scheduling.types import At, OnDay
from handbell.scheduling.tz import zone  # allow public-files: the pinned package's zones

HOURS_OF_DAY: Final = 24
GOOD_TIME: Final = timedelta(hours=26)
"""A visit booked this long before is reminded of, whatever its provider's hours are."""
STAND_IN: Final = 24
"""Hours before: the reminder of a visit that was booked after all of its provider's hours."""
MISSED_LATELY: Final = timedelta(days=7)
"""A visit missed longer ago is history, such as an import brings; nobody is written to."""

OPEN: Final = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED})
OURS: Final = frozenset({Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER, Purpose.NO_SHOW})
SETTLED: Final = frozenset({Lifecycle.REFUSED, Lifecycle.CANCELLED})
"""What ended without telling anybody anything."""
TOLD: Final = frozenset({Lifecycle.SENDING, Lifecycle.ACCEPTED, Lifecycle.UNKNOWN})


def plan(visit: VisitFacts, *, now: datetime) -> tuple[PlannedReminder, ...]:
    """All messages that the visit asks for if nobody was told of it before."""
    if visit.status is AppointmentStatus.NO_SHOW:
        lately = timedelta(0) <= now - visit.starts_at <= MISSED_LATELY
        note = PlannedReminder(purpose=Purpose.NO_SHOW, anchor=At(now), serves_at=None)
        return (note,) if lately else ()
    if visit.status not in OPEN or visit.starts_at <= now or not visit.auto_reminders:
        return ()
    confirmation = PlannedReminder(
        purpose=Purpose.APPT_CONFIRM,
        anchor=At(now, serves_at=visit.starts_at),
        serves_at=visit.starts_at,
    )
    return (confirmation, *(reminder(visit, hours) for hours in _hours(visit, now=now)))


def decide_changes(
    visit: VisitFacts, planned: Sequence[PlannedReminder], standing: Sequence[PlannedMessage]
) -> Changes:
    """Compare the plan with the messages about the visit, those that have left included.

    Where a patient was told something else since, such as another time, what they were told
    before counts no more: a visit moved away and back is confirmed again.
    """
    ours = _ours(standing)
    pending = [message for message in ours if message.lifecycle in PENDING]
    withdraw = tuple(message.id for message in pending if not still_holds(visit, message))
    holding = [m for m in that_count(visit, standing) if m.id not in withdraw]
    return Changes(
        withdraw=withdraw,
        rebase=tuple(
            message.id
            for message in pending
            if message.id not in withdraw and message.appointment_version != visit.version
        ),
        admit=tuple(one for one in planned if _is_missing(visit, one, holding)),
    )


def that_count(visit: VisitFacts, standing: Sequence[PlannedMessage]) -> list[PlannedMessage]:
    """The messages about the visit as it stands, unless something else was told after them."""
    ours = _ours(standing)
    about_it = [message for message in ours if _is_about(visit, message)]
    newest_other = max(
        (_version(m) for m in ours if m not in about_it and m.lifecycle in TOLD), default=-1
    )
    return [m for m in about_it if m.lifecycle in PENDING or _version(m) > newest_other]


def _ours(standing: Sequence[PlannedMessage]) -> list[PlannedMessage]:
    return [m for m in standing if m.purpose in OURS and m.lifecycle not in SETTLED]


def _hours(visit: VisitFacts, *, now: datetime) -> Iterator[int]:
    """The provider's offsets that are still ahead, the furthest first.

    One that falls on the day of the booking yields to a shorter one, since the confirmation
    has just said the same.
    """
    ahead = [h for h in sorted(set(visit.hours_before)) if _is_ahead(visit, h, now=now)]
    if not ahead and visit.hours_before and visit.starts_at - now >= GOOD_TIME:
        ahead = [STAND_IN]
    today = local_day(visit, now)
    for hours in reversed(ahead):
        is_shortest = hours == ahead[0]
        if is_shortest or not _is_whole_days(hours) or _day_before(visit, hours) != today:
            yield hours


def _is_ahead(visit: VisitFacts, hours: int, *, now: datetime) -> bool:
    if _is_whole_days(hours):
        return _day_before(visit, hours) >= local_day(visit, now)
    return visit.starts_at - timedelta(hours=hours) > now


def reminder(visit: VisitFacts, hours: int) -> PlannedReminder:
    """24 hours before means the calendar day before; 2 hours before are 2 hours."""
    instant = visit.starts_at - timedelta(hours=hours)
    return PlannedReminder(
        purpose=Purpose.APPT_REMINDER,
        anchor=OnDay(_day_before(visit, hours), visit.starts_at, visit.when_closed)
        if _is_whole_days(hours)
        else At(instant, visit.starts_at, visit.when_closed),
        serves_at=visit.starts_at,
        hours_before=hours,
    )


def _is_whole_days(hours: int) -> bool:
    return hours % HOURS_OF_DAY == 0


def _day_before(visit: VisitFacts, hours: int) -> date:
    return local_day(visit, visit.starts_at) - timedelta(days=hours // HOURS_OF_DAY)


def local_day(visit: VisitFacts, at: datetime) -> date:
    """The calendar day of the place."""
    return at.astimezone(zone(visit.timezone)).date()


def still_holds(visit: VisitFacts, message: PlannedMessage) -> bool:
    """Whether a message that has not left is still to leave.

    What names no start was ordered by hand and falls with the visit only; what names no offset
    does not depend on the provider's hours.
    """
    if message.purpose is Purpose.NO_SHOW:
        return visit.status is AppointmentStatus.NO_SHOW
    if visit.status not in OPEN or message.serves_at not in {None, visit.starts_at}:
        return False
    if message.reminder_offset is None:
        return True
    offsets = {hours * 60 for hours in (*visit.hours_before, STAND_IN)}
    return visit.auto_reminders and message.reminder_offset in offsets


def _is_about(visit: VisitFacts, message: PlannedMessage) -> bool:
    if visit.status is AppointmentStatus.NO_SHOW:
        return message.purpose is Purpose.NO_SHOW
    is_of_start = message.serves_at in {None, visit.starts_at}
    return message.purpose is not Purpose.NO_SHOW and is_of_start


def _version(message: PlannedMessage) -> int:
    return message.appointment_version or 0


def _is_missing(
    visit: VisitFacts, planned: PlannedReminder, holding: Sequence[PlannedMessage]
) -> bool:
    """A reminder that only stands in for others is not needed beside any other one."""
    is_stand_in = (
        planned.hours_before is not None and planned.hours_before not in visit.hours_before
    )
    return not any(
        message.purpose is planned.purpose
        and (is_stand_in or message.reminder_offset == planned.reminder_offset)
        for message in holding
    )
