"""Makes the practice's patients, each from the seed and a number alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from handbell.demo.chance import Chance
from handbell.demo.fhir import FhirPatient
from handbell.demo.places import (
    AREAS,
    CAPACITY,
    DIAGNOSES,
    DRUGS,
    FIRST_NAMES,
    LAST_NAMES,
    NUMBERS_PER_AREA,
    PLACES,
    PROVIDERS,
    Place,
)
from handbell.platform.vocabulary import Channel

_STRIDE: Final = 1009
"""Has no divisor in common with `CAPACITY`: numbers spread over areas and none comes twice."""
_LANGUAGES: Final = {"en": 70, "es": 20, "es-MX": 10}
_PHONE: Final = frozenset({Channel.SMS, Channel.WHATSAPP})
_BIRTHS_FROM: Final = date(1935, 1, 1)
_BIRTHS_DAYS: Final = 29_000
_UNREACHABLE: Final = (
    (),
    ({"channel": "landline", "value": "+1 212 555 0123"},),
    ({"channel": "sms", "value": "555-0101"},),
)
_FAMILY_PERCENT: Final = 6
_CHANNELS: Final[dict[tuple[Channel, ...], int]] = {
    (Channel.SMS,): 45,
    (Channel.SMS, Channel.EMAIL): 17,
    (Channel.SMS, Channel.WHATSAPP): 5,
    (Channel.EMAIL,): 19,
    (Channel.WHATSAPP,): 10,
    (): 4,
}
_TOLD: Final = {"zone": 55, "address": 40, "nothing": 5}
_FATES: Final = {"lives": 96, "dies": 3, "died before": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A patient as the record system knows them, and the truth beside it.

    `stated_zone` None: the zone follows from home and number. `refused` are channels on which
    the patient said no at registration; `closed` and `opened` are preferences.
    """

    id: str
    first_name: str
    last_name: str
    born_on: date | None
    language: str
    home: Place | None
    phone_place: Place | None
    stated_zone: str | None
    addresses: Mapping[Channel, str]
    contacts: tuple[Mapping[str, str], ...]
    provider_id: str
    diagnosis: str
    drug: str
    amount: str
    refused: frozenset[Channel] = frozenset()
    closed: frozenset[Channel] = frozenset()
    opened: frozenset[Channel] = frozenset()
    died_at: datetime | None = None
    more_secrets: tuple[str, ...] = ()
    is_imported: bool = False

    @property
    def zones(self) -> tuple[str, ...]:
        """Where the patient may be, by the demo's own knowledge."""
        if self.stated_zone:
            return (self.stated_zone,)
        places = [one for one in (self.home, self.phone_place) if one is not None]
        return tuple(dict.fromkeys(place.zone for place in places))

    @property
    def secrets(self) -> tuple[str, ...]:
        own = (self.diagnosis, self.drug, self.amount, self.id)
        return (*own, *_spellings(self.born_on), *self.more_secrets)

    @property
    def complaint(self) -> str:
        """What the visit is for, as a careless front desk writes it."""
        return f"{self.diagnosis}: {self.drug} review, owes ${self.amount}"


def make_person(chance: Chance, number: int, *, start: datetime, days: int) -> Person:
    """The patient of that number, counted from 0."""
    owner = phone_owner(chance, number)
    language = chance.weighted(_LANGUAGES, "language", owner)
    phone_place, phone = make_number(chance, owner)
    addresses, contacts = _reach(chance, number, phone)
    has_phone = bool(_PHONE & addresses.keys())
    home, stated = _whereabouts(chance, number, phone_place, has_phone=has_phone)
    names = "en" if language == "en" else "es"
    condition = chance.below(len(DIAGNOSES), "diagnosis", number)
    return Person(
        id=f"MRN-{number:05d}-{chance.below(1_000_000, 'record', number):06d}",
        first_name=chance.pick(FIRST_NAMES[names], "first", number),
        last_name=chance.pick(LAST_NAMES[names], "last", owner),
        born_on=_BIRTHS_FROM + timedelta(days=chance.below(_BIRTHS_DAYS, "born", number)),
        language=language,
        home=home,
        phone_place=phone_place if has_phone else None,
        stated_zone=stated,
        addresses=addresses,
        contacts=contacts,
        provider_id=chance.pick(tuple(PROVIDERS), "provider", number),
        diagnosis=DIAGNOSES[condition],
        drug=DRUGS[condition],
        amount=_amount(chance, number),
        refused=_refused(chance, number, addresses),
        closed=_closed(chance, number, addresses),
        opened=frozenset({Channel.WHATSAPP}) & addresses.keys(),
        died_at=_death(chance, number, start=start, days=days),
    )


