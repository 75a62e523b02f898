"""The open stretches of a UTC day: every rule, judged in every candidate zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.holiday_calendar import holidays_of
from handbell.scheduling.rules import RULES_VERSION, Rows, RuleTable, load_rules, row_in_force
from handbell.scheduling.state_zones import EVERY_US_ZONE
from handbell.scheduling.types import WindowFacts, WindowReason
from handbell.scheduling.tz import change_on, zone

_DAY: Final = timedelta(days=1)
_MIDNIGHT: Final = time(0)
_WITH_COURTESY: Final = frozenset(
    {
        MessageClass.CARE,
        MessageClass.BILLING_ADMIN,
        MessageClass.RESEARCH,
        MessageClass.MARKETING,
    }
)
_BILLING_BOUND: Final = frozenset({"CO"})  # Ley 2300 de 2023 binds collection messages too.


class Hours(NamedTuple):
    """The part of the facts that opens and closes windows; what is cached is keyed by it."""

    message_class: MessageClass
    channel: Channel
    zones: tuple[str, ...]
    states: tuple[str, ...]
    country: str | None
    quiet_start: time
    quiet_end: time
    rules_version: str
    blackouts: tuple[tuple[datetime, datetime], ...]
    without_courtesy: bool


class _Law(NamedTuple):
    """The part of the hours that chooses rules."""

    message_class: MessageClass
    channel: Channel
    states: tuple[str, ...]
    country: str | None
    rules_version: str
    without_courtesy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    reason: WindowReason
    rows: Rows
    country: str = "US"
    state: str | None = None


def hours_of(facts: WindowFacts) -> Hours:
    """What of the facts the windows depend on; no zone at all means every US zone."""
    has_law = facts.message_class in {MessageClass.MARKETING, MessageClass.BILLING_ADMIN}
    return Hours(
        facts.message_class,
        facts.channel,
        facts.zones or EVERY_US_ZONE,
        facts.states if has_law else (),
        facts.country if has_law else None,
        facts.quiet_start,
        facts.quiet_end,
        facts.rules_version or RULES_VERSION,
        tuple((one.starts_at, one.ends_at) for one in facts.blackouts),
        facts.without_courtesy,
    )


def day_in(facts: WindowFacts, at: datetime) -> date:
    """The date that the primary zone's clock shows."""
    return at.astimezone(zone(hours_of(facts).zones[0])).date()


