"""The caps that the law of a place adds to the product's own, chosen from the dated rows.

A state's binds marketing to one number by SMS or WhatsApp, whoever of its patients it is for
(ST-02). Colombia's binds marketing and collections to one person on any channel (Ley 2300).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.rules import RULES_VERSION, Rows, load_rules, row_in_force
from handbell.scheduling.types import WindowFacts
from handbell.scheduling.windows import day_in

PHONE: Final = frozenset({Channel.SMS, Channel.WHATSAPP})
COMMERCIAL: Final = frozenset({MessageClass.MARKETING, MessageClass.BILLING_ADMIN})
"""The classes that a cap of any place binds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalCap:
    """At most `count` sends in any `period`, or on one local day where that is None. `per_number`:
    to one number; else to one person. `rule` is the place of the row in the table."""

    rule: str
    count: int
    period: timedelta | None
    per_number: bool


def legal_caps(facts: WindowFacts, *, at: datetime) -> Iterator[LegalCap]:
    """The caps in force at that instant, by the rows of the patient's places."""
    if facts.message_class not in COMMERCIAL:
        return
    day = day_in(facts, at)
    for rule, rows, per_number in _rows(facts):
        row = row_in_force(rows, day=day)
        if row is None or row.cap is None or facts.message_class not in row.cap.classes:
            continue
        hours = row.cap.hours
        yield LegalCap(
            rule=rule,
            count=row.cap.count,
            period=None if hours is None else timedelta(hours=hours),
            per_number=per_number,
        )


@cache
def capped_countries() -> frozenset[str]:
    """Where a cap counts by person, so that more than the class itself is counted."""
    found = load_rules().countries.items()
    return frozenset(name for name, rows in found if any(row.cap for row in rows))


def _rows(facts: WindowFacts) -> Iterator[tuple[str, Rows, bool]]:
    table = load_rules(facts.rules_version or RULES_VERSION)
    if facts.country in table.countries:
        yield f"international_marketing.{facts.country}", table.countries[facts.country], False
    if facts.channel not in PHONE:
        return
    for state in facts.states:
        if state in table.states:
            yield f"us_states.{state}", table.states[state], True
    if not facts.states and facts.country in {None, "US"}:
        yield "us_unknown_state_marketing", table.unknown_state, True
