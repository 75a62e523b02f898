"""Time zones, read from the pinned tzdata package and never from the machine."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

import tzdata

TZDATA_VERSION: Final[str] = tzdata.IANA_VERSION
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every name that the package knows, links included."""
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; raises ValueError where there is none."""
    if name not in zone_names():
        raise ValueError("This is not the name of a time zone.")
    path = files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with path.open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)


def instant_of(day: date, wall: time, *, zone_name: str) -> datetime:
    """The UTC instant of a wall clock: in an overlap the first, in a gap the end of the gap."""
    tz = zone(zone_name)
    local = datetime.combine(day, wall, tzinfo=tz)
    at = local.astimezone(UTC)
    if at.astimezone(tz).replace(tzinfo=None) == local.replace(tzinfo=None):
        return at
    return next(t for t in transitions(zone_name, at.date()) if at - _DAY < t <= at)


@lru_cache(maxsize=8192)
def transitions(zone_name: str, day: date) -> tuple[datetime, ...]:
    """The instants from a day before this UTC day to a day after it where the offset changes.

    No zone changes twice within a day, so a bisection per day finds them all.
    """
    midnight = datetime.combine(day, time(0), tzinfo=UTC)
    starts = (midnight - _DAY, midnight, midnight + _DAY)
    return tuple(t for start in starts for t in _change_within(zone_name, start))


def _change_within(zone_name: str, start: datetime) -> tuple[datetime, ...]:
    tz = zone(zone_name)
    low, high = start, start + _DAY
    before = low.astimezone(tz).utcoffset()
    if high.astimezone(tz).utcoffset() == before:
        return ()
    while high - low > _MINUTE:
        middle = low + (high - low) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle.astimezone(tz).utcoffset() == before:
            low = middle
        else:
            high = middle
    return (high,)
