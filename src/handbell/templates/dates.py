"""A visit's date and time as its patient reads them, in the zone of the visit."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_skeleton, format_time

_PLAIN: Final = str.maketrans({"\u202f": " ", "\u00a0": " "})
_OF_LANGUAGE: Final = {"en": "en_US", "es": "es_US", "hi": "hi_IN"}


def visit_date(at: datetime, *, zone: ZoneInfo, locale: str) -> str:
    """Give weekday, month and day, as "Tue, Dec 1"; `at` is aware."""
    text = format_skeleton("MMMEd", at.astimezone(zone), locale=_locale(locale))
    return text.translate(_PLAIN)


def visit_time(at: datetime, *, zone: ZoneInfo, locale: str) -> str:
    """Give the time of day, as "9:30 AM"; 12 or 24 hours as the locale writes it.

    Babel's narrow spaces become plain ones: one of them would make an SMS UCS-2.
    """
    text = format_time(at.astimezone(zone), "short", locale=_locale(locale))
    return text.translate(_PLAIN)


def _locale(tag: str) -> Locale:
    """Read `es`, `es-US` or `es_US`; a bare language of ours means its usual country here."""
    return Locale.parse(_OF_LANGUAGE.get(tag, tag).replace("-", "_"))
