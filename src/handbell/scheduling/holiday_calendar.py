"""The days on which a row that bans holidays allows nothing, actual and observed day both."""

from datetime import date
from functools import lru_cache


@lru_cache(maxsize=1024)
def holidays_of(country: str, state: str | None, year: int) -> frozenset[date]:
    """Public holidays of that year; of the US the federal ones, and the state's own with them.

    An unknown country or state adds nothing. The library is imported on first need: only
    marketing asks.
    """
    import holidays

    if country not in holidays.list_supported_countries():
        return frozenset()
    days = set(holidays.country_holidays(country, years=year))
    if state in holidays.list_supported_countries()[country]:
        days |= set(holidays.country_holidays(country, subdiv=state, years=year))
    return frozenset(days)
