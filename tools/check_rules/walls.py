"""What clocks show at every minute of a UTC day. Minutes and days count from 1970 in UTC."""

from array import array
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

MINUTES: Final = 24 * 60
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_ZERO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def minute_of(at: datetime) -> int:
    """The minute that the instant lies in."""
    return int((at - _ZERO).total_seconds() // 60)


def minute_from(at: datetime) -> int:
    """The first whole minute at or after the instant."""
    minute = minute_of(at)
    return minute if instant(minute) == at else minute + 1


@cache
def tz(zone: str) -> ZoneInfo:
    """From the pinned package: the machine's own files may be older."""
    with files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as stream:
        return ZoneInfo.from_file(stream, key=zone)


@lru_cache(maxsize=8192)
def wall(zone: str, day: int) -> "array[int]":
    """What the clock shows at each of the day's minutes, as a local minute since 1970."""
    first = day * MINUTES
    return array("i", (shown(zone, minute) for minute in range(first, first + MINUTES)))


def shown(zone: str, minute: int) -> int:
    """What the clock shows at that minute, as a local minute since 1970."""
    at = datetime.fromtimestamp(minute * 60, tz(zone))
    return (at.toordinal() - _EPOCH_DAY) * MINUTES + at.hour * 60 + at.minute


def local_date(shown: int) -> date:
    """The date of a local minute."""
    return date.fromordinal(_EPOCH_DAY + shown // MINUTES)


def local_minute(day: date, minute: int) -> int:
    """The local minute of a date and a minute of its day."""
    return (day.toordinal() - _EPOCH_DAY) * MINUTES + minute


@lru_cache(maxsize=8192)
def first_shown(zone: str, wanted: int) -> int:
    """The first UTC minute at which the clock shows the wanted local minute or a later one:
    the first of two in an overlap, the end of a gap (regulation.md §11)."""
    day = wanted // MINUTES - 1
    while True:
        for n, shown in enumerate(wall(zone, day)):
            if shown >= wanted:
                return day * MINUTES + n
        day += 1
