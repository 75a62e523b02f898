"""The packaged tables are valid and say what the reference says."""

from datetime import date, time
from pathlib import Path

import pytest
import yaml

from handbell.scheduling.rules import RULES_VERSION, Row, load_rules, row_in_force
from handbell.scheduling.tz import TZDATA_VERSION, zone


def test_the_table_carries_its_version_and_the_zones_theirs() -> None:
    assert load_rules().version == RULES_VERSION
    assert TZDATA_VERSION.startswith("20")


def test_an_unknown_version_or_zone_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        load_rules("1999-01-01.1")
    with pytest.raises(ValueError, match="time zone"):
        zone("../../etc/passwd")


def test_the_unknown_state_row_is_inside_every_state_row() -> None:
    table, day = load_rules(), date(2026, 11, 25)
    unknown = row_in_force(table.unknown_state, day=day)
    assert unknown is not None
    for rows in table.states.values():
        row = row_in_force(rows, day=day)
        assert row is not None
        assert _is_inside(unknown, row)


def _is_inside(inner: Row, outer: Row) -> bool:
    pairs = (
        (inner.weekdays, outer.weekdays),
        (inner.saturday, outer.saturday),
        (inner.sunday, outer.sunday),
    )
    return all(
        a is None or (b is not None and b.start <= a.start and a.end <= b.end) for a, b in pairs
    )


@pytest.mark.shared_data
def test_the_newest_row_of_every_state_equals_the_reference(shared_dir: Path) -> None:
    text = (shared_dir / "reference" / "regulation.yaml").read_text(encoding="utf-8")
    reference = yaml.safe_load(text)
    assert reference["meta"]["version"] == "2026-11-24.3"
    assert reference["meta"]["version"] < RULES_VERSION, "ours has the caps of its rows besides"
    states = reference["quiet_hours"]["us_states"]
    table = load_rules().states
    assert set(table) == set(states)
    for state, row in states.items():
        spans = (table[state][-1].weekdays, table[state][-1].saturday, table[state][-1].sunday)
        expected = tuple(
            row[name] and tuple(map(time.fromisoformat, row[name]))
            for name in ("mf", "sat", "sun")
        )
        assert tuple(span and (span.start, span.end) for span in spans) == expected
        assert table[state][-1].bans_holidays is (row.get("holidays") == "banned")
