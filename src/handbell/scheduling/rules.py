"""The dated tables of allowed windows and of caps, read from package data and validated once."""

from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from handbell.platform.vocabulary import MessageClass

RULES_VERSION: Final = "2026-12-01.1"
FOLDER: Final = files("handbell.scheduling").joinpath("rules")
"""Every version that ever decided: a receipt is judged again by the table of its own day."""

SATURDAY: Final = 5
SUNDAY: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A half-open stretch of a wall-clock day: `start` ≤ t < `end`."""

    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most sends in so many hours, or on a local day where `hours` is None. Without named
    classes it binds marketing."""

    count: int
    hours: int | None
    classes: frozenset[MessageClass]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one rule allows from one day on; a day without a span allows nothing."""

    weekdays: Span | None
    saturday: Span | None
    sunday: Span | None
    bans_holidays: bool
    from_on: date
    fixed_zone: str | None
    source: str
    cap: Cap | None = None

    def span_on(self, day: date) -> Span | None:
        """The allowed stretch of that day, holidays aside."""
        if day.weekday() == SATURDAY:
            return self.saturday
        if day.weekday() == SUNDAY:
            return self.sunday
        return self.weekdays


Rows = tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTable:
    """One version of the rules. Each place has dated rows; the last one in force binds."""

    version: str
    federal: Rows
    courtesy: Rows
    unknown_state: Rows
    states: dict[str, Rows]
    countries: dict[str, Rows]


def row_in_force(rows: Rows, *, day: date) -> Row | None:
    """The row that binds on that local day; None where none has begun (ST-04)."""
    return next((row for row in reversed(rows) if row.from_on <= day), None)


def has_rules(version: str) -> bool:
    """Whether the package holds that version; old ones stay for ever, to judge old receipts."""
    return f"{version}.yaml" in {entry.name for entry in FOLDER.iterdir()}


@lru_cache(maxsize=8)
def load_rules(version: str = RULES_VERSION) -> RuleTable:
    """The table of that version; raises FileNotFoundError or pydantic's ValidationError."""
    source = FOLDER.joinpath(f"{version}.yaml")
    table = _TableIn.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
    return RuleTable(
        version=table.version,
        federal=_to_rows(table.us_federal_marketing),
        courtesy=_to_rows(table.courtesy_care_default),
        unknown_state=_to_rows(table.us_unknown_state_marketing),
        states={state: _to_rows(rows) for state, rows in table.us_states.items()},
        countries={name: _to_rows(rows) for name, rows in table.international_marketing.items()},
    )


_TIME: Final = TypeAdapter(time)


def _to_span(value: object) -> object:
    """Two times in a list become a span that cannot be empty or cross midnight."""
    if not isinstance(value, list):
        return value
    start, end = (_TIME.validate_python(bound) for bound in value)
    if not start < end:
        raise ValueError("A window starts before it ends.")
    return Span(start=start, end=end)


_SpanIn = Annotated[Span | None, BeforeValidator(_to_span)]


class _CapIn(BaseModel):
    """`scope` and `exempt` are what the law grants besides; neither is made use of: every
    marketing message counts as the same subject, and nobody is exempt."""

    model_config = ConfigDict(extra="forbid")

    n: Annotated[int, Field(ge=1)]
    per_hours: Annotated[int, Field(ge=1)] | None = None
    per_local_days: Literal[1] | None = None
    classes: frozenset[MessageClass] = frozenset({MessageClass.MARKETING})
    scope: Literal["same_subject"] | None = None
    exempt: Literal["ebr_18_months"] | None = None

    @model_validator(mode="after")
    def _has_one_period(self) -> Self:
        if (self.per_hours is None) == (self.per_local_days is None):
            raise ValueError("A cap is for some hours or for a local day.")
        return self


class _RowIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mf: _SpanIn
    sat: _SpanIn
    sun: _SpanIn
    holidays: Literal["allowed", "banned"] = "allowed"
    from_on: date = Field(default=date.min, alias="from")
    fixed_tz: str | None = None
    channels: list[str] = []
    cap: _CapIn | None = None
    src: str = "product policy"


_RowsIn = Annotated[list[_RowIn], Field(min_length=1)]


class _TableIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str
    us_federal_marketing: _RowsIn
    courtesy_care_default: _RowsIn
    us_unknown_state_marketing: _RowsIn
    us_states: dict[str, _RowsIn]
    international_marketing: dict[str, _RowsIn]


def _to_rows(rows: list[_RowIn]) -> Rows:
    found = (
        Row(
            weekdays=row.mf,
            saturday=row.sat,
            sunday=row.sun,
            bans_holidays=row.holidays == "banned",
            from_on=row.from_on,
            fixed_zone=row.fixed_tz,
            source=row.src,
            cap=_to_cap(row.cap),
        )
        for row in rows
    )
    return tuple(sorted(found, key=lambda row: row.from_on))


def _to_cap(cap: _CapIn | None) -> Cap | None:
    return None if cap is None else Cap(count=cap.n, hours=cap.per_hours, classes=cap.classes)
