"""Which minutes of a day are open: the rows that bind a message, on every clock.

What is reckoned for one row, clock and day is kept.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, lru_cache
from typing import Final, NamedTuple

from tools.check_rules import law
from tools.check_rules.closed_days import closed_days
from tools.check_rules.walls import MINUTES, local_date, stretches
from tools.check_rules.where import Whereabouts

Hours = tuple[int, int, int | None]


class Rule(NamedTuple):
    """A row by name, and the reason to give where it closes."""

    reason: str
    table: str
    name: str = ""


class Profile(NamedTuple):
    """All of a case that opens and closes minutes, but for the grace of a reply."""

    clocks: tuple[str, ...]
    rules: tuple[Rule, ...]
    quiet: tuple[int, int]


def rules_of(
    message_class: str, channel: str, country: str | None, where: Whereabouts
) -> Iterator[Rule]:
    """The rows that bind a message (regulation.md, "Windows", ST-01, ST-03)."""
    if channel == "email" or message_class in {"emergency", "inbound_reply"}:
        return
    yield Rule("channel_hours", "channel")
    if message_class == "billing_admin" and country == "CO":
        yield Rule("country_window", "country", "CO")
    if message_class != "marketing":
        return
    is_abroad = country not in {None, "US"}
    if is_abroad:
        yield Rule("country_window", "country", str(country))
    if where.states:
        yield Rule("federal_window", "federal")
        yield from (Rule("state_window", "state", s) for s in where.states if s in law.STATES)
    elif not is_abroad:
        yield Rule("unknown_state_window", "unknown")


def rows_of(rule: Rule) -> tuple[law.LawRow, ...]:
    match rule.table:
        case "channel":
            return law.CHANNEL
        case "federal":
            return law.FEDERAL
        case "unknown":
            return law.UNKNOWN_STATE
        case "state":
            return law.STATES[rule.name]
        case _:
            return law.COUNTRIES.get(rule.name, law.COUNTRIES["default"])


def reasons_of(rule: Rule, local: int, minute: int) -> Iterator[str]:
    """Why the row closes the minute at which a clock shows that local minute."""
    row = law.binding(rows_of(rule), local_date(local))
    if row is None:
        return
    clocks = [local] if row.fixed_offset is None else [local, minute + row.fixed_offset]
    for clock in clocks:
        day, of_day = local_date(clock), clock % MINUTES
        hours = row.week[day.weekday()]
        if hours is None or not hours[0] <= of_day < hours[1]:
            yield rule.reason
        elif row.closes_holidays and day in _holidays(rule, day):
            yield "holiday"


def _holidays(rule: Rule, day: date) -> frozenset[date]:
    if rule.table == "country":
        return closed_days(rule.name, None, day.year)
    return closed_days("US", rule.name or None, day.year)


def is_quiet(quiet: tuple[int, int], local: int) -> bool:
    """Half-open, over midnight where the end comes first, never where both are equal."""
    start, end = quiet
    of_day = local % MINUTES
    if start > end:
        return of_day >= start or of_day < end
    return start <= of_day < end


@lru_cache(maxsize=100_000)
def _row_bits(rule: Rule, zone: str, day: int) -> int:
    """As `reasons_of` finds none, from the hours of the clocks' days."""
    found = _bits(zone, day, lambda local_day: _pattern(_hours(rule, local_day, local_day)))
    days = {one.local // MINUTES for one in stretches(zone, day)}
    if all(_hours(rule, local_day, local_day)[2] is None for local_day in days):
        return found
    return found & _fixed_bits(rule, zone, day)


def _fixed_bits(rule: Rule, zone: str, day: int) -> int:
    """Whether the fixed clock of the row that binds on the local day allows each minute."""
    minute, verdicts = day * MINUTES, bytearray()
    for local, length in stretches(zone, day):
        for n in range(length):
            verdicts.append(_is_allowed(rule, local + n, minute + n))
        minute += length
    return int.from_bytes(verdicts, "big")


def _is_within(hours: Hours, of_day: int) -> bool:
    return hours[0] <= of_day < hours[1]


@cache
def _pattern(hours: Hours) -> bytes:
    """A byte for each minute of a local day, 1 where it is within the hours."""
    return bytes(_is_within(hours, of_day) for of_day in range(MINUTES))


def _is_allowed(rule: Rule, local: int, minute: int) -> bool:
    offset = _hours(rule, local // MINUTES, local // MINUTES)[2]
    if offset is None:
        return True
    fixed_day, of_day = divmod(minute + offset, MINUTES)
    return _is_within(_hours(rule, local // MINUTES, fixed_day), of_day)


@lru_cache(maxsize=100_000)
def _hours(rule: Rule, local_day: int, clock_day: int) -> Hours:
    """The allowed minutes of a clock's day under the row that binds on the local day."""
    row = law.binding(rows_of(rule), local_date(local_day * MINUTES))
    if row is None:
        return 0, MINUTES, None
    day = local_date(clock_day * MINUTES)
    if row.closes_holidays and day in _holidays(rule, day):
        return 0, 0, row.fixed_offset
    return *(row.week[day.weekday()] or (0, 0)), row.fixed_offset


@lru_cache(maxsize=50_000)
def _loud_bits(quiet: tuple[int, int], zone: str, day: int) -> int:
    return _bits(zone, day, lambda _: _loud(quiet))


@lru_cache(maxsize=5_000)
def _loud(quiet: tuple[int, int]) -> bytes:
    return bytes(not is_quiet(quiet, of_day) for of_day in range(MINUTES))


def _bits(zone: str, day: int, pattern_of: Callable[[int], bytes]) -> int:
    """A byte for each minute of a UTC day, from the patterns of the clock's own days."""
    found = bytearray()
    for local, length in stretches(zone, day):
        local_day, of_day = divmod(local, MINUTES)
        found += pattern_of(local_day)[of_day : of_day + length]
    return int.from_bytes(found, "big")


_ALL: Final = int.from_bytes(b"\x01" * MINUTES, "big")


@lru_cache(maxsize=20_000)
def open_minutes(profile: Profile, day: int) -> bytes:
    """A byte for each minute of the UTC day: 1 where all clocks and rows allow it."""
    together = _ALL
    for zone in profile.clocks:
        together &= _loud_bits(profile.quiet, zone, day)
        for rule in profile.rules:
            together &= _row_bits(rule, zone, day)
    return together.to_bytes(MINUTES, "big")
