"""Faults in the tables: each edge moved by a minute, days, holidays, dates and places changed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypeVar

from handbell.scheduling import rules, state_zones, windows, zones
from handbell.scheduling.caps import policy as caps
from handbell.scheduling.rules import Cap, Row, Rows, RuleTable, Span
from tools.check_rules.mutants import Mutant
from tools.check_rules.places import AREA_CODE

Judge = Callable[[str], bool]
"""Asks the product as it now is, the cases made for a name first; True where one differs."""

_Old = TypeVar("_Old", Row, RuleTable, Span)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_DAYS: Final = ("weekdays", "saturday", "sunday")
_SAME_CLOCK: Final = {
    "America/New_York": ("America/Detroit", "America/Indiana/Indianapolis"),
    "America/Chicago": ("America/Menominee",),
    "America/Denver": ("America/Boise",),
}
"""Zones that have shown the same time since 2007: without one of them nothing is lost."""


def table_mutants(judge: Judge) -> Iterator[Mutant]:
    yield from _row_mutants(judge)
    yield from _place_mutants(judge)


def _row_mutants(judge: Judge) -> Iterator[Mutant]:
    table = rules.load_rules()
    for name, rows, put_back in _places(table):
        for n, row in enumerate(rows):
            for what, changed in _changed(row):
                others = (*rows[:n], changed, *rows[n + 1 :])
                yield _mutant(f"{name} {n + 1}: {what}", name, put_back(others), judge)
        for n in range(len(rows)) if len(rows) > 1 else ():
            yield _mutant(
                f"{name} {n + 1}: row dropped", name, put_back(rows[:n] + rows[n + 1 :]), judge
            )
    for state in table.states:
        states = {name: rows for name, rows in table.states.items() if name != state}
        yield _mutant(f"{state}: dropped", state, replace(table, states=states), judge)
    for country in table.countries:
        if country != "default":
            found = {name: rows for name, rows in table.countries.items() if name != country}
            yield _mutant(f"{country}: dropped", country, replace(table, countries=found), judge)


def _places(table: RuleTable) -> Iterator[tuple[str, Rows, Callable[[Rows], RuleTable]]]:
    """The rows of each place, and how to make a table with others there."""

    def single(field: str) -> Callable[[Rows], RuleTable]:
        return lambda rows: _with(table, {field: rows})

    def among(field: str, name: str) -> Callable[[Rows], RuleTable]:
        whole: dict[str, Rows] = getattr(table, field)
        return lambda rows: _with(table, {field: whole | {name: rows}})

    yield "federal", table.federal, single("federal")
    yield "courtesy", table.courtesy, single("courtesy")
    yield "unknown", table.unknown_state, single("unknown_state")
    for state, rows in table.states.items():
        yield state, rows, among("states", state)
    for country, rows in table.countries.items():
        yield f"abroad {country}", rows, among("countries", country)


def _changed(row: Row) -> Iterator[tuple[str, Row]]:
    for day in _DAYS:
        span: Span | None = getattr(row, day)
        if span is None:
            yield f"{day} opened", _with(row, {day: row.weekdays})
            continue
        yield f"{day} closed", _with(row, {day: None})
        for edge in ("start", "end"):
            for sign, step in (("+", _MINUTE), ("-", -_MINUTE)):
                moved = _with(span, {edge: _moved(getattr(span, edge), step)})
                yield f"{day} {edge} {sign} 1 min", _with(row, {day: moved})
    yield "holidays flipped", replace(row, bans_holidays=not row.bans_holidays)
    yield from _with_other_caps(row, row.cap) if row.cap is not None else ()
    if row.fixed_zone is not None:
        yield "fixed zone removed", replace(row, fixed_zone=None)
    if row.from_on != date.min:
        for sign, step_days in (("+", _DAY), ("-", -_DAY)):
            yield f"from {sign} 1 day", replace(row, from_on=row.from_on + step_days)


def _with_other_caps(row: Row, cap: Cap) -> Iterator[tuple[str, Row]]:
    yield "cap removed", replace(row, cap=None)
    for count in (cap.count - 1, cap.count + 1):
        yield f"cap of {count}", replace(row, cap=replace(cap, count=count))
    for one in sorted(cap.classes):
        yield f"cap without {one}", replace(row, cap=replace(cap, classes=cap.classes - {one}))
    hours = (24,) if cap.hours is None else (cap.hours - 1, cap.hours + 1, None)
    for other in hours:
        yield f"cap by {other or 'day'}", replace(row, cap=replace(cap, hours=other))


def _with(old: _Old, changes: dict[str, Any]) -> _Old:
    return replace(old, **changes)


def _moved(wall: time, step: timedelta) -> time:
    return (datetime.combine(date.min + _DAY, wall) + step).time()


def _mutant(name: str, near: str, table: RuleTable, judge: Judge) -> Mutant:
    def is_caught() -> bool:
        module: Any = windows
        other: Any = caps
        module.load_rules = other.load_rules = lambda *_version: table
        module._rules.cache_clear()  # noqa: SLF001 - what the old table gave
        module.openings.cache_clear()
        return judge(near.removeprefix("abroad "))

    return Mutant(f"table {name}", is_caught)


def _place_mutants(judge: Judge) -> Iterator[Mutant]:
    for table in (state_zones.ZONES_OF_STATE, state_zones.TERRITORIES):
        for state, names in table.items():
            for name in names:
                yield _zone_mutant(table, state, name, judge)
    for state, code in AREA_CODE.items():
        yield _code_mutant(state, code, judge)
    twins = {name for names in _SAME_CLOCK.values() for name in names}
    for name in state_zones.EVERY_US_ZONE:
        if name not in twins:
            yield _nowhere_mutant({name, *_SAME_CLOCK.get(name, ())}, judge)


def _zone_mutant(table: dict[str, tuple[str, ...]], state: str, name: str, judge: Judge) -> Mutant:
    """The zone dropped; where it is the state's only one, one an hour away instead."""

    def is_caught() -> bool:
        others = tuple(other for other in table[state] if other != name)
        away = "America/Halifax" if name != "America/Puerto_Rico" else "America/New_York"
        table[state] = others or (away,)
        zones._of_phone.cache_clear()  # noqa: SLF001 - what the old table gave
        return judge(state)

    return Mutant(f"zones {state}: without {name}", is_caught)


def _code_mutant(state: str, code: str, judge: Judge) -> Mutant:
    def is_caught() -> bool:
        del state_zones.STATE_OF_AREA_CODE[code]
        zones._of_phone.cache_clear()  # noqa: SLF001 - what the old table gave
        return judge(state)

    return Mutant(f"area code {code} of {state}: dropped", is_caught)


def _nowhere_mutant(gone: set[str], judge: Judge) -> Mutant:
    def is_caught() -> bool:
        module: Any = windows
        module.EVERY_US_ZONE = tuple(n for n in state_zones.EVERY_US_ZONE if n not in gone)
        return judge("nowhere")

    return Mutant(f"zones unknown: without {', '.join(sorted(gone))}", is_caught)
