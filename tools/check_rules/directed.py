"""Cases made for each row, each place and each limit: one minute on either side of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Final

from tools.check_rules import law
from tools.check_rules.cases import CHANNELS, CLASSES, WHEN_CLOSED, Case, Held, Message, Patient
from tools.check_rules.closed_days import closed_days
from tools.check_rules.places import (
    AREA_CODE,
    CLOCKS_OF_STATE,
    FIFTY_STATES,
    MOBILE_OF_AUSTRALIA,
    PHONE_ABROAD,
    ZONES_ABROAD,
)
from tools.check_rules.traps import trap_cases
from tools.check_rules.walls import first_shown, instant, local_minute

FRIDAY: Final = date(2027, 2, 5)
SUMMER: Final = date(2027, 7, 9)
WEEKEND: Final = (FRIDAY, date(2027, 2, 6), date(2027, 2, 7), SUMMER)
EARLIER: Final = (date(2026, 2, 6), date(2026, 2, 7), date(2026, 2, 8))
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
NEW_YORK: Final = "America/New_York"
Rows = tuple[law.LawRow, ...]


def directed_cases() -> Iterator[Case]:
    yield from _edges()
    yield from _beginnings()
    yield from _holidays()
    yield from _places()
    yield from _hours_of_patients()
    yield from _replies()
    yield from _collections()
    yield from _anchors()
    yield from _choices()
    yield from _caps()
    yield from _caps_of_places()
    yield from trap_cases()


def at(zone: str, day: date, of_day: int) -> datetime:
    """The instant at which the zone's clock shows that minute of that day."""
    return instant(first_shown(zone, local_minute(day, of_day)))


def _case(patient: Patient, now: datetime, near: str = "", **message: object) -> Case:
    return Case(
        patient=patient,
        message=Message(**message),  # type: ignore[arg-type]
        now=now,
        near=near,
    )


def _bound() -> Iterator[tuple[str, Rows, Patient, tuple[str, ...]]]:
    """Every row of the law with a patient whom it binds, and that patient's clocks."""
    for state, rows in law.STATES.items():
        yield state, rows, Patient(state=state), CLOCKS_OF_STATE[state]
    for country, rows in law.COUNTRIES.items():
        known = "ES" if country == "default" else country
        zone = ZONES_ABROAD[known]
        yield country, rows, Patient(country=known, stated=zone), (zone,)
    yield "federal", law.FEDERAL, Patient(state="NY"), (NEW_YORK,)
    yield "unknown", law.UNKNOWN_STATE, Patient(stated=NEW_YORK), (NEW_YORK,)


def _edges() -> Iterator[Case]:
    """A minute on either side of each edge, on each clock; of older rows as well."""
    for name, rows, patient, clocks in _bound():
        days = WEEKEND if len(rows) == 1 else (*WEEKEND, *EARLIER)
        for zone, day in product(clocks, days):
            row = law.binding(rows, day)
            hours = row.week[day.weekday()] if row else None
            for edge, shift in product(hours or (8 * 60, 12 * 60), (-1, 0, 1)):
                now = at(zone, day, edge) + shift * _MINUTE
                yield _case(patient, now, name, message_class="marketing")
    for edge, day, shift in product((8 * 60, 21 * 60), WEEKEND, (-1, 0)):
        now = at(NEW_YORK, day, edge) + shift * _MINUTE
        for message_class in ("care", "billing_admin", "research"):
            yield _case(Patient(state="NY"), now, "courtesy", message_class=message_class)


def _collections() -> Iterator[Case]:
    """Billing in a country whose hours bind it, at the edges of those hours and of courtesy."""
    zone = ZONES_ABROAD["CO"]
    for edge, day, shift in product((7 * 60, 8 * 60, 15 * 60, 19 * 60), WEEKEND, (-1, 0, 1)):
        now = at(zone, day, edge) + shift * _MINUTE
        for message_class in ("billing_admin", "care"):
            patient = Patient(country="CO", stated=zone)
            yield _case(patient, now, "CO", message_class=message_class)


