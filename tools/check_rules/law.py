"""The allowed hours as regulation.md §2, §8 and §15 give them, written down a second time.

A row is read as "Monday to Friday, Saturday, Sunday"; `-` allows nothing, `H` closes holidays,
`@` says from which local day on the row binds, `3/24h` caps marketing to one number, `1/day`
marketing and collections to one person. Keys are the rows' own names.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

MINUTES_OF_HOUR: Final = 60
DAYS_OF_WEEK: Final = 7
SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class LawRow:
    """One row: for each weekday from Monday the minutes [start, end) of the day, or none."""

    begins_on: date
    week: tuple[tuple[int, int] | None, ...]
    closes_holidays: bool
    fixed_offset: int | None = None
    """Minutes east of UTC of a second clock that must allow the instant, too."""
    most_in_24_hours: int | None = None
    most_a_day: int | None = None


CENTRAL_STANDARD: Final = -6 * MINUTES_OF_HOUR

_US: Final = {
    "AL": "08-20 08-20 - H",
    "CT": "09-20 09-20 09-20 @2023-10-01",
    "FL": "08-20 08-20 08-20 @2021-07-01 3/24h",
    "KY": "10-21 10-21 10-21",
    "LA": "08-20 08-20 - H",
    "MA": "08-20 08-20 08-20",
    "MD": "08-20 08-20 08-20 @2024-01-01 3/24h",
    "MI": "09-21 09-21 09-21",
    "MN": "09-21 09-21 09-21",
    "MS": "08-20 08-20 - CST",
    "NM": "09-21 09-21 09-21",
    "NV": "09-20 09-20 09-20",
    "OK": "08-20 08-20 08-20 @2022-11-01 3/24h",
    "OR": "08-20 08-20 08-20 @2026-01-01 3/24h",
    "PA": "08-21 08-21 08-21 H; 09-19 09-19 - H @2026-10-18",
    "RI": "09-18 10-17 - H",
    "SD": "09-21 09-21 -",
    "TX": "09-21 09-21 12-21",
    "UT": "08-21 08-21 - H",
    "WA": "08-20 08-20 08-20 @2022-06-09",
    "WY": "08-20 08-20 08-20",
}
_ABROAD: Final = {
    "BR": "09-22 09-22 -",
    "CO": "07-19 08-15 - H 1/day",
    "FR": "08:30-20 08:30-20 - H",
    "IN": "10-21 10-21 10-21",
    "MX": "09-20 09-20 -",
    "default": "09-20 10-18 -",
}


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * MINUTES_OF_HOUR + int(minute or 0)


def _hours(text: str) -> tuple[int, int] | None:
    if text == "-":
        return None
    start, _, end = text.partition("-")
    return _minute(start), _minute(end)


def _row(text: str) -> LawRow:
    workdays, saturday, sunday, *marks = text.split()
    begins = next((mark[1:] for mark in marks if mark.startswith("@")), "0001-01-01")
    return LawRow(
        begins_on=date.fromisoformat(begins),
        week=(*[_hours(workdays)] * SATURDAY, _hours(saturday), _hours(sunday)),
        closes_holidays="H" in marks,
        fixed_offset=CENTRAL_STANDARD if "CST" in marks else None,
        most_in_24_hours=_most(marks, "24h"),
        most_a_day=_most(marks, "day"),
    )


def _most(marks: list[str], period: str) -> int | None:
    found = (mark.split("/") for mark in marks if mark.endswith(f"/{period}"))
    return next((int(most) for most, _ in found), None)


def _rows(text: str) -> tuple[LawRow, ...]:
    return tuple(_row(part) for part in text.split(";"))


FEDERAL: Final = _rows("08-21 08-21 08-21")  # TCPA-01
CHANNEL: Final = _rows("08-21 08-21 08-21")  # R3.7, SMS and WhatsApp
UNKNOWN_STATE: Final = _rows("10-18 10-17 - H 3/24h")  # ST-03
STATES: Final = {name: _rows(text) for name, text in _US.items()}
COUNTRIES: Final = {name: _rows(text) for name, text in _ABROAD.items()}


def binding(rows: tuple[LawRow, ...], day: date) -> LawRow | None:
    """The row in force on a local day (ST-04): of those that have begun, the youngest."""
    begun = [row for row in rows if row.begins_on <= day]
    return max(begun, key=lambda row: row.begins_on) if begun else None
