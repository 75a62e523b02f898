"""FHIR's dates and instants, which may be as coarse as a year."""

import re
from datetime import UTC, date, datetime
from typing import Final

from handbell.platform.instants import YEARS

YEAR: Final = re.compile(r"\d{4}")
MONTH: Final = re.compile(r"\d{4}-\d{2}")

DAY_LENGTH: Final = len("2026-12-01")


def to_date(text: str | None) -> date | None:
    """A whole date; a coarser one is none, because half a birth date is a wrong one."""
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day and day.year in YEARS else None


def to_instant(text: str | None) -> datetime | None:
    """An instant in UTC, or a local time where the text has no offset; None if unreadable."""
    try:
        instant = datetime.fromisoformat(text) if text and "T" in text else None
    except ValueError:
        return None
    if instant is None or instant.year not in YEARS:
        return None
    return instant.astimezone(UTC) if instant.tzinfo else instant


def to_day(text: str | None) -> date | None:
    """The day as it is written, or the first of the month or year that is all we are told."""
    if text and YEAR.fullmatch(text):
        text = f"{text}-01-01"
    elif text and MONTH.fullmatch(text):
        text = f"{text}-01"
    return to_date(text[:DAY_LENGTH]) if text else None


def to_aware(text: str | None) -> datetime | None:
    """An instant however coarse; what has no offset is read as UTC."""
    instant = to_instant(text)
    if instant is not None:
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    day = to_day(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