def make_imported(chance: Chance, number: int, told: FhirPatient, *, start: datetime) -> Person:
    """A patient of a FHIR folder, with contact details and a zone made up for the living."""
    place, phone = make_number(chance, number)
    reach = {channels: share for channels, share in _CHANNELS.items() if channels}
    channels = () if told.is_deceased else chance.weighted(reach, "channels", number)
    addresses = _addresses(channels, number, phone)
    condition = chance.below(len(DIAGNOSES), "diagnosis", number)
    return Person(
        id=told.id,
        first_name=told.first_name,
        last_name=told.last_name,
        born_on=told.born_on,
        language=told.language,
        home=None,
        phone_place=place,
        stated_zone=place.zone,
        addresses=addresses,
        contacts=_as_contacts(addresses),
        provider_id=chance.pick(tuple(PROVIDERS), "provider", number),
        diagnosis=DIAGNOSES[condition],
        drug=DRUGS[condition],
        amount=_amount(chance, number),
        opened=frozenset({Channel.WHATSAPP}) & addresses.keys(),
        died_at=start - timedelta(days=30) if told.is_deceased else None,
        more_secrets=told.secrets,
        is_imported=True,
    )


def _spellings(born: date | None) -> tuple[str, ...]:
    """How a birth date may be written."""
    if born is None:
        return ()
    return (
        born.isoformat(),
        f"{born:%m/%d/%Y}",
        f"{born.month}/{born.day}/{born.year}",
        f"{born:%B} {born.day}, {born.year}",
    )


def make_number(chance: Chance, owner: int) -> tuple[Place, str]:
    """A number that is nobody else's, and the place of its area code."""
    slot = (chance.below(CAPACITY, "numbers") + owner * _STRIDE) % CAPACITY
    code, place = AREAS[slot // NUMBERS_PER_AREA]
    return place, f"+1{code}55501{slot % NUMBERS_PER_AREA:02d}"


def phone_owner(chance: Chance, number: int) -> int:
    """Some share the phone of the one before them, as families do; never in a chain."""
    is_sharing = chance.happens(_FAMILY_PERCENT, "family", number)
    before = chance.happens(_FAMILY_PERCENT, "family", number - 1)
    return number - 1 if number and is_sharing and not before else number


def _reach(
    chance: Chance, number: int, phone: str
) -> tuple[dict[Channel, str], tuple[Mapping[str, str], ...]]:
    """Addresses by channel, and the contacts as they are told."""
    channels = chance.weighted(_CHANNELS, "channels", number)
    if not channels:
        return {}, chance.pick(_UNREACHABLE, "unreachable", number)
    addresses = _addresses(channels, number, phone)
    return addresses, _as_contacts(addresses)


def _addresses(channels: tuple[Channel, ...], number: int, phone: str) -> dict[Channel, str]:
    email = f"patient{number}@mail.example.org"
    return {one: email if one is Channel.EMAIL else phone for one in channels}


def _as_contacts(addresses: Mapping[Channel, str]) -> tuple[Mapping[str, str], ...]:
    return tuple({"channel": str(one), "value": value} for one, value in addresses.items())


def _whereabouts(
    chance: Chance, number: int, phone_place: Place, *, has_phone: bool
) -> tuple[Place | None, str | None]:
    """Most live where their number is from; a few tell neither zone nor address."""
    has_moved = chance.happens(15, "moved away", number)
    home = chance.pick(PLACES, "home", number) if has_moved else phone_place
    told = chance.weighted(_TOLD, "tells zone", number)
    if told == "zone":
        return home, home.zone
    return (home if told == "address" or not has_phone else None), None


def _refused(chance: Chance, number: int, addresses: Mapping[Channel, str]) -> frozenset[Channel]:
    """A refusal binds the number, so whoever shares one refuses nothing here."""
    is_shared = phone_owner(chance, number) != number or phone_owner(chance, number + 1) == number
    is_refusing = chance.happens(4, "refuses", number) and not is_shared
    if not is_refusing or Channel.WHATSAPP in addresses:
        return frozenset()
    return frozenset({Channel.SMS}) & addresses.keys()


def _closed(chance: Chance, number: int, addresses: Mapping[Channel, str]) -> frozenset[Channel]:
    is_closing = chance.happens(3, "closes", number)
    return frozenset({Channel.SMS}) & addresses.keys() if is_closing else frozenset()


def _death(chance: Chance, number: int, *, start: datetime, days: int) -> datetime | None:
    fate = chance.weighted(_FATES, "fate of the person", number)
    if fate == "died before":
        return start - timedelta(days=30)
    if fate == "dies" and days > 1:
        hours = 24 + 2 * chance.below(12 * (days - 1), "dies", number)
        return start + timedelta(hours=hours, minutes=5)
    return None


def _amount(chance: Chance, number: int) -> str:
    cents = 10_000 + chance.below(90_000, "amount", number)
    return f"{cents // 100}.{cents % 100:02d}"