def _beginnings() -> Iterator[Case]:
    """The local day before a row begins, and that day: which row binds shows at its edges."""
    for name, rows, patient, clocks in _bound():
        begins = [row.begins_on for row in rows if row.begins_on.year > 1]
        days = [day for begin in begins for day in (begin - _DAY, begin)]
        for day, of_day in product(days, (0, 480, 539, 20 * 60, 21 * 60 - 1, 1439)):
            yield _case(patient, at(clocks[0], day, of_day), name, message_class="marketing")


def _holidays() -> Iterator[Case]:
    """Noon of every working day of two years that anyone keeps, asked of every row."""
    for name, _, patient, clocks in _bound():
        kept = {SUMMER, date(2027, 8, 9), date(2027, 4, 26)}
        for year in (2026, 2027):
            kept |= closed_days("US", None, year)
            kept |= closed_days(str(patient.country), name, year)
        for day in sorted(kept):
            if day.weekday() < law.SATURDAY:
                now = at(clocks[0], day, 12 * 60)
                yield _case(patient, now, name, message_class="marketing")


def _places() -> Iterator[Case]:
    """Each state by address and by area code, at the edges of a day on each of its clocks."""
    for state, clocks in CLOCKS_OF_STATE.items():
        phone = f"+1{AREA_CODE[state]}5550123"
        for patient in (Patient(state=state), Patient(state=None, phone=phone)):
            for zone in clocks:
                for day in (FRIDAY, SUMMER):
                    for of_day in (8 * 60 - 1, 8 * 60, 21 * 60 - 1, 21 * 60):
                        yield _case(patient, at(zone, day, of_day), state)
            evening = at(clocks[0], FRIDAY, 18 * 60 + 30)
            yield _case(patient, evening, state, message_class="marketing")
    yield from _nowhere()
    yield from _noise()


def _nowhere() -> Iterator[Case]:
    """Nothing is known: every clock of the fifty states binds, also with a short quiet time."""
    lunch = Patient(quiet=(12 * 60, 12 * 60 + 1))
    for zone, day, of_day in product(FIFTY_STATES, (FRIDAY, SUMMER), (10 * 60, 12 * 60, 18 * 60)):
        for channel in ("sms", "email"):
            now = at(zone, day, of_day)
            yield _case(lunch, now, "nowhere", message_class="marketing", channel=channel)
    # Only in this hour does Phoenix show what neither Denver nor Los Angeles does.
    jump = datetime(2027, 3, 14, 9, 30, tzinfo=UTC)
    asleep = Patient(quiet=(150, 151))
    yield _case(asleep, jump, "nowhere", message_class="marketing", channel="email")


def _noise() -> Iterator[Case]:
    """What says nothing of a place: addresses abroad, broken codes, toll-free numbers."""
    now = at(NEW_YORK, FRIDAY, 8 * 60)
    for patient in (
        Patient(country="IN", postal_code="10001", state="CA"),
        Patient(state="ZZ", postal_code="1000", phone="+18005550123"),
        Patient(postal_code="1000a", phone="nonsense"),
        Patient(phone="+1"),
        Patient(country=None, state="TX"),
        Patient(country=None, postal_code="97914"),
        Patient(stated="America/Chicago", state="NY"),
        Patient(country=None, phone="+80012345678"),
        Patient(country="AU", phone=MOBILE_OF_AUSTRALIA),
        *(Patient(country="FR", phone=phone) for phone in PHONE_ABROAD),
    ):
        for message_class in ("care", "marketing"):
            yield _case(patient, now, message_class=message_class)


