"""Days by which the law wants something done. Pure."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Final

from handbell.scheduling.holiday_calendar import holidays_of
from handbell.scheduling.rules import SATURDAY

_MONTHS: Final = 12
_DAY: Final = timedelta(days=1)


def business_days_after(received_on: date, *, days: int) -> date:
    """The `days`-th business day after a receipt, for example the last for a STOP by law.

    The day of receipt is not one; Saturday, Sunday and US federal holidays, actual and
    observed, are none (47 CFR 64.1200(a)(10), 16 CFR 316).
    """
    day = received_on
    for _ in range(days):
        day += _DAY
        while not _is_business_day(day):
            day += _DAY
    return day


def months_after(day: date, *, months: int) -> date:
    """The same day some months later, or that month's last where it has no such day (GDPR
    article 12)."""
    years, month = divmod(day.month - 1 + months, _MONTHS)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _is_business_day(day: date) -> bool:
    return day.weekday() < SATURDAY and day not in holidays_of("US", None, day.year)
