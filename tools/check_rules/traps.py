"""Cases made for what is rare: clocks that jump, blackouts, the horizon, the end of a grace."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Final

from tools.check_rules.cases import Case, Held, Message, Patient
from tools.check_rules.walls import MINUTES, first_shown, instant, local_minute, shown

NEW_YORK: Final = "America/New_York"
FRIDAY: Final = date(2027, 2, 5)
NOON: Final = datetime(2027, 2, 5, 17, tzinfo=UTC)
JUMPS: Final = (
    ("US", NEW_YORK, date(2027, 3, 14)),
    ("US", NEW_YORK, date(2027, 11, 7)),
    ("ES", "Europe/Madrid", date(2027, 3, 28)),
    ("ES", "Europe/Madrid", date(2027, 10, 31)),
    ("CL", "America/Santiago", date(2027, 9, 5)),
    ("CL", "America/Santiago", date(2027, 4, 3)),
    ("AU", "Australia/Lord_Howe", date(2027, 10, 3)),
    ("AU", "Australia/Lord_Howe", date(2027, 4, 4)),
)
"""Local days with a gap or an overlap; in Santiago at midnight, on Lord Howe of half an hour."""
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


def trap_cases() -> Iterator[Case]:
    yield from _jumps()
    yield from _long_days()
    yield from _blackouts()
    yield from _horizon()
    yield from _last_minutes()
    yield from _after_midnight()


def _case(patient: Patient, now: datetime, **message: object) -> Case:
    return Case(patient=patient, message=Message(**message), now=now)  # type: ignore[arg-type]


def _jump_of(zone: str, day: date) -> tuple[int, int]:
    """The UTC minute at which the clock jumps on that day, and the minute of the day before it."""
    start = first_shown(zone, local_minute(day, 0)) - 60
    before = shown(zone, start) - start
    jump = next(m for m in range(start, start + 2 * MINUTES) if shown(zone, m) - m != before)
    return jump, (jump + before) % MINUTES


def _jumps() -> Iterator[Case]:
    """Quiet hours and wanted hours that begin or end where the clock skips or repeats."""
    for country, zone, day in JUMPS:
        jump, wall = _jump_of(zone, day)
        at = instant(jump)
        for low, high in ((-60, 30), (15, 16), (30, 90), (-30, 0), (0, 60), (-90, 15)):
            quiet = ((wall + low) % MINUTES, (wall + high) % MINUTES)
            patient = Patient(country=country, stated=zone, quiet=quiet)
            for minutes in (-91, -60, -30, -1, 0, 1, 15, 29, 30, 31, 59, 60, 61, 90):
                yield _case(patient, at + minutes * _MINUTE, channel="email")
            for hours in (-20, 3):
                now = at + timedelta(hours=hours)
                yield _case(patient, now, channel="email", day=day)
        for minutes in (-30, 0, 15, 30, 45):
            work = ((wall + minutes - 60) % MINUTES, (wall + 300) % MINUTES)
            patient = Patient(country=country, stated=zone, work=work)
            for planned in (day, day + _DAY):
                now = at - timedelta(hours=20)
                yield _case(patient, now, channel="email", day=planned)


def _long_days() -> Iterator[Case]:
    """A local day of 25 hours: five sent early in it are more than 24 hours ago at its end."""
    patient = Patient(state="NY")
    begins = instant(first_shown(NEW_YORK, local_minute(date(2027, 11, 7), 0)))
    for count, message_class in product((4, 5, 6), ("care", "billing_admin", "marketing")):
        for hours in (24, 24.5, 24.98, 25, 25.1, 33):
            now = begins + timedelta(hours=hours)
            for sent in (begins - _MINUTE, begins, begins + _MINUTE):
                history = replace(patient, sent_at=(sent,) * count)
                yield _case(
                    history, now, message_class=message_class, channel="email", instant=now
                )


def _blackouts() -> Iterator[Case]:
    """Every limit of a blackout, met and missed, and each edge of its window."""
    limits: tuple[dict[str, str], ...] = (
        *({}, {"channel": "sms"}, {"channel": "email"}, {"country": "US"}, {"country": "FR"}),
        *({"message_class": "care"}, {"message_class": "marketing"}, {"state": "LA"}),
        *({"state": "NY"}, {"state": "LA", "message_class": "marketing"}),
        {"state": "LA", "country": "US"},
    )
    people = (
        Patient(state="LA"),
        Patient(country=None, state="LA"),
        Patient(stated=NEW_YORK),
        Patient(country=None, stated=NEW_YORK),
        Patient(country="FR", stated="Europe/Paris"),
        Patient(state="NY", phone="+15045550123"),
    )
    classes = ("care", "marketing", "emergency", "inbound_reply", "research")
    for limit, patient, message_class in product(limits, people, classes):
        held = Held(start=NOON - _DAY, end=NOON + timedelta(hours=2), **limit)
        case = _case(patient, NOON, message_class=message_class, instant=NOON)
        yield replace(case, blackouts=(held,))
    yield from _edges_of_blackouts()


def _edges_of_blackouts() -> Iterator[Case]:
    patient = Patient(state="NY")
    second = timedelta(seconds=1)
    for seconds in (0, 30):
        start = NOON + timedelta(seconds=seconds)
        held = Held(start=start, end=start + timedelta(hours=1))
        also = Held(start=start + timedelta(minutes=50), end=start + timedelta(hours=3))
        for now in (
            *(start - _MINUTE, start - second, start, start + second),
            *(held.end - second, held.end, held.end + second, also.end, also.end - _MINUTE),
        ):
            for blackouts in ((held,), (held, also)):
                for message in (Message(instant=now), Message(day=FRIDAY), Message()):
                    yield Case(patient=patient, message=message, now=now, blackouts=blackouts)
    visit = NOON + timedelta(hours=3)
    held = Held(start=NOON - timedelta(hours=1), end=NOON + timedelta(hours=2))
    for wanted in (NOON, NOON + timedelta(minutes=90)):
        message = Message(instant=wanted, serves_at=visit)
        now = NOON - timedelta(hours=2)
        yield Case(patient=patient, message=message, now=now, blackouts=(held,))


def _horizon() -> Iterator[Case]:
    """The first allowed minute lies on either side of 14 days, or of the fifteenth day."""
    patient = Patient(state="NY")
    for days, minutes in product((13, 14, 15, 16), (-1, 0, 1, 600)):
        end = NOON + days * _DAY + minutes * _MINUTE
        held = Held(start=NOON - _DAY, end=end)
        after = Held(start=NOON + timedelta(hours=3), end=end + timedelta(hours=3))
        visit = NOON + 40 * _DAY
        for message in (
            Message(instant=NOON),
            Message(instant=NOON, serves_at=visit),
            Message(day=FRIDAY),
            Message(day=FRIDAY + _DAY),
            Message(),
        ):
            yield Case(patient=patient, message=message, now=NOON, blackouts=(held,))
        late = Message(instant=NOON + timedelta(hours=4), serves_at=visit)
        yield Case(patient=patient, message=late, now=NOON, blackouts=(after,))
        paused = replace(patient, pause_until=NOON + timedelta(hours=1))
        yield Case(patient=paused, message=Message(instant=NOON), now=NOON, blackouts=(held,))
    for days in (13, 14, 15, 16):
        morning = instant(first_shown(NEW_YORK, local_minute(FRIDAY + days * _DAY, 8 * 60)))
        for shift in (-1, 0, 1):
            held = Held(start=NOON - _DAY, end=morning + shift * _MINUTE)
            yield Case(patient=patient, message=Message(), now=NOON, blackouts=(held,))


def _last_minutes() -> Iterator[Case]:
    """An earlier minute is wanted: the last open one, or the last of a reply's hour of grace."""
    patient = Patient(state="NY", quiet=(22 * 60, 7 * 60))
    evening = instant(first_shown(NEW_YORK, local_minute(FRIDAY, 21 * 60)))
    visit = evening + timedelta(hours=11)
    for asked_after, now_after in (
        (-120, -90),
        (-120, -30),
        (20, 30),
        (40, 45),
        (50, 59),
        (0, 60),
    ):
        asked, now = evening + asked_after * _MINUTE, evening + now_after * _MINUTE
        for wanted_after, seconds in product((60, 61, 75, 90, 101, 120), (0, 30)):
            wanted = evening + wanted_after * _MINUTE
            message = Message(
                message_class="inbound_reply",
                instant=wanted,
                serves_at=visit,
                answers_at=asked + timedelta(seconds=seconds),
            )
            yield Case(patient=patient, message=message, now=now)
            care = replace(message, message_class="care", channel="email", answers_at=None)
            yield Case(patient=patient, message=care, now=now + timedelta(seconds=seconds))


def _after_midnight() -> Iterator[Case]:
    """Only a few minutes of a day are open, and they are far from the wanted hour."""
    for quiet in ((1, 0), (30, 0), (0, 23 * 60 + 59), (10 * 60, 9 * 60 + 59), (541, 540)):
        patient = Patient(state="NY", quiet=quiet)
        for best in (None, 0, 9, 23):
            hours = replace(patient, best_hour=best)
            for shift, days in product((-1, 0, 1), (0, 1)):
                now = instant(first_shown(NEW_YORK, local_minute(FRIDAY, quiet[1]))) + (
                    shift * _MINUTE
                )
                day = FRIDAY + days * _DAY
                yield _case(hours, now, channel="email", day=day)
                yield _case(hours, now, channel="email")