def _hours_of_patients() -> Iterator[Case]:
    """Quiet hours, half-open, in every class and on every channel."""
    for quiet in ((21 * 60, 8 * 60), (60, 180), (600, 600), (0, 540), (1200, 0)):
        for edge in quiet:
            for message_class in ("care", "marketing", "inbound_reply", "emergency", "research"):
                for shift in (-1, 0, 1):
                    now = at(NEW_YORK, FRIDAY, edge) + shift * _MINUTE
                    yield _case(
                        Patient(state="NY", quiet=quiet),
                        now,
                        message_class=message_class,
                        channel="email",
                    )


def _replies() -> Iterator[Case]:
    night = Patient(state="NY", quiet=(22 * 60, 7 * 60))
    asked = at(NEW_YORK, FRIDAY, 23 * 60)
    reply = Message(message_class="inbound_reply", answers_at=asked)
    visit = asked + timedelta(hours=4)
    for seconds in (0, 1, 3599, 3600, 3601, 7200):
        now = asked + timedelta(seconds=seconds)
        for message in (
            reply,
            replace(reply, instant=now),
            replace(reply, instant=asked + 90 * _MINUTE, serves_at=visit),
            replace(reply, day=FRIDAY),
            replace(reply, answers_at=None),
        ):
            yield Case(patient=night, message=message, now=now)


def _anchors() -> Iterator[Case]:
    """Every anchor, at night and at noon, with a visit near and far and hours of each source."""
    patients = (
        Patient(state="NY"),
        Patient(state="NY", best_hour=6),
        Patient(state="NY", best_hour=22),
        Patient(state="NY", work=(9 * 60 + 30, 17 * 60)),
        Patient(state="NY", work=(23 * 60, 60), quiet=(30, 90)),
        Patient(state="NY", best_hour=14, quiet=(13 * 60, 15 * 60 + 1)),
    )
    for patient in patients:
        for of_day in (180, 9 * 60, 12 * 60, 15 * 60, 21 * 60 + 30):
            for seconds in (0, 20):
                now = at(NEW_YORK, FRIDAY, of_day) + timedelta(seconds=seconds)
                yield from _anchored(patient, now)


def _anchored(patient: Patient, now: datetime) -> Iterator[Case]:
    today = now.astimezone(UTC).date()
    for message_class in ("care", "emergency"):
        yield _case(patient, now, message_class=message_class)
        for days in (-1, 0, 1, 2):
            yield _case(patient, now, message_class=message_class, day=today + days * _DAY)
    for minutes in (-2, -1, 0, 1, 120, 600, 900):
        wanted = now + minutes * _MINUTE
        yield _case(patient, now, instant=wanted)
        for offset in (15, 16, 60, 600, 1260, 2520):
            yield _case(patient, now, instant=wanted, serves_at=wanted + offset * _MINUTE)


def _choices() -> Iterator[Case]:
    """Each choice for what is closed by usual hours, by quiet ones, by a law, by an operator."""
    patients = (
        Patient(state="NY"),
        Patient(state="NY", quiet=(22 * 60, 7 * 60)),
        Patient(state="RI", best_hour=18),
        Patient(state="NY", best_hour=6, quiet=(0, 23 * 60 + 59)),
    )
    for patient, when_closed in product(patients, WHEN_CLOSED):
        for message_class, of_day in product(
            ("care", "marketing", "emergency"), (7 * 60, 12 * 60, 21 * 60, 22 * 60 + 30)
        ):
            now = at(NEW_YORK, FRIDAY, of_day)
            held = Held(start=now + timedelta(hours=1), end=now + timedelta(hours=40))
            told = {"message_class": message_class, "when_closed": when_closed}
            for wish in (
                {"instant": now},
                {"instant": now - 5 * _MINUTE},
                {"instant": now + timedelta(hours=10)},
                {"instant": now + timedelta(hours=2), "serves_at": now + timedelta(hours=4)},
                {"day": FRIDAY},
                {"day": FRIDAY + 2 * _DAY},
                {"day": FRIDAY - _DAY},
                {},
            ):
                case = _case(patient, now, **told, **wish)
                yield case
                yield replace(case, blackouts=(held,))


