"""The caps of states and countries: which bind, from when, and what they count (ST-02)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.caps.policy import LegalCap, capped_countries, legal_caps
from handbell.scheduling.rules import Row, load_rules
from handbell.scheduling.types import WindowFacts

NOON = datetime(2027, 2, 5, 17, tzinfo=UTC)


def three_a_day(rule: str) -> LegalCap:
    return LegalCap(rule=rule, count=3, period=timedelta(hours=24), per_number=True)


def facts(**told: Any) -> WindowFacts:
    known: dict[str, Any] = {
        "message_class": MessageClass.MARKETING,
        "channel": Channel.SMS,
        "zones": ("America/New_York",),
        "country": "US",
    }
    return WindowFacts(**known | told)


@pytest.mark.parametrize("state", ["FL", "MD", "OK", "OR"])
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
def test_three_a_day_to_one_number_in_the_states_that_say_so(state: str, channel: Channel) -> None:
    found = list(legal_caps(facts(states=(state,), channel=channel), at=NOON))
    assert found == [three_a_day(f"us_states.{state}")]


def test_an_unknown_state_is_the_strictest_one() -> None:
    found = list(legal_caps(facts(country=None), at=NOON))
    assert found == [three_a_day("us_unknown_state_marketing")]


@pytest.mark.parametrize(
    "told",
    [
        {"states": ("NY",)},
        {"states": ("FL",), "channel": Channel.EMAIL},
        {"states": ("FL",), "message_class": MessageClass.CARE},
        {"states": ("FL",), "message_class": MessageClass.BILLING_ADMIN},
        {"country": "FR"},
        {"country": "CO", "message_class": MessageClass.CARE},
    ],
)
def test_what_no_place_caps(told: dict[str, Any]) -> None:
    assert list(legal_caps(facts(**told), at=NOON)) == []


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("of_class", [MessageClass.MARKETING, MessageClass.BILLING_ADMIN])
def test_colombia_allows_one_contact_a_day_on_any_channel(
    channel: Channel, of_class: MessageClass
) -> None:
    told = facts(country="CO", channel=channel, message_class=of_class, zones=("America/Bogota",))
    rule = "international_marketing.CO"
    assert list(legal_caps(told, at=NOON)) == [
        LegalCap(rule=rule, count=1, period=None, per_number=False)
    ]
    assert capped_countries() == {"CO"}


def test_a_cap_begins_on_the_local_day_of_its_row() -> None:
    """ST-04: Oregon's on the first of January 2026, as its own clock shows it."""
    oregon = facts(states=("OR",), zones=("America/Los_Angeles",))
    midnight = datetime(2026, 1, 1, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert list(legal_caps(oregon, at=midnight - timedelta(minutes=1))) == []
    assert len(list(legal_caps(oregon, at=midnight))) == 1


def test_an_old_receipt_is_judged_without_the_caps_of_a_later_table() -> None:
    old = facts(states=("FL",), rules_version="2026-11-24.3")
    assert list(legal_caps(old, at=NOON)) == []


@pytest.mark.shared_data
def test_the_caps_of_the_states_are_those_of_the_reference(shared_dir: Path) -> None:
    text = (shared_dir / "reference" / "regulation.yaml").read_text(encoding="utf-8")
    hours = yaml.safe_load(text)["quiet_hours"]
    table = load_rules()
    assert {state: _cap(rows[-1]) for state, rows in table.states.items()} == {
        state: _told(row) for state, row in hours["us_states"].items()
    }
    assert _cap(table.unknown_state[-1]) == _told(hours["us_unknown_state_marketing"])


def _cap(row: Row) -> tuple[int, int | None] | None:
    return (row.cap.count, row.cap.hours) if row.cap is not None else None


def _told(row: dict[str, Any]) -> tuple[int, int] | None:
    cap = row.get("cap")
    return cap and (cap["n"], cap["per_hours"])
