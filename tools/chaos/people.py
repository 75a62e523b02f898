"""Invented patients, their visits, and how a message tells which visit it is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from phonenumbers import is_valid_number, parse

from tools.chaos.plan import Size

PROVIDER: Final = "doctor"
STOP_EVERY: Final = 40
"""Of so many patients with a telephone one says STOP."""
_HOUR: Final = 10
_MINUTE: Final = re.compile(rf"\b{_HOUR}:(\d\d)")
_NOON: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A patient: `channels` in the order of preference, with the address of each."""

    name: str
    channels: tuple[tuple[str, str], ...]
    is_stopping: bool

    @property
    def first(self) -> tuple[str, str]:
        return self.channels[0]

    def registration(self, zone: str) -> dict[str, Any]:
        contacts = [{"channel": channel, "value": value} for channel, value in self.channels]
        return {"id": self.name, "first_name": "Ada", "timezone": zone, "contacts": contacts}


@dataclass(frozen=True, slots=True)
class Visit:
    """The `no`th visit of a patient; its minute tells it from the patient's others."""

    person: Person
    no: int

    @property
    def name(self) -> str:
        return f"{self.person.name}-v{self.no}"

    def booking(self, zone: str, *, now: datetime) -> dict[str, Any]:
        day = (now + timedelta(days=90)).date()
        return {
            "id": self.name,
            "patient_id": self.person.name,
            "provider_id": PROVIDER,
            "start": f"{day}T{_HOUR}:{self.no:02d}:00",
            "timezone": zone,
        }


def visit_in(body: str) -> int | None:
    """Which visit a text is about; None where it is about none (an answer to a STOP)."""
    found = _MINUTE.search(body)
    return int(found.group(1)) if found else None


def make_people(size: Size) -> list[Person]:
    """Of ten patients six have a mobile number, one of them and an address too; two have an
    address only and two WhatsApp."""
    phones = numbers()
    people = []
    for no in range(size.patients):
        kind = no % 10
        mail = ("email", f"p{no}@example.org")
        if kind < 6:  # noqa: PLR2004
            channels = [("sms", next(phones))] + ([mail] if kind == 0 else [])
        else:
            channels = [mail] if kind < 8 else [("whatsapp", next(phones))]  # noqa: PLR2004
        is_stopping = channels[0][0] != "email" and no % STOP_EVERY in {1, 9}
        people.append(Person(name=f"p{no}", channels=tuple(channels), is_stopping=is_stopping))
    return people


def numbers() -> Iterator[str]:
    """Telephone numbers that nobody has: the hundred of each area code."""
    for area in range(201, 990):
        if is_valid_number(parse(f"+1{area}5550100")):
            yield from (f"+1{area}55501{no:02d}" for no in range(100))


def visits_in_order(people: list[Person], size: Size, *, seed: int) -> list[Visit]:
    """Everybody's first visit, then everybody's second: each round in an order of chance."""
    chance, order = Random(seed), []  # noqa: S311 - to be repeated
    for no in range(size.visits):
        of_round = [Visit(person, no) for person in people]
        chance.shuffle(of_round)
        order += of_round
    return order


def noon_zone(now: datetime) -> str:
    """A zone without summer time in which it is shortly after noon: all may leave."""
    ahead = _NOON - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
