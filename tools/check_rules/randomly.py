"""Random cases from a seed: clock changes, window edges and nights are asked for most."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Final, TypeVar

from tools.check_rules import law
from tools.check_rules.cases import CHANNELS, CLASSES, WHEN_CLOSED, Case, Held, Message, Patient
from tools.check_rules.closed_days import federal_days
from tools.check_rules.places import (
    AREA_CODE,
    CLOCKS_OF_STATE,
    FIFTY_STATES,
    PHONE_ABROAD,
    ZIP_CODES,
    ZONES_ABROAD,
)
from tools.check_rules.walls import MINUTES, instant, shown, tz
from tools.check_rules.where import whereabouts

_One = TypeVar("_One")
_DAY: Final = timedelta(days=1)
ORDINARY_DAYS: Final = 150
"""Days without a change that one run draws from; more would cost walks and bring little."""
_FIRST, _LAST = date(2026, 1, 1), date(2028, 12, 31)
_STATES: Final = tuple(CLOCKS_OF_STATE)
_BOUND_STATES: Final = tuple(law.STATES)
_EDGES: Final = (*(h * 60 for h in (0, 7, 8, 9, 10, 12, 15, 17, 18, 19, 20, 21, 22)), 510)
_QUIET: Final = (
    (21 * 60, 8 * 60), (22 * 60, 7 * 60), (23 * 60 + 30, 6 * 60 + 15), (12 * 60, 12 * 60 + 30),
    (60, 3 * 60), (2 * 60 + 30, 2 * 60 + 31), (13 * 60, 12 * 60), (0, 9 * 60), (20 * 60, 0),
    (23 * 60, 30), (90, 90), (18 * 60, 10 * 60),
)  # fmt: skip


def random_cases(count: int, *, seed: int, no: int = 0) -> Iterator[Case]:
    """The same seed and number give the same cases; other numbers draw from the same days."""
    draw = Draw(seed, no)
    return (draw.case() for _ in range(count))


class Draw:
    """Draws the parts of a case."""

    def __init__(self, seed: int, no: int) -> None:
        span = range((_LAST - _FIRST).days)
        ordinary = Random(seed).sample(span, ORDINARY_DAYS)  # noqa: S311 - draws cases, no secret
        self.days = [_FIRST + n * _DAY for n in ordinary]
        self.random = Random(seed * 1_000_000 + no)  # noqa: S311 - the same

    def case(self) -> Case:
        message_class, channel = self._class(), self.one(CHANNELS)
        patient = self._patient()
        message = Message(message_class=message_class, channel=channel)
        case = Case(patient=patient, message=message, now=instant(0))
        zone = self.one(whereabouts(case).clocks)
        now = self._instant_on(zone, self._day(zone), patient)
        message = self._message(message, zone, patient, now)
        return replace(
            case,
            now=now,
            message=message,
            patient=self._history(patient, now),
            blackouts=self._blackouts(now),
        )

    def one(self, options: Sequence[_One]) -> _One:
        return options[int(self.random.random() * len(options))]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def _class(self) -> str:
        if self.chance(0.45):
            return "marketing"
        return self.one(CLASSES)

    # The patient

    def _patient(self) -> Patient:
        hours = Patient(quiet=self._quiet(), work=self._work(), best_hour=self._best_hour())
        if self.chance(0.2):
            return self._abroad(hours)
        state = self.one(_BOUND_STATES if self.chance(0.6) else _STATES)
        if self.chance(0.12):
            return replace(hours, country=self.one(["US", None]))
        zip_code = self.one(list(ZIP_CODES)) if self.chance(0.2) else None
        other = self.one(_STATES) if self.chance(0.25) else state
        return replace(
            hours,
            country="US" if self.chance(0.9) else None,
            state=None if zip_code or self.chance(0.3) else state,
            postal_code=zip_code,
            phone=f"+1{AREA_CODE[other]}5550123" if self.chance(0.6) else None,
            stated=self.one(FIFTY_STATES) if self.chance(0.15) else None,
        )

    def _abroad(self, hours: Patient) -> Patient:
        country = self.one(list(ZONES_ABROAD))
        phone = None
        if self.chance(0.15):
            phone = self.one(list(PHONE_ABROAD))
        elif self.chance(0.1):
            phone = f"+1{AREA_CODE[self.one(_STATES)]}5550123"
        return replace(hours, country=country, stated=ZONES_ABROAD[country], phone=phone)

    def _quiet(self) -> tuple[int, int]:
        if self.chance(0.3):
            return 0, 0
        if self.chance(0.85):
            return self.one(_QUIET)
        return self.random.randrange(MINUTES), self.random.randrange(MINUTES)

    def _work(self) -> tuple[int, int]:
        if self.chance(0.4):
            return 0, 0
        start = self.one([0, 60, 90, 8 * 60, 9 * 60 + 30, 12 * 60, 22 * 60 + 30, 23 * 60])
        return start, (start + self.one([0, 4 * 60, 8 * 60])) % MINUTES

    def _best_hour(self) -> int | None:
        return self.random.randrange(24) if self.chance(0.4) else None

    def _history(self, patient: Patient, now: datetime) -> Patient:
        """What was sent in the last eight days, and perhaps a pause. What only the law counts is
        sent more seldom than what any cap counts, else few cases would leave at all."""
        pause = now + timedelta(minutes=self.one([-60, 90, 3000])) if self.chance(0.1) else None
        return replace(
            patient,
            sent_at=self._sent(now, self.one([0, 0, 1, 3, 5, 6])),
            others_sent_at=self._sent(now, self.one([0, 0, 0, 2, 3, 4])),
            commercial_sent_at=self._sent(now, self.one([0, 0, 0, 1, 2])),
            pause_until=pause,
        )

    def _sent(self, now: datetime, count: int) -> tuple[datetime, ...]:
        """So many sends, on whole minutes, most of them at the edge of a period."""
        whole = now.replace(second=0, microsecond=0)
        edges = [5, 600, 1439, 1440, 1441, 10079, 10080, 10081]
        ago = [self.one(edges) + self.one([0, 0, 1, 30]) for _ in range(count)]
        return tuple(sorted(whole - timedelta(minutes=minutes) for minutes in ago))

    # The instant

    def _day(self, zone: str) -> date:
        kind = self.random.random()
        if kind < 0.4 and (changes := clock_changes(zone)):  # noqa: PLR2004 - shares of the draw
            return self.one(changes) + self.random.randint(-1, 1) * _DAY
        if kind < 0.5:  # noqa: PLR2004 - shares of the draw
            return self.one(_turning_days()) + self.random.randint(-1, 1) * _DAY
        return self.one(self.days)

    def _instant_on(self, zone: str, day: date, patient: Patient) -> datetime:
        """Most often within two minutes of an edge, and half of the time not a whole minute."""
        of_day = self.random.randrange(MINUTES)
        if self.chance(0.7):
            of_day = self.one([*_EDGES, *patient.quiet]) + self.random.randint(-2, 2)
        midnight = datetime.combine(day, time(0), tz(zone))
        at = (midnight + timedelta(minutes=of_day)).astimezone(UTC)
        if self.chance(0.1):
            at += timedelta(hours=1)
        parts = [timedelta(0), timedelta(0), timedelta(seconds=59, milliseconds=999)]
        return at + self.one([*parts, timedelta(seconds=self.random.randrange(1, 60))])

    def _blackouts(self, now: datetime) -> tuple[Held, ...]:
        return tuple(self._blackout(now) for _ in range(self.one([0] * 9 + [1, 1, 2])))

    def _blackout(self, now: datetime) -> Held:
        """Near the instant asked, of an hour to a fortnight, and narrowed half of the time."""
        start = now + timedelta(minutes=self.one([-3000, -90, -1, 0, 1, 90, 1440]))
        length = timedelta(minutes=self.one([60, 720, 2880, 20_000, 20_159, 20_160, 20_161]))
        held = Held(start=start, end=start + length)
        if self.chance(0.3):
            held = replace(held, state=self.one(_STATES))
        elif self.chance(0.2):
            held = replace(held, country=self.one(["US", "FR", "ES"]))
        if self.chance(0.2):
            held = replace(held, channel=self.one(CHANNELS))
        if self.chance(0.3):
            held = replace(held, message_class=self.one(["care", "marketing"]))
        return held

    # The message

    def _message(self, message: Message, zone: str, patient: Patient, now: datetime) -> Message:
        if message.message_class == "inbound_reply" and self.chance(0.9):
            minutes = self.one([0, 1, 30, 59, 60, 61, 200])
            message = replace(message, answers_at=now - timedelta(minutes=minutes))
        if self.chance(0.4):
            message = replace(message, when_closed=self.one(WHEN_CLOSED))
        kind = self.random.random()
        if kind < 0.2:  # noqa: PLR2004 - shares of the draw
            return message
        if kind < 0.5:  # noqa: PLR2004 - shares of the draw
            today = now.astimezone(UTC).date()
            day = today + self.one([-1, 0, 0, 1, 1, 2, 3]) * _DAY
            return replace(message, day=day, serves_at=self._visit(now))
        wanted = now if self.chance(0.3) else self._later(zone, patient, now)
        return replace(message, instant=wanted, serves_at=self._visit(wanted))

    def _later(self, zone: str, patient: Patient, now: datetime) -> datetime:
        if self.chance(0.2):
            return now - timedelta(minutes=self.one([1, 2, 3, 600]), seconds=self.one([0, 1]))
        day = now.astimezone(UTC).date() + self.one([0, 1, 2]) * _DAY
        return self._instant_on(zone, day, patient)

    def _visit(self, after: datetime) -> datetime | None:
        if self.chance(0.4):
            return None
        minutes = self.one([14, 15, 16, 120, 240, 600, 900, 1440, 2880])
        return after + timedelta(minutes=minutes)


@cache
def clock_changes(zone: str) -> list[date]:
    """The days of the years asked on which the zone's clock jumps."""
    start, end = datetime.combine(_FIRST, time(0), UTC), datetime.combine(_LAST, time(0), UTC)
    days = range(int(start.timestamp()) // 86400, int(end.timestamp()) // 86400)
    return [instant(day * MINUTES).date() for day in days if _jumps(zone, day)]


def _jumps(zone: str, day: int) -> bool:
    """Whether its clock shows another difference to UTC a day later."""
    offsets = {shown(zone, minute) - minute for minute in (day * MINUTES, (day + 1) * MINUTES)}
    return len(offsets) > 1


@cache
def _turning_days() -> list[date]:
    """Days on which a row begins, and holidays."""
    rows = [row for rows in law.STATES.values() for row in rows]
    begins = {row.begins_on for row in rows if row.begins_on.year > 1}
    kept = {day for year in (2026, 2027, 2028) for day in federal_days(year)}
    return sorted(begins | kept)
