"""Makes a patient's visits and everything that becomes of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from handbell.demo.chance import Chance
from handbell.demo.people import Person
from handbell.demo.places import LOCATIONS, SENSITIVE, ZONE_OF_LOCATION
from handbell.demo.script import Change, ChangeKind, Visit

_FIRST_VISIT: Final = time(8)
_HOURS: Final = 10
_GRID_HOURS: Final = 4
_AFTER_THE_HOUR: Final = timedelta(minutes=5)
"""The record system speaks five minutes past every fourth hour: messages are due on other
minutes, so nothing depends on who is faster within one instant."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_VISITS: Final = {1: 55, 2: 34, 3: 11}
_WHERE: Final = {"near": 80, "sensitive": 12, "elsewhere": 8}
_BOOKED: Final = {"before": 70, "ahead": 25, "walk-in": 5}
_BOOKED_NEXT: Final = {"before": 15, "ahead": 80, "walk-in": 5}
"""Most have one visit on the books, and make the next when it is near: somebody with several
ahead cannot say with a mere "C" which one they mean."""
_FATES: Final = {
    ChangeKind.COMPLETED: 80,
    ChangeKind.MOVED: 8,
    ChangeKind.CANCELLED: 6,
    ChangeKind.NO_SHOW: 6,
}
_NIGHTLY: Final = time(6, 5)
"""When the record system reports the day's visits, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A visit and where it takes place."""

    visit: Visit
    location_id: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the run; dates are those of the start's day and the days after it."""

    chance: Chance
    start: datetime
    days: int

    @property
    def end(self) -> datetime:
        return self.start + self.days * _DAY

    def bookings_of(self, person: Person) -> Iterator[Booking]:
        """One to three visits, each in its own part of the run."""
        wanted = self.chance.weighted(_VISITS, "visits", person.id)
        count = min(wanted, max(1, self.days // 2))
        for number in range(count):
            visit_id = f"visit-{person.id}-{number + 1}"
            location_id = self._location(person, visit_id)
            zone = ZONE_OF_LOCATION[location_id]
            starts_at = self._time_of(visit_id, self._day(visit_id, number, count), zone)
            shares = _BOOKED_NEXT if number else _BOOKED
            booked_at = self._booked_at(visit_id, starts_at, shares)
            booked = Change(version=1, at=booked_at, kind=ChangeKind.BOOKED, starts_at=starts_at)
            changes = (booked, *self._later(person, visit_id, booked, zone))
            visit = Visit(id=visit_id, patient_id=person.id, zone=zone, changes=changes)
            yield Booking(visit=visit, location_id=location_id)

    def _location(self, person: Person, visit_id: str) -> str:
        """Mostly the nearest; some go to the sensitive clinic, some elsewhere."""
        where = self.chance.weighted(_WHERE, "location", visit_id)
        if where == "sensitive":
            return SENSITIVE
        home = person.home or person.phone_place
        if where == "elsewhere" or home is None:
            return self.chance.pick(LOCATIONS, "elsewhere", visit_id).id
        return home.location

    def _day(self, visit_id: str, number: int, count: int) -> date:
        """Visits of one patient lie at least a day apart, so that no cap is met."""
        part = self.days / count
        inside = max(1, int(part) - 1)
        offset = int(number * part) + self.chance.below(inside, "day", visit_id)
        return self.start.date() + offset * _DAY

    def _time_of(self, key: str, day: date, zone: str) -> datetime:
        """A full hour from 08:00 to 17:00 at the place, as an instant."""
        late = self.chance.below(_HOURS, "hour", key) * _HOUR
        wall = datetime.combine(day, _FIRST_VISIT) + late
        return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(self.start.tzinfo)

    def _later(self, person: Person, visit_id: str, booked: Change, zone: str) -> Iterator[Change]:
        """What becomes of the visit; the dead neither move nor come."""
        fate = self._fate(visit_id, booked, zone)
        for version, (at, kind, starts_at) in enumerate(fate, start=2):
            if at > self.end or (person.died_at is not None and at >= person.died_at):
                return
            yield Change(version=version, at=at, kind=kind, starts_at=starts_at)

    def _booked_at(
        self, visit_id: str, starts_at: datetime, shares: Mapping[str, int]
    ) -> datetime:
        """On the books from the start, some hours before, or less than two hours before."""
        when = self.chance.weighted(shares, "booked", visit_id)
        if when == "before":
            return self.start
        if when == "ahead":
            lead = timedelta(hours=3 + self.chance.below(90, "lead", visit_id))
            return max(self.start, _on_grid(starts_at - lead))
        hour = (starts_at - _HOUR).replace(minute=0)
        return max(self.start, hour + _AFTER_THE_HOUR)

    def _fate(
        self, visit_id: str, booked: Change, zone: str
    ) -> Iterator[tuple[datetime, ChangeKind, datetime]]:
        starts_at = booked.starts_at
        fate = self.chance.weighted(_FATES, "fate of the visit", visit_id)
        middle = self._middle(visit_id, booked.at, starts_at)
        if fate is ChangeKind.MOVED and middle is not None:
            day = starts_at.astimezone(ZoneInfo(zone)).date()
            later = day + (1 + self.chance.below(3, "days later", visit_id)) * _DAY
            starts_at = self._time_of(f"{visit_id} moved", later, zone)
            yield middle, ChangeKind.MOVED, starts_at
        elif fate is ChangeKind.CANCELLED and middle is not None:
            yield middle, ChangeKind.CANCELLED, starts_at
            return
        kind = ChangeKind.NO_SHOW if fate is ChangeKind.NO_SHOW else ChangeKind.COMPLETED
        yield _night_after(starts_at), kind, starts_at

    def _middle(self, visit_id: str, booked_at: datetime, starts_at: datetime) -> datetime | None:
        """An instant of the record system's between booking and an hour before the visit."""
        hours = int((starts_at - booked_at) / _HOUR)
        if hours <= 0:
            return None
        at = _on_grid(booked_at + self.chance.below(hours, "middle", visit_id) * _HOUR)
        at = at if at > booked_at else at + _GRID_HOURS * _HOUR
        return at if at <= starts_at - _HOUR else None


def _on_grid(at: datetime) -> datetime:
    """The record system's last instant at or before `at`."""
    past = at - _AFTER_THE_HOUR
    hour = past.hour - past.hour % _GRID_HOURS
    floor = past.replace(hour=hour, minute=0, second=0, microsecond=0)
    return floor + _AFTER_THE_HOUR


def _night_after(starts_at: datetime) -> datetime:
    night = datetime.combine(starts_at.date(), _NIGHTLY, starts_at.tzinfo)
    return night if night > starts_at + _HOUR else night + _DAY
