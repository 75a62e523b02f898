"""A visit's date and time as its patient reads them, in the zone of the visit; lists of words."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list

_PLAIN: Final = str.maketrans({"\u202f": " ", "\u00a0": " "})
_OF_LANGUAGE: Final = {"en": "en_US", "es": "es_US", "hi": "hi_IN"}


def visit_date(at: datetime, *, zone: ZoneInfo, locale: str) -> str:
    """Give weekday, month and day, as "Tue, Dec 1"; `at` is aware."""
    text = format_skeleton("MMMEd", at.astimezone(zone), locale=_locale(locale))
    return text.translate(_PLAIN)


def day_of(day: date, *, locale: str) -> str:
    """Give a date without an hour, as "Mon, Dec 14"."""
    return format_skeleton("MMMEd", day, locale=_locale(locale)).translate(_PLAIN)


def visit_time(at: datetime, *, zone: ZoneInfo, locale: str) -> str:
    """Give the time of day, as "9:30 AM"; 12 or 24 hours as the locale writes it.

    Babel's narrow spaces become plain ones: one of them would make an SMS UCS-2.
    """
    text = format_time(at.astimezone(zone), "short", locale=_locale(locale))
    return text.translate(_PLAIN)


def listed(words: Sequence[str], *, locale: str) -> str:
    """Give some words as a list in a sentence, as "9:30 AM and 2:00 PM"."""
    return format_list(words, locale=_locale(locale)).translate(_PLAIN)


@lru_cache(maxsize=256)
def _locale(tag: str) -> Locale:
    """Read `es`, `es-US` or `es_US`; a bare language of ours means its usual country here.

    A tag that the locale data does not know is read as its language, else as English.
    """
    for wanted in (_OF_LANGUAGE.get(tag, tag), tag.replace("_", "-").split("-")[0], "en_US"):
        try:
            return Locale.parse(wanted.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("English is always known")
