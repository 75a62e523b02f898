"""Countries, states and zones as people write them, in the form that the rules take."""

import re
from functools import cache
from typing import Final

from handbell.integrations.fhir.resources import Address
from handbell.scheduling.zones import candidate_zones

LANGUAGES: Final = ("en", "es", "fr", "de", "nl", "it", "pt")
"""In which country names are understood."""

OTHER_NAMES: Final = {"united states of america": "US", "u.s.a.": "US", "u.s.": "US"}
ALPHA_2: Final = re.compile(r"[A-Z]{2}")
STATE_CODE: Final = re.compile(r"(?:[A-Z]{2}-)?[A-Z0-9]{1,3}")


def to_country(text: str | None) -> str | None:
    """ISO 3166-1 alpha-2 of a code or a name; None if it is neither."""
    return _countries().get(text.strip().casefold()) if text else None


@cache
def _countries() -> dict[str, str]:
    from babel import Locale
    from babel.core import get_global

    names = {
        str(name).casefold(): str(code)
        for language in reversed(LANGUAGES)
        for code, name in Locale(language).territories.items()
        if ALPHA_2.fullmatch(str(code))
    }
    aliases = {
        alias.casefold(): codes_of[0]
        for alias, codes_of in get_global("territory_aliases").items()
        if alias.isalpha() and len(codes_of) == 1
    }
    codes = {code.casefold(): code for code in names.values()}
    return {**names, **codes, **aliases, **OTHER_NAMES}


def to_state(text: str | None, country: str | None) -> str | None:
    """USPS or ISO 3166-2; any other text is left out, because this column is in clear."""
    if not text:
        return None
    if country in {None, "US"} and (code := _states().get(text.strip().casefold())):
        return code
    code = text.strip().upper()
    return code if STATE_CODE.fullmatch(code) else None


@cache
def _states() -> dict[str, str]:
    from holidays.countries.united_states import US

    return {name.casefold(): code for name, code in US.subdivisions_aliases.items()}


def only_zone(address: Address | None) -> str | None:
    """The zone of the address, if there is but one in which it may lie."""
    if address is None:
        return None
    country = to_country(address.country)
    zones = candidate_zones(
        stated=None,
        country=country,
        state=to_state(address.state, country),
        postal_code=address.postal_code,
        phone=None,
    ).zones
    zones = zones or (_zones_of_country(country) if country else ())
    return zones[0] if len(zones) == 1 else None


@cache
def _zones_of_country(country: str) -> tuple[str, ...]:
    from babel.core import get_global

    return tuple(zone for zone, code in get_global("zone_territories").items() if code == country)
