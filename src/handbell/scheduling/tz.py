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
    """The UTC instant of a wall clock: in an overlap the first, in a gap the end of the gap.

    The second reading lies before the first in a gap only, and the gap ends between them.
    """
    local = datetime.combine(day, wall, tzinfo=zone(zone_name))
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return _change_between(zone_name, second, first)


@lru_cache(maxsize=8192)
def change_on(zone_name: str, day: date) -> datetime:
    """The instant of this UTC day at which the zone changes its offset; where it does not, any.

    No zone changes twice within a day.
    """
    midnight = datetime.combine(day, time(0), tzinfo=UTC)
    return _change_between(zone_name, midnight, midnight + _DAY)


def _change_between(zone_name: str, low: datetime, high: datetime) -> datetime:
    """The first minute in (low, high] with the offset of `high`; `high` where it is not later."""
    tz = zone(zone_name)
    after = high.astimezone(tz).utcoffset()
    while high - low > _MINUTE:
        middle = low + (high - low) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle.astimezone(tz).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high
