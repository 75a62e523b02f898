"""Who is told in a patient's place, as it is asked for and as it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from handbell.platform.vocabulary import Channel

AGE_OF_MAJORITY: Final = 18


class Kind(StrEnum):
    """Why they are told. Values are stored: append only."""

    GUARDIAN = "guardian"
    CAREGIVER = "caregiver"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ContactPerson:
    """Somebody who is no patient here; `addresses` are as told, nothing is checked yet."""

    first_name: str
    last_name: str | None
    language: str | None
    addresses: Mapping[Channel, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """The patient's written permission: which words, when, and where it is kept."""

    text_version: str
    at: datetime
    evidence: str | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewRelation:
    """Either a patient of ours or a contact person. `until_on`: the first day without it."""

    kind: Kind
    related_patient_id: int | None
    contact: ContactPerson | None
    until_on: date | None
    permission: Permission | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RelationView:
    """A relation as staff see it. `adult_on` is the 18th birthday, when a guardian ends."""

    id: int
    kind: Kind
    related_id: int
    is_contact: bool
    first_name: str | None
    last_name: str | None
    addresses: Mapping[Channel, str] = field(default_factory=dict)
    adult_on: date | None
    until_on: date | None
    permission: Permission | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_by: str | None


def adult_on(birth_date: date) -> date:
    """The 18th birthday. Who is born on 29 February is of age on 1 March of a common year."""
    year = birth_date.year + AGE_OF_MAJORITY
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
