"""The days that a row with closed holidays keeps: federal ones reckoned here, others looked up."""

from datetime import date, timedelta
from functools import cache
from typing import Final

import holidays

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
_DAY: Final = timedelta(days=1)
JUNETEENTH_SINCE: Final = 2021


@cache
def closed_days(country: str, state: str | None, year: int) -> frozenset[date]:
    """Days of that year, actual and observed, of the nation and, where named, of the state.

    regulation.md leaves the days of states and of other countries to the holidays package.
    """
    if country == "US":
        own = holidays.country_holidays("US", subdiv=state, years=year) if _has(state) else {}
        return federal_days(year) | frozenset(own)
    if country not in holidays.list_supported_countries():
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year))


def _has(state: str | None) -> bool:
    return state in holidays.list_supported_countries()["US"]


@cache
def federal_days(year: int) -> frozenset[date]:
    """5 U.S.C. 6103: Saturday is observed on Friday, Sunday on Monday."""
    fixed = {date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)}
    if year >= JUNETEENTH_SINCE:
        fixed.add(date(year, 6, 19))
    next_new_year = date(year + 1, 1, 1)
    observed = {_observed(day) for day in (*fixed, next_new_year)}
    moving = {
        _nth(year, 1, MONDAY, 3),
        _nth(year, 2, MONDAY, 3),
        _nth(year, 6, MONDAY, 1) - 7 * _DAY,
        _nth(year, 9, MONDAY, 1),
        _nth(year, 10, MONDAY, 2),
        _nth(year, 11, THURSDAY, 4),
    }
    return frozenset(day for day in fixed | observed | moving if day.year == year)


def _observed(day: date) -> date:
    return day + {SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0) * _DAY


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (n - 1)) * _DAY
