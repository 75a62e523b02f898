"""Which visits one reminder tells of: all of a patient's visits of one day that want the same.

A visit asks for its reminders by itself (`policy`). Here those of one patient, one local day and
one offset become one message, at the hour of the first visit. When the visits of a message are no
longer those that want it, it is withdrawn, and what remains of it is planned anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from handbell.directory.types import VisitFacts
from handbell.messages.types import PENDING, Lifecycle, MessageId, PlannedMessage
from handbell.platform.vocabulary import Purpose
from handbell.reminders.policy import (
    OPEN,
    SETTLED,
    decide_changes,
    local_day,
    plan,
    reminder,
    still_holds,
    that_count,
)
from handbell.reminders.types import Changes, DayChanges, PlannedReminder, Wanted
from handbell.scheduling.types import WhenClosed

NEVER_LEFT: Final = SETTLED | {Lifecycle.EXPIRED, *PENDING}
Messages = Mapping[int, Sequence[PlannedMessage]]
"""What is known of each visit's messages, by the visit's id."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What reminders have in common that become one. `alone` is the id of a visit that is never
    told of together with others."""

    patient_id: int
    zone: str
    day: date
    hours_before: int
    when_closed: WhenClosed
    alone: int | None


def decide_day(
    visit: VisitFacts, mates: Sequence[VisitFacts], known: Messages, *, now: datetime
) -> DayChanges:
    """Compare what a visit and others of its day, or of a common message, ask for with their
    messages. Of the others only reminders are looked at: the rest is planned with them."""
    changes = [(visit, decide_changes(visit, plan(visit, now=now), known[visit.appointment_id]))]
    for mate in mates:
        planned = [one for one in plan(mate, now=now) if one.hours_before is not None]
        changes.append((mate, decide_changes(mate, planned, known[mate.appointment_id])))
    fallen = {message_id for _, found in changes for message_id in found.withdraw}
    groups = _grouped(changes, known, now=now)
    kept, replaced = _sorted_out(groups, known, fallen)
    withdraw = fallen | replaced
    single = [
        Wanted(visits=(of,), planned=one)
        for of, found in changes
        for one in found.admit
        if one.hours_before is None
    ]
    return DayChanges(
        withdraw=tuple(sorted(withdraw)),
        rebase=tuple(
            (of, ids)
            for of, found in changes
            if (ids := tuple(one for one in found.rebase if one not in withdraw))
        ),
        admit=(*single, *_wanted((group for group in groups if group not in kept), known)),
    )


def merged(
    planned: Iterable[tuple[VisitFacts, PlannedReminder]],
) -> Iterator[Wanted]:
    """The messages that visits ask for about which nothing is known yet."""
    places: dict[_Place, list[VisitFacts]] = defaultdict(list)
    for visit, one in planned:
        if one.hours_before is None:
            yield Wanted(visits=(visit,), planned=one)
        else:
            places[_place(visit, one.hours_before)].append(visit)
    yield from _wanted([_Group.of(place, visits) for place, visits in places.items()], {})


@dataclass(frozen=True, slots=True)
class _Group:
    """Visits in the order of the day, and the offset at which one message tells of them."""

    hours_before: int
    visits: tuple[VisitFacts, ...]

    @classmethod
    def of(cls, place: _Place, visits: Iterable[VisitFacts]) -> "_Group":
        in_order = sorted(visits, key=lambda one: (one.starts_at, one.appointment_id))
        return cls(place.hours_before, tuple(in_order))

    @property
    def starts(self) -> dict[int, datetime]:
        return {one.appointment_id: one.starts_at for one in self.visits}


def _grouped(
    changes: Sequence[tuple[VisitFacts, Changes]], known: Messages, *, now: datetime
) -> list[_Group]:
    places: dict[_Place, set[VisitFacts]] = defaultdict(set)
    for visit, found in changes:
        for hours in _hours_wanted(visit, found, known[visit.appointment_id], now=now):
            places[_place(visit, hours)].add(visit)
    return [_Group.of(place, visits) for place, visits in places.items()]


def _hours_wanted(
    visit: VisitFacts, found: Changes, messages: Sequence[PlannedMessage], *, now: datetime
) -> set[int]:
    """The offsets at which the visit is still to be reminded of: those that are missing, those
    that wait, and those of a common message that never left."""
    missing = {one.hours_before for one in found.admit if one.hours_before is not None}
    if visit.status not in OPEN or visit.starts_at <= now:
        return missing
    told = {
        m.reminder_offset for m in that_count(visit, messages) if m.lifecycle not in NEVER_LEFT
    }
    owed = {
        m.reminder_offset
        for m in messages
        if _is_reminder(m)
        and m.is_regular
        and m.lifecycle in NEVER_LEFT
        and (_is_pending(m) or len(m.visits) > 1)
        and still_holds(visit, m)
    }
    return missing | {offset // 60 for offset in owed - told if offset is not None}


def _sorted_out(
    groups: Sequence[_Group], known: Messages, fallen: set[MessageId]
) -> tuple[list[_Group], set[MessageId]]:
    """The groups of which a message tells already that waits, and what waits but tells of
    another choice of visits."""
    kept, replaced = [], set()
    for group in groups:
        waiting = {
            m.id: m
            for m in _about(group, known)
            if _is_pending(m) and m.is_regular and m.id not in fallen
        }
        exact = [m.id for m in waiting.values() if _starts(m) == group.starts]
        if exact:
            kept.append(group)
        replaced |= waiting.keys() - set(exact[:1])
    return kept, replaced


def _wanted(groups: Iterable[_Group], known: Messages) -> Iterator[Wanted]:
    for group in groups:
        others = [m.id for m in _about(group, known) if _starts(m) != group.starts]
        yield Wanted(
            visits=group.visits,
            planned=reminder(group.visits[0], group.hours_before),
            after=max(others, default=None),
        )


def _about(group: _Group, known: Messages) -> Iterator[PlannedMessage]:
    """The messages of the group's offset about any of its visits as it stands."""
    for visit in group.visits:
        for message in known.get(visit.appointment_id, ()):
            is_of_start = message.serves_at == visit.starts_at
            is_of_offset = message.reminder_offset == group.hours_before * 60
            if _is_reminder(message) and is_of_start and is_of_offset:
                yield message


def _starts(message: PlannedMessage) -> dict[int, datetime | None]:
    return {one.appointment_id: one.starts_at for one in message.visits}


def _place(visit: VisitFacts, hours: int) -> _Place:
    return _Place(
        patient_id=visit.patient_id,
        zone=visit.timezone,
        day=local_day(visit, visit.starts_at),
        hours_before=hours,
        when_closed=visit.when_closed,
        alone=visit.appointment_id if visit.is_confidential else None,
    )


def _is_reminder(message: PlannedMessage) -> bool:
    return message.purpose is Purpose.APPT_REMINDER and message.reminder_offset is not None


def _is_pending(message: PlannedMessage) -> bool:
    return message.lifecycle in PENDING