def _caps() -> Iterator[Case]:
    noon = at(NEW_YORK, FRIDAY, 12 * 60)
    patient = Patient(state="NY")
    for minutes in (1, 60, 1439, 1440, 1441, 10079, 10080, 10081):
        sent = noon - minutes * _MINUTE
        for message_class, most in (("care", 5), ("marketing", 1), ("research", 5)):
            for count in (most - 1, most, most + 1):
                history = replace(patient, sent_at=(sent,) * count)
                yield _case(history, noon, message_class=message_class, instant=noon)
        weekly = tuple(sent - n * 2 * _DAY for n in (2, 1, 0))
        yield _case(replace(patient, sent_at=weekly), noon, message_class="marketing")
    for minutes in (-1, 0, 1, 600, 1500):
        paused = replace(patient, pause_until=noon + minutes * _MINUTE)
        for message_class in ("care", "inbound_reply", "emergency"):
            for wanted in (noon, noon + 30 * _MINUTE, noon + 900 * _MINUTE):
                yield _case(paused, noon, message_class=message_class, instant=wanted)


def _caps_of_places() -> Iterator[Case]:
    """As many sends as a place allows, one less and one more, a minute on either side of the
    period; on the channels and in the classes that are bound, and in those that are not."""
    for name, _, patient, clocks in _bound():
        now = at(clocks[0], FRIDAY, 12 * 60)
        for minutes, count in product((1, 1439, 1440, 1441), (2, 3, 4)):
            others = replace(patient, others_sent_at=(now - minutes * _MINUTE,) * count)
            yield _case(others, now, name, message_class="marketing", instant=now)
        own = replace(patient, sent_at=(now - _DAY,), others_sent_at=(now - 60 * _MINUTE,) * 2)
        yield _case(own, now, name, message_class="marketing", instant=now)
        for message_class, channel in product(CLASSES, CHANNELS):
            busy = replace(patient, others_sent_at=(now,) * 4, commercial_sent_at=(now,))
            told = {"message_class": message_class, "channel": channel, "instant": now}
            yield _case(busy, now, name, **told)
        for edge, shift in product((0, 1439), (-1, 0, 1)):
            sent = at(clocks[0], FRIDAY, edge) + shift * _MINUTE
            for message_class, count in product(("marketing", "billing_admin"), (1, 2)):
                once = replace(patient, commercial_sent_at=(sent,) * count)
                yield _case(once, now, name, message_class=message_class, instant=now)
    yield from _begun_caps()
    yield from _two_caps()


def _begun_caps() -> Iterator[Case]:
    """A number that has had enough, around the day on which a row with a cap begins."""
    for name, rows, patient, clocks in _bound():
        for begin in (row.begins_on for row in rows if row.begins_on.year > 1):
            for day, of_day in product((begin - _DAY, begin, begin + _DAY), (600, 1200, 1439)):
                now = at(clocks[0], day, of_day)
                full = replace(patient, others_sent_at=(now - 30 * _MINUTE,) * 3)
                yield _case(full, now, name, message_class="marketing", instant=now)
                late = replace(full, sent_at=(now - 23 * 60 * _MINUTE,))
                yield _case(late, now, name, message_class="marketing", instant=now)


def _two_caps() -> Iterator[Case]:
    """Somebody in Colombia with a number of Florida: the one cap lifts before the other."""
    colombian = Patient(country="CO", stated=ZONES_ABROAD["CO"], phone="+18505550123")
    noon = at(ZONES_ABROAD["CO"], FRIDAY, 12 * 60)
    for hours, told in product((1, 20), ((), (noon - 60 * _MINUTE,))):
        others = (noon - hours * 60 * _MINUTE,) * 3
        both = replace(colombian, others_sent_at=others, commercial_sent_at=told)
        yield _case(both, noon, "CO", message_class="marketing", instant=noon)
