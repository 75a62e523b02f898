"""Makes the whole script of a run: people, visits and what the record system tells of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from handbell.demo.chance import Chance
from handbell.demo.fhir import read_patients
from handbell.demo.people import Person, make_imported, make_person
from handbell.demo.places import CAPACITY, LOCATIONS, PROVIDERS, SENSITIVE, SENSITIVE_NAME
from handbell.demo.script import Change, ChangeKind, Patient, Script, Statement, Visit
from handbell.demo.visits import Booking, Calendar
from handbell.platform.errors import InvalidError
from handbell.platform.vocabulary import Channel

START: Final = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
"""A Monday; the clocks of most of the country go forward thirteen days later."""
MOST_DAYS: Final = 60
FHIR_SOURCE: Final = "fhir"


class WorldTooLarge(InvalidError):
    """Raised for more patients or days than the demo can make up."""

    code = "world_too_large"


def make_script(*, seed: int, patients: int, days: int) -> Script:
    """Make up a practice. The same arguments give the same script.

    Raises `WorldTooLarge`.
    """
    _check_size(patients, days)
    chance = Chance(seed)
    people = [make_person(chance, n, start=START, days=days) for n in range(patients)]
    return write_script(people, Calendar(chance, START, days), source="practice")


def make_script_from_fhir(folder: Path, *, seed: int, days: int) -> Script:
    """Let the patients of a FHIR folder come to the practice; they must be imported already.

    Raises `WorldTooLarge` or `NoPatients`.
    """
    told = read_patients(folder)
    _check_size(len(told), days)
    chance = Chance(seed)
    people = [make_imported(chance, n, one, start=START) for n, one in enumerate(told)]
    return write_script(people, Calendar(chance, START, days), source=FHIR_SOURCE)


def _check_size(patients: int, days: int) -> None:
    if not (1 <= patients <= CAPACITY and 1 <= days <= MOST_DAYS):
        limits = f"1 to {CAPACITY} patients and 1 to {MOST_DAYS} days"
        raise WorldTooLarge(f"The demo makes up {limits}.")


def write_script(people: Sequence[Person], calendar: Calendar, *, source: str) -> Script:
    """Give everybody visits and put down what is told of them, in order."""
    bookings = {
        one.id: [] if one.is_imported and one.died_at else list(calendar.bookings_of(one))
        for one in people
    }
    named = {one.id: one for one in people}
    told = [
        *_deaths(people, calendar),
        *(
            _tell_visit(named[person_id], booking, change)
            for person_id, theirs in bookings.items()
            for booking in theirs
            for change in booking.visit.changes
        ),
    ]
    visits = [booking.visit for theirs in bookings.values() for booking in theirs]
    return Script(
        source=source,
        start=calendar.start,
        end=calendar.end,
        opening=tuple(_opening(people, calendar.start)),
        preferences=dict(_preferences(people)),
        statements=tuple(sorted(told, key=_order)),
        patients={one.id: _to_patient(one, bookings[one.id]) for one in people},
        visits={visit.id: visit for visit in visits},
    )


def _order(statement: Statement) -> tuple[datetime, bool, str]:
    """At one instant deaths are told before visits."""
    is_visit = statement.type.startswith("appointment.")
    return statement.at, is_visit, statement.subject


def _opening(people: Iterable[Person], start: datetime) -> Iterator[Statement]:
    for location in LOCATIONS:
        data: dict[str, object] = {
            "id": location.id,
            "name": location.name,
            "timezone": location.zone,
            "sensitive": location.is_sensitive,
        }
        yield Statement(at=start, type="location.updated", subject=location.id, data=data)
    for provider_id, (name, defaults) in PROVIDERS.items():
        data = {"id": provider_id, "name": name, "defaults": defaults}
        yield Statement(at=start, type="provider.settings_updated", subject=provider_id, data=data)
    for person in people:
        kind = "patient.updated" if person.is_imported else "patient.registered"
        data = _registration(person)
        yield Statement(at=start, type=kind, subject=person.id, data=data)


def _registration(person: Person) -> dict[str, object]:
    if person.is_imported and person.died_at is not None:
        return {"id": person.id}
    said: dict[str, object] = {
        "id": person.id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "language": person.language,
        "contacts": list(person.contacts),
        "provider_id": person.provider_id,
        "consents": [_refusal(person, channel) for channel in sorted(person.refused)],
    }
    if person.born_on is not None:
        said["birth_date"] = person.born_on.isoformat()
    if person.stated_zone:
        said["timezone"] = person.stated_zone
    if person.home is not None:
        said["address"] = {
            "line": "1 Main St",
            "city": person.home.city,
            "state": person.home.state,
            "postal_code": person.home.postal_code,
            "country": "US",
        }
    if person.died_at is not None and person.died_at < START:
        said["deceased_at"] = person.died_at.isoformat()
    return said


def _refusal(person: Person, channel: Channel) -> dict[str, object]:
    """Some refuse what concerns their care, some everything."""
    is_for_all = len(person.last_name) % 2 == 0
    of_class = {} if is_for_all else {"class": "care"}
    return {"channel": channel, "granted": False, "method": "paper_form", **of_class}


def _preferences(people: Iterable[Person]) -> Iterator[tuple[str, Mapping[str, bool]]]:
    for person in people:
        wishes = {f"allow_{one}": True for one in sorted(person.opened)}
        wishes |= {f"allow_{one}": False for one in sorted(person.closed)}
        if wishes:
            yield person.id, wishes


def _deaths(people: Iterable[Person], calendar: Calendar) -> Iterator[Statement]:
    for person in people:
        if person.died_at is None or person.died_at < calendar.start:
            continue
        data = {"id": person.id, "deceased_at": person.died_at.isoformat()}
        yield Statement(at=person.died_at, type="patient.deceased", subject=person.id, data=data)


def _tell_visit(person: Person, booking: Booking, change: Change) -> Statement:
    """What the record system says of a change; a start is local at every second visit."""
    visit = booking.visit
    data: dict[str, object] = {"id": visit.id, "patient_id": person.id}
    if change.kind in {ChangeKind.BOOKED, ChangeKind.MOVED}:
        data |= {
            "provider_id": person.provider_id,
            "location_id": booking.location_id,
            "duration_minutes": 30,
            "type": person.complaint,
            **_start(visit, change),
        }
    kind = f"appointment.{change.kind}"
    return Statement(at=change.at, type=kind, subject=visit.id, data=data)


def _start(visit: Visit, change: Change) -> dict[str, object]:
    local = change.starts_at.astimezone(ZoneInfo(visit.zone))
    if local.minute:
        return {"start": local.isoformat()}
    return {"start": local.replace(tzinfo=None).isoformat(), "timezone": visit.zone}


def _to_patient(person: Person, bookings: Sequence[Booking]) -> Patient:
    shut = person.refused | person.closed
    clinic = any(booking.location_id == SENSITIVE for booking in bookings)
    return Patient(
        id=person.id,
        zones=person.zones or (LOCATIONS[0].zone,),
        addresses=person.addresses,
        open_channels=frozenset(person.addresses) - shut,
        secrets=(*person.secrets, *([SENSITIVE_NAME] if clinic else [])),
        died_at=person.died_at,
    )
