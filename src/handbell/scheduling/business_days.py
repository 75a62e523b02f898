"""Business days as the deadlines of the law count them."""

from datetime import date, timedelta

from handbell.scheduling.holiday_calendar import holidays_of
from handbell.scheduling.rules import SATURDAY

_DAY = timedelta(days=1)


def add_business_days(day: date, count: int, *, country: str) -> date:
    """The last day of a term of `count` business days that begins the day after `day`.

    Not counted: Saturdays, Sundays, and the country's public holidays, actual and observed day
    both. `count` is at least 1.
    """
    if count < 1:
        raise ValueError("a term has one business day at least")
    left, at = count, day
    while left:
        at += _DAY
        left -= is_business_day(at, country=country)
    return at


def is_business_day(day: date, *, country: str) -> bool:
    """Whether the day counts: no weekend, no public holiday of the country."""
    return day.weekday() < SATURDAY and day not in holidays_of(country, None, day.year)
