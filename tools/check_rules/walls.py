"""What clocks show at every minute of a UTC day. Minutes and days count from 1970 in UTC."""

from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

MINUTES: Final = 24 * 60
QUARTER: Final = 15
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


class Stretch(NamedTuple):
    """Minutes in which a clock runs on without a jump and without a midnight."""

    local: int
    """What it shows first, as a local minute since 1970."""
    length: int


@lru_cache(maxsize=100_000)
def stretches(zone: str, day: int) -> tuple[Stretch, ...]:
    """What the clock shows in the day's minutes. It is looked at each quarter of an hour: no
    clock of our years jumps, or strikes midnight, between two of them."""
    found: list[Stretch] = []
    for minute in range(day * MINUTES, (day + 1) * MINUTES, QUARTER):
        local = shown(zone, minute)
        runs_on = found and local == sum(found[-1]) and local % MINUTES != 0
        if runs_on:
            found[-1] = Stretch(found[-1].local, found[-1].length + QUARTER)
        else:
            found.append(Stretch(local, QUARTER))
    return tuple(found)


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


@lru_cache(maxsize=100_000)
def first_shown(zone: str, wanted: int) -> int:
    """The first UTC minute at which the clock shows the wanted local minute or a later one:
    the first of two in an overlap, the end of a gap (regulation.md §11)."""
    day = wanted // MINUTES - 1
    while True:
        minute = day * MINUTES
        for local, length in stretches(zone, day):
            if local + length > wanted:
                return minute + max(wanted - local, 0)
            minute += length
        day += 1
