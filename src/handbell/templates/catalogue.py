"""The variables that a template may use: what each tells, where it may stand, a sample.

Levels follow HP-02 of the regulation table: sender and opaque links, then first name and
time, then who and where.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from handbell.platform.vocabulary import CLASS_OF_PURPOSE, MessageClass, Purpose
from handbell.templates.dates import day_of, visit_date, visit_time
from handbell.templates.levels import DisclosureLevel

_EVERYWHERE: Final = frozenset(Purpose)
_VISIT: Final = frozenset(
    {
        Purpose.APPT_CONFIRM,
        Purpose.APPT_REMINDER,
        Purpose.NO_SHOW,
        Purpose.URGENT,
        Purpose.REPLY_CONFIRMED,
        Purpose.REPLY_RESCHEDULE,
        Purpose.REPLY_OPTIONS,
    }
)
_PROMOTIONAL: Final = frozenset(
    purpose for purpose, of in CLASS_OF_PURPOSE.items() if of is MessageClass.MARKETING
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`sample` is invented and of a typical length."""

    name: str
    level: DisclosureLevel
    sample: str
    purposes: frozenset[Purpose] = _EVERYWHERE


_L0, _L1, _L2 = DisclosureLevel.L0, DisclosureLevel.L1, DisclosureLevel.L2

CATALOGUE: Final = {
    variable.name: variable
    for variable in (
        Variable(name="organization_name", level=_L0, sample="Riverside Health"),
        Variable(name="phone", level=_L0, sample="212-555-0100"),
        Variable(name="postal_address", level=_L0, sample="1 Main St, Albany, NY 12207"),
        Variable(name="portal_link", level=_L0, sample="https://m.example.org/p/7Kq2xZ9a"),
        Variable(name="unsubscribe_link", level=_L0, sample="https://m.example.org/u/7Kq2xZ9a"),
        Variable(
            name="confirm_link",
            level=_L0,
            sample="https://m.example.org/c/7Kq2xZ9a",
            purposes=_VISIT,
        ),
        Variable(
            name="reschedule_link",
            level=_L0,
            sample="https://m.example.org/r/7Kq2xZ9a",
            purposes=_VISIT,
        ),
        Variable(
            name="cancel_link",
            level=_L0,
            sample="https://m.example.org/x/7Kq2xZ9a",
            purposes=_VISIT,
        ),
        Variable(name="visit_count", level=_L0, sample="2", purposes=_VISIT),
        Variable(
            name="staff_text",
            level=_L1,
            sample="Please bring your card.",
            purposes=frozenset({Purpose.REPLY_STAFF, Purpose.STAFF_MESSAGE}),
        ),
        Variable(name="first_name", level=_L1, sample="Alexandra"),
        Variable(name="appt_date", level=_L1, sample="Tue, Dec 1", purposes=_VISIT),
        Variable(name="appt_time", level=_L1, sample="9:30 AM", purposes=_VISIT),
        Variable(name="last_name", level=_L2, sample="Rivera"),
        Variable(
            name="provider", level=_L2, sample="Dr. Sam Doe", purposes=_EVERYWHERE - _PROMOTIONAL
        ),
        Variable(
            name="location", level=_L2, sample="Main Street", purposes=_EVERYWHERE - _PROMOTIONAL
        ),
        Variable(
            name="visits", level=_L2, sample="9:30 AM, Dr. Sam Doe, Main Street", purposes=_VISIT
        ),
        Variable(
            name="pharmacy",
            level=_L2,
            sample="Corner Pharmacy",
            purposes=frozenset({Purpose.RX_REFILL}),
        ),
        Variable(
            name="pharmacy_phone",
            level=_L2,
            sample="212-555-0142",
            purposes=frozenset({Purpose.RX_REFILL}),
        ),
        Variable(
            name="due_date",
            level=_L2,
            sample="Mon, Dec 14",
            purposes=frozenset({Purpose.RX_REFILL, Purpose.PAYMENT_REMINDER}),
        ),
    )
}
"""A link is a variable whose name ends in `_link`: its value is an http(s) address."""

SAMPLES: Final = {name: variable.sample for name, variable in CATALOGUE.items()}
_SAMPLE_TEXTS: Final = {
    "es": "Traiga su tarjeta, por favor.",
    "hi": "कृपया अपना कार्ड साथ लाएँ और पंद्रह मिनट पहले पहुँच जाएँ।",
}
_SAMPLE_VISIT: Final = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
_SAMPLE_DUE: Final = datetime(2026, 12, 14, tzinfo=UTC).date()
_SAMPLE_ZONE: Final = ZoneInfo("America/New_York")


@cache
def samples_for(language: str) -> Mapping[str, str]:
    """The samples, with dates and times as the language writes them."""
    return MappingProxyType(
        {
            **SAMPLES,
            "appt_date": visit_date(_SAMPLE_VISIT, zone=_SAMPLE_ZONE, locale=language),
            "appt_time": visit_time(_SAMPLE_VISIT, zone=_SAMPLE_ZONE, locale=language),
            "visits": ", ".join(
                (
                    visit_time(_SAMPLE_VISIT, zone=_SAMPLE_ZONE, locale=language),
                    SAMPLES["provider"],
                    SAMPLES["location"],
                )
            ),
            "staff_text": _SAMPLE_TEXTS.get(language, SAMPLES["staff_text"]),
            "due_date": day_of(_SAMPLE_DUE, locale=language),
        }
    )


def is_link(name: str) -> bool:
    """Whether the variable's value is an address to open."""
    return name.endswith("_link")


def allowed_for(purpose: Purpose) -> frozenset[str]:
    """Give the names that a template of this purpose may use."""
    return frozenset(name for name, one in CATALOGUE.items() if purpose in one.purposes)
