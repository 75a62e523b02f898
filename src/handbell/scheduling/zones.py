"""Candidate zones and states of a patient, from what is known of address and phone."""

import string
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from handbell.scheduling.state_zones import STATE_OF_AREA_CODE, TERRITORIES, ZONES_OF_STATE
from handbell.scheduling.tz import zone_names

_NO_PLACE: Final = "+18005550100"  # A toll-free number: its zones are those of all North America.
_ZIP_DIGITS: Final = 5


class ZoneSource(StrEnum):
    """The best evidence that the zones come from."""

    STATED = "stated"
    ADDRESS = "address"
    ADDRESS_AND_PHONE = "address_and_phone"
    PHONE = "phone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneEvidence:
    """`zones` bind care, `marketing_zones` marketing: a zone that the patient stated decides
    alone for the first and is one candidate of several for the second. Primary zone first."""

    zones: tuple[str, ...]
    marketing_zones: tuple[str, ...]
    states: tuple[str, ...]
    source: ZoneSource


def candidate_zones(
    *,
    stated: str | None,
    country: str | None,
    state: str | None,
    postal_code: str | None,
    phone: str | None,
) -> ZoneEvidence:
    """Infer where the patient may be; `phone` is E.164. What is not known adds nothing."""
    zip_zones, zip_states = _of_zip(country, postal_code)
    address_states = _unique(zip_states, _known_state(country, state))
    address = zip_zones or _zones_of(address_states)
    phone_zones, phone_states = _of_phone(phone)
    inferred = _unique(address, phone_zones)
    own = (stated,) if stated in zone_names() else ()
    return ZoneEvidence(
        zones=own or inferred,
        marketing_zones=_unique(own, inferred),
        states=_unique(address_states, phone_states),
        source=_source(own, address, phone_zones),
    )


def _source(own: tuple[str, ...], address: tuple[str, ...], phone: tuple[str, ...]) -> ZoneSource:
    if own:
        return ZoneSource.STATED
    if address:
        return ZoneSource.ADDRESS_AND_PHONE if phone else ZoneSource.ADDRESS
    return ZoneSource.PHONE if phone else ZoneSource.UNKNOWN


def _known_state(country: str | None, state: str | None) -> tuple[str, ...]:
    code = (state or "").strip().upper()
    known = code in ZONES_OF_STATE or code in TERRITORIES
    return (code,) if country in {None, "US"} and known else ()


def _zones_of(states: tuple[str, ...]) -> tuple[str, ...]:
    table = ZONES_OF_STATE | TERRITORIES
    return _unique(*(table.get(state, ()) for state in states))


@lru_cache(maxsize=65536)
def _of_zip(
    country: str | None, postal_code: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Zones and states of a ZIP code (either form); a code of another country says nothing."""
    digits = (postal_code or "").strip()[:_ZIP_DIGITS]
    if country not in {None, "US"} or len(digits) != _ZIP_DIGITS or set(digits) - _DIGITS:
        return (), ()
    import zipcodes

    rows = zipcodes.matching(digits)  # type: ignore[no-untyped-call]
    zones = _unique(*((row["timezone"],) for row in rows if row["timezone"] in zone_names()))
    return zones, _unique(*(_known_state("US", row["state"]) for row in rows))


@lru_cache(maxsize=65536)
def _of_phone(phone: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Zones and states of a number: for the US those of the area code's whole state (ST-07)."""
    if phone is None:
        return (), ()
    if phone.startswith("+1") and phone[2:5] in STATE_OF_AREA_CODE:
        states = (STATE_OF_AREA_CODE[phone[2:5]],)
        return _zones_of(states), states
    return _zones_abroad(phone), ()


def _zones_abroad(phone: str) -> tuple[str, ...]:
    from phonenumbers import NumberParseException, parse, timezone

    try:
        found = timezone.time_zones_for_number(parse(phone))
    except NumberParseException:
        return ()
    if found == timezone.time_zones_for_number(parse(_NO_PLACE)):
        return ()
    return tuple(name for name in found if name in zone_names())


_DIGITS: Final = frozenset(string.digits)


def _unique(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))