@lru_cache(maxsize=32768)
def openings(hours: Hours, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """The stretches [start, end) of this UTC day in which every rule allows a message.

    The verdict changes only at a wall-clock bound or where a zone changes its offset, so one
    instant per stretch is judged.
    """
    start = datetime.combine(day, _MIDNIGHT, tzinfo=UTC)
    edges = sorted({start, start + _DAY, *_edges(hours, day)})
    judged = groupby(pairwise(edges), key=lambda piece: any(closures(hours, piece[0])))
    stretches = (list(pieces) for is_closed, pieces in judged if not is_closed)
    return tuple((pieces[0][0], pieces[-1][1]) for pieces in stretches)


def closures(hours: Hours, at: datetime) -> Iterator[WindowReason]:
    """Every reason why the instant is closed, in any zone; a reason may repeat."""
    if any(start <= at < end for start, end in hours.blackouts):
        yield WindowReason.BLACKOUT
    rules = _rules(_law_of(hours))
    for name in hours.zones:
        local = at.astimezone(zone(name))
        if _is_quiet(local.time(), start=hours.quiet_start, end=hours.quiet_end):
            yield WindowReason.QUIET_HOURS
        for rule in rules:
            yield from _closures_of(rule, at, local)


def _closures_of(rule: _Rule, at: datetime, local: datetime) -> Iterator[WindowReason]:
    row = row_in_force(rule.rows, day=local.date())
    if row is None:
        return
    clocks = [local]
    if row.fixed_zone is not None:
        clocks.append(at.astimezone(zone(row.fixed_zone)))
    for clock in clocks:
        span = row.span_on(clock.date())
        if span is None or not span.start <= clock.time() < span.end:
            yield rule.reason
        elif row.bans_holidays and _is_holiday(rule, clock.date()):
            yield WindowReason.HOLIDAY


def _is_holiday(rule: _Rule, day: date) -> bool:
    return day in holidays_of(rule.country, rule.state, day.year)


def _is_quiet(wall: time, *, start: time, end: time) -> bool:
    if start <= end:
        return start <= wall < end
    return wall >= start or wall < end


def _law_of(hours: Hours) -> _Law:
    return _Law(
        hours.message_class,
        hours.channel,
        hours.states,
        hours.country,
        hours.rules_version,
        hours.without_courtesy,
    )


@lru_cache(maxsize=4096)
def _rules(law: _Law) -> tuple[_Rule, ...]:
    """The rules that bind this class on this channel; e-mail obeys only the patient's own."""
    if law.channel is Channel.EMAIL or law.message_class not in _WITH_COURTESY:
        return ()
    table = load_rules(law.rules_version)
    courtesy = _Rule(reason=WindowReason.CHANNEL_HOURS, rows=table.courtesy)
    defaults = () if law.without_courtesy else (courtesy,)
    if law.message_class is MessageClass.MARKETING:
        return (*defaults, *_marketing_rules(table, law.states, law.country))
    if law.message_class is MessageClass.BILLING_ADMIN and law.country in _BILLING_BOUND:
        return (*defaults, _country_rule(table, law.country))
    return defaults


def _marketing_rules(
    table: RuleTable, states: tuple[str, ...], country: str | None
) -> Iterator[_Rule]:
    """State and country rows together (ST-01); where no state is known, the strictest (ST-03)."""
    if country not in {None, "US"}:
        yield _country_rule(table, str(country))
        if not states:
            return
    if not states:
        yield _Rule(reason=WindowReason.UNKNOWN_STATE_WINDOW, rows=table.unknown_state)
        return
    yield _Rule(reason=WindowReason.FEDERAL_WINDOW, rows=table.federal)
    for state in states:
        if state in table.states:
            rows = table.states[state]
            yield _Rule(reason=WindowReason.STATE_WINDOW, rows=rows, state=state)


def _country_rule(table: RuleTable, country: str) -> _Rule:
    countries = table.countries
    rows = countries.get(country, countries["default"])
    return _Rule(reason=WindowReason.COUNTRY_WINDOW, rows=rows, country=country)


def _edges(hours: Hours, day: date) -> Iterator[datetime]:
    """The instants of this UTC day at which any verdict may change."""
    return (at for at in _every_edge(hours, day) if at.date() == day)


def _every_edge(hours: Hours, day: date) -> Iterator[datetime]:
    """The same, with some of the days before and after it."""
    rules = _rules(_law_of(hours))
    rows = [row for rule in rules for row in rule.rows]
    walls = {_MIDNIGHT, hours.quiet_start, hours.quiet_end}
    for row in rows:
        for span in (row.weekdays, row.saturday, row.sunday):
            walls |= {span.start, span.end} if span else set()
    fixed = {row.fixed_zone for row in rows if row.fixed_zone}
    for name in {*hours.zones, *fixed}:
        yield from _edges_in(name, walls, day)
    for start, end in hours.blackouts:
        yield from (start.astimezone(UTC), end.astimezone(UTC))


def _edges_in(name: str, walls: set[time], day: date) -> Iterator[datetime]:
    yield change_on(name, day)
    tz = zone(name)
    for local_day in (day - _DAY, day, day + _DAY):
        for wall in walls:
            for fold in (0, 1):
                local = datetime.combine(local_day, wall.replace(fold=fold), tzinfo=tz)
                yield local.astimezone(UTC)
