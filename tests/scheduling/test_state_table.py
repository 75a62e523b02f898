"""Every row of regulation.md §2, §8 and §15, copied here, against the packaged data and the gate.

A row is "Monday to Friday, Saturday, Sunday"; `-` allows nothing, `H` closes holidays, `CST` is
Mississippi's fixed clock, `@` the day on which the row begins. Ids are the rows' own names.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.holiday_calendar import holidays_of
from handbell.scheduling.policy import blocking_reasons, is_allowed, next_allowed
from handbell.scheduling.rules import Row, RuleTable, load_rules, row_in_force
from handbell.scheduling.types import WindowFacts, WindowReason
from handbell.scheduling.tz import zone

STATES: Final = {
    "AL": "08:00-20:00 08:00-20:00 - H",
    "CT": "09:00-20:00 09:00-20:00 09:00-20:00 @2023-10-01",
    "FL": "08:00-20:00 08:00-20:00 08:00-20:00 @2021-07-01",
    "KY": "10:00-21:00 10:00-21:00 10:00-21:00",
    "LA": "08:00-20:00 08:00-20:00 - H",
    "MA": "08:00-20:00 08:00-20:00 08:00-20:00",
    "MD": "08:00-20:00 08:00-20:00 08:00-20:00 @2024-01-01",
    "MI": "09:00-21:00 09:00-21:00 09:00-21:00",
    "MN": "09:00-21:00 09:00-21:00 09:00-21:00",
    "MS": "08:00-20:00 08:00-20:00 - CST",
    "NM": "09:00-21:00 09:00-21:00 09:00-21:00",
    "NV": "09:00-20:00 09:00-20:00 09:00-20:00",
    "OK": "08:00-20:00 08:00-20:00 08:00-20:00 @2022-11-01",
    "OR": "08:00-20:00 08:00-20:00 08:00-20:00 @2026-01-01",
    "PA": "09:00-19:00 09:00-19:00 - H @2026-10-18",
    "RI": "09:00-18:00 10:00-17:00 - H",
    "SD": "09:00-21:00 09:00-21:00 -",
    "TX": "09:00-21:00 09:00-21:00 12:00-21:00",
    "UT": "08:00-21:00 08:00-21:00 - H",
    "WA": "08:00-20:00 08:00-20:00 08:00-20:00 @2022-06-09",
    "WY": "08:00-20:00 08:00-20:00 08:00-20:00",
}
COUNTRIES: Final = {
    "IN": "10:00-21:00 10:00-21:00 10:00-21:00",
    "BR": "09:00-22:00 09:00-22:00 -",
    "CO": "07:00-19:00 08:00-15:00 - H",
    "FR": "08:30-20:00 08:30-20:00 - H",
    "MX": "09:00-20:00 09:00-20:00 -",
    "default": "09:00-20:00 10:00-18:00 -",
}
OTHERS: Final = {
    "TCPA-01": "08:00-21:00 08:00-21:00 08:00-21:00",
    "R3.7": "08:00-21:00 08:00-21:00 08:00-21:00",
    "ST-03": "10:00-18:00 10:00-17:00 - H",
}
FEDERAL_STATES: Final = ("AZ", "CA", "IL", "NC", "NJ", "NY", "SC", "VA")
"""Rows of §2 that add nothing to the federal window, and a state that the table leaves out."""
ZONES: Final = {
    **dict.fromkeys(
        ("CT", "FL", "MA", "MD", "MI", "NC", "NJ", "NY", "PA", "RI", "SC", "VA"), "NY"
    ),
    **dict.fromkeys(("AL", "IL", "KY", "LA", "MN", "MS", "OK", "SD", "TX"), "CT"),
    **dict.fromkeys(("NM", "UT", "WY"), "MT"),
    **dict.fromkeys(("CA", "NV", "OR", "WA"), "PT"),
    "AZ": "AZ",
}
NAMES: Final = {
    "NY": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
    "AZ": "America/Phoenix",
    "IN": "Asia/Kolkata",
    "BR": "America/Sao_Paulo",
    "CO": "America/Bogota",
    "FR": "Europe/Paris",
    "MX": "America/Mexico_City",
    "ES": "Europe/Madrid",
}
WINTER: Final = (date(2027, 2, 5), date(2027, 2, 6), date(2027, 2, 7))
"""A Friday, a Saturday and a Sunday on which nobody has a holiday."""
MINUTE: Final = timedelta(minutes=1)
pytestmark = pytest.mark.requirement("R3.1", "R3.4")


@dataclass(frozen=True)
class Told:
    """A row as this page tells it."""

    spans: tuple[tuple[time, time] | None, ...]
    bans_holidays: bool
    begins_on: date
    is_mississippi: bool


def told(text: str) -> Told:
    *spans, marks = [*text.split()[:3], text.split()[3:]]
    begins = next((mark[1:] for mark in marks if mark.startswith("@")), "0001-01-01")
    return Told(
        spans=tuple(_span(str(span)) for span in spans),
        bans_holidays="H" in marks,
        begins_on=date.fromisoformat(begins),
        is_mississippi="CST" in marks,
    )


def _span(text: str) -> tuple[time, time] | None:
    if text == "-":
        return None
    start, end = text.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def packaged(row: Row) -> Told:
    spans = (row.weekdays, row.saturday, row.sunday)
    return Told(
        spans=tuple((span.start, span.end) if span else None for span in spans),
        bans_holidays=row.bans_holidays,
        begins_on=row.from_on,
        is_mississippi=row.fixed_zone == "Etc/GMT+6",
    )


def newest(table: RuleTable, name: str) -> Row:
    others = {
        "TCPA-01": table.federal,
        "R3.7": table.courtesy,
        "ST-03": table.unknown_state,
    }
    places = table.states if name in STATES else table.countries
    # `IN` is India here: the United States' Indiana has no row of its own.
    rows = others[name] if name in OTHERS else places[name]
    return rows[-1]


@pytest.mark.parametrize("name", [*STATES, *COUNTRIES, *OTHERS])
def test_the_packaged_row_is_the_law(name: str) -> None:
    assert packaged(newest(load_rules(), name)) == told((STATES | COUNTRIES | OTHERS)[name])


def test_there_is_no_row_that_the_law_does_not_have() -> None:
    table = load_rules()
    assert (set(table.states), set(table.countries)) == (set(STATES), set(COUNTRIES))
    older = {state: len(rows) for state, rows in table.states.items() if len(rows) > 1}
    assert older == {"PA": 2}


def facts_of(name: str) -> WindowFacts:
    offer = WindowFacts(
        message_class=MessageClass.MARKETING, channel=Channel.SMS, zones=(), country="US"
    )
    if name in COUNTRIES:
        country = "ES" if name == "default" else name
        return replace(offer, country=country, zones=(NAMES[country],))
    if name in OTHERS:
        facts = replace(offer, zones=(NAMES["NY"],), states=("NY",))
        care = replace(facts, message_class=MessageClass.CARE)
        return {"TCPA-01": facts, "R3.7": care, "ST-03": replace(facts, states=())}[name]
    return replace(offer, zones=(NAMES[ZONES[name]],), states=(name,))


@pytest.mark.parametrize("name", [*STATES, *COUNTRIES, *OTHERS, *FEDERAL_STATES])
def test_the_window_of_each_row_opens_and_closes_to_the_minute(name: str) -> None:
    facts = facts_of(name)
    row = told((STATES | COUNTRIES | OTHERS).get(name, OTHERS["TCPA-01"]))
    for day, span in zip(WINTER, row.spans, strict=True):
        noon = _at(day, time(12), facts)
        if span is None:
            assert not is_allowed(facts, at=noon)
            continue
        # The courtesy hours of a text bind as well, from eight to nine in the evening.
        start, end = max(span[0], time(8)), min(span[1], time(21))
        opens, closes = _at(day, start, facts), _at(day, end, facts)
        verdicts = [is_allowed(facts, at=at) for at in (opens - MINUTE, opens, closes - MINUTE)]
        assert verdicts == [False, True, True]
        assert not is_allowed(facts, at=closes)


def _at(day: date, wall: time, facts: WindowFacts) -> datetime:
    return datetime.combine(day, wall, tzinfo=zone(facts.zones[0])).astimezone(UTC)


@pytest.mark.parametrize("name", [*STATES, "CO", "FR", "ST-03", "TCPA-01"])
def test_a_holiday_and_its_observed_day_close_the_rows_that_say_so(name: str) -> None:
    """ST-05: the Fourth of July 2027 is a Sunday; the Monday after it is observed."""
    facts, row = facts_of(name), told((STATES | COUNTRIES | OTHERS)[name])
    abroad = {"CO": date(2027, 7, 20), "FR": date(2027, 7, 14)}
    day = abroad.get(name, date(2027, 7, 5))
    reasons = blocking_reasons(facts, at=_at(day, time(12), facts))
    assert (WindowReason.HOLIDAY in reasons) is row.bans_holidays


def test_observed_days_are_kept_as_the_law_names_them() -> None:
    kept = holidays_of("US", None, 2027)
    assert {date(2027, 6, 18), date(2027, 7, 5), date(2027, 12, 24)} <= kept


# The rules of §1 and §2


def test_st_01_the_strictest_of_number_and_address() -> None:
    facts = replace(facts_of("TX"), states=("FL", "TX"))
    wanted = _at(WINTER[2], time(11, 30), facts)
    assert next_allowed(facts, now=wanted) == _at(WINTER[2], time(12), facts)


def test_st_03_an_unknown_state_waits_for_monday_at_ten() -> None:
    facts = facts_of("ST-03")
    sunday = _at(WINTER[2], time(12), facts)
    assert next_allowed(facts, now=sunday) == _at(date(2027, 2, 8), time(10), facts)


def test_st_04_the_row_is_chosen_by_the_instant_of_sending() -> None:
    facts = facts_of("PA")
    assert is_allowed(facts, at=_at(date(2026, 10, 11), time(12), facts))
    assert not is_allowed(facts, at=_at(date(2026, 10, 18), time(12), facts))
    rows = load_rules().states["CT"]
    assert row_in_force(rows, day=date(2023, 9, 30)) is None
    assert row_in_force(rows, day=date(2023, 10, 1)) is not None


@pytest.mark.parametrize("message_class", [MessageClass.CARE, MessageClass.RESEARCH])
def test_care_is_never_held_back_by_a_window_for_marketing(message_class: MessageClass) -> None:
    """§0, fact 1: a ban on a Sunday binds solicitation and not what a patient needs to know."""
    for name in STATES:
        facts = replace(facts_of(name), message_class=message_class)
        for day in (*WINTER, date(2027, 7, 5)):
            assert is_allowed(facts, at=_at(day, time(8), facts))


def test_tcpa_02_number_and_address_must_both_be_awake() -> None:
    facts = replace(
        facts_of("CA"),
        zones=("America/Los_Angeles", "America/New_York"),
        states=("CA", "NY"),
    )
    for wall, allowed in (("08:30", False), ("11:05", True)):
        at = datetime.combine(WINTER[0], time.fromisoformat(wall), tzinfo=zone(NAMES["NY"]))
        assert is_allowed(facts, at=at) is allowed
    assert not is_allowed(facts, at=_at(WINTER[0], time(20, 30), facts))


@pytest.mark.shared_data
def test_this_page_says_what_the_reference_says(shared_dir: Path) -> None:
    text = (shared_dir / "reference" / "regulation.yaml").read_text(encoding="utf-8")
    hours: dict[str, Any] = yaml.safe_load(text)["quiet_hours"]
    pairs = {
        "TCPA-01": hours["us_federal_marketing"],
        "R3.7": hours["courtesy_care_default"],
        "ST-03": hours["us_unknown_state_marketing"],
        **hours["us_states"],
    }
    for name, row in pairs.items():
        assert _reference(row) == told((STATES | OTHERS)[name]), name
    for name, row in hours["international_marketing"].items():
        assert _reference(row) == told(COUNTRIES[name]), name


def _reference(row: dict[str, Any]) -> Told:
    bounds = (row["mf"], row["sat"], row["sun"])
    return Told(
        spans=tuple(b and (time.fromisoformat(b[0]), time.fromisoformat(b[1])) for b in bounds),
        bans_holidays=row.get("holidays") == "banned",
        begins_on=date.fromisoformat(row.get("from", "0001-01-01")),
        is_mississippi="fixed_tz" in row,
    )
