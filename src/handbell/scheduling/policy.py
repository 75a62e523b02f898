"""When a message may leave: the rules of every candidate zone, and the choice of the hour.

Allowed = legal, not quiet, within the channel's hours, in every candidate zone. A plan falls on a
whole minute.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from handbell.platform.vocabulary import MessageClass
from handbell.scheduling.types import (
    Anchor,
    At,
    Free,
    HourSource,
    NoWindow,
    OnDay,
    Plan,
    WindowFacts,
    WindowReason,
)
from handbell.scheduling.tz import instant_of
from handbell.scheduling.windows import closures, day_in, hours_of, openings

HORIZON: Final = timedelta(days=14)
USELESS_BEFORE: Final = timedelta(minutes=15)
REPLY_GRACE: Final = timedelta(hours=1)
DEFAULT_HOUR: Final = time(9)

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


def is_useful(at: datetime, serves_at: datetime | None) -> bool:
    """Whether a message at that instant still helps: 15 minutes before the visit it does not."""
    return serves_at is None or at < serves_at - USELESS_BEFORE


def is_allowed(facts: WindowFacts, *, at: datetime) -> bool:
    """Whether a message may leave at that instant."""
    if _is_unbound(facts, at):
        return True
    at = at.astimezone(UTC)
    return any(start <= at < end for start, end in openings(hours_of(facts), at.date()))


def blocking_reasons(facts: WindowFacts, *, at: datetime) -> tuple[WindowReason, ...]:
    """Every reason why it may not leave at that instant, each once; empty where it may."""
    if _is_unbound(facts, at):
        return ()
    return tuple(dict.fromkeys(closures(hours_of(facts), at.astimezone(UTC))))


def closes_at(facts: WindowFacts, *, now: datetime) -> datetime | None:
    """When the hours end in which it may leave now, looking a day ahead; `now` where they have
    ended, None for an emergency, which has none."""
    if facts.message_class is MessageClass.EMERGENCY:
        return None
    end = now
    if _is_unbound(facts, now) and facts.answers_at is not None:
        end = facts.answers_at + REPLY_GRACE
    for low, high in _stretches(facts, now, now + _DAY):
        if low <= end < high:
            end = high
    return end


def next_allowed(facts: WindowFacts, *, now: datetime) -> datetime | NoWindow:
    """The first allowed whole minute from `now` on, at most 14 days later."""
    first = _ceil(now)
    at = _first_between(facts, first, first + HORIZON)
    return NoWindow(reasons=blocking_reasons(facts, at=first)) if at is None else at


def day_of(facts: WindowFacts, at: datetime) -> date:
    """The date that the primary zone's clock shows."""
    return day_in(facts, at)


def next_day(facts: WindowFacts, at: datetime) -> datetime:
    """When the primary zone's next date begins."""
    return _end_of(facts, day_of(facts, at))


def without_unasked(facts: WindowFacts) -> WindowFacts:
    """The same facts without the places whose rules do not bind the class: no plan looks at them,
    so what is equal then is planned alike."""
    hours = hours_of(facts)
    return replace(facts, states=hours.states, country=hours.country)


def plan_send(facts: WindowFacts, anchor: Anchor, *, now: datetime) -> Plan | NoWindow:
    """Choose the sending time for an anchor; whether it is still useful then is the gate's to ask.

    An emergency leaves at once; one for a later day, when that day begins.
    """
    match anchor:
        case At():
            return _plan_at(facts, anchor, now=_ceil(now))
        case _ if facts.message_class is MessageClass.EMERGENCY:
            return _plan_emergency(facts, anchor, now=_ceil(now))
        case OnDay(day=day):
            return _plan_on_day(facts, day, now=_ceil(now))
        case Free():
            return _plan_free(facts, now=_ceil(now))


def _plan_at(facts: WindowFacts, anchor: At, *, now: datetime) -> Plan | NoWindow:
    wanted = max(_ceil(anchor.instant), now)
    late = (WindowReason.IN_THE_PAST,) if anchor.instant < now - _MINUTE else ()
    if is_allowed(facts, at=wanted):
        return Plan(send_at=wanted, hour_source=HourSource.STATED, reasons=late)
    why = (*late, *blocking_reasons(facts, at=wanted))
    later = next_allowed(facts, now=wanted)
    if _leaves_too_little(anchor, later):
        earlier = _last_between(facts, now, wanted)
        if earlier is not None:
            return _moved(earlier, (*why, WindowReason.MOVED_EARLIER))
    if isinstance(later, NoWindow):
        return later
    return _moved(later, (*why, WindowReason.MOVED_LATER))


def _leaves_too_little(anchor: At, later: datetime | NoWindow) -> bool:
    """Whether waiting would leave less than half of the offset before the visit."""
    if anchor.serves_at is None:
        return False
    if isinstance(later, NoWindow):
        return True
    return anchor.serves_at - later < (anchor.serves_at - anchor.instant) / 2


def _plan_emergency(facts: WindowFacts, anchor: OnDay | Free, *, now: datetime) -> Plan:
    """No hour is chosen for it: best hour, work and nine o'clock are for what can wait."""
    if isinstance(anchor, OnDay):
        begins = instant_of(anchor.day, time(0), zone_name=_primary(facts))
        now = max(now, _ceil(begins))
    return Plan(send_at=now, hour_source=HourSource.STATED)


def _plan_on_day(facts: WindowFacts, day: date, *, now: datetime) -> Plan | NoWindow:
    plan = _plan_within(facts, day, now=now)
    if plan is not None:
        return plan
    wanted = max(_chosen(facts, day)[0], now)
    later = next_allowed(facts, now=max(_end_of(facts, day), now))
    if isinstance(later, NoWindow):
        return later
    why = blocking_reasons(facts, at=wanted)
    return _moved(later, (*why, WindowReason.MOVED_LATER))


def _plan_free(facts: WindowFacts, *, now: datetime) -> Plan | NoWindow:
    today = day_of(facts, now)
    plans = (_plan_within(facts, today + n * _DAY, now=now) for n in range(HORIZON.days + 1))
    found = next((plan for plan in plans if plan is not None), None)
    return found or NoWindow(reasons=blocking_reasons(facts, at=now))


def _plan_within(facts: WindowFacts, day: date, *, now: datetime) -> Plan | None:
    """The chosen hour of that day, else the nearest allowed minute of it; None without one."""
    wanted, source = _chosen(facts, day)
    if wanted >= now and is_allowed(facts, at=wanted):
        return Plan(send_at=wanted, hour_source=source)
    late = (WindowReason.IN_THE_PAST,) if wanted < now else ()
    why = (*late, *blocking_reasons(facts, at=max(wanted, now)))
    start = max(instant_of(day, time(0), zone_name=_primary(facts)), now)
    after = _first_between(facts, max(wanted, start), _end_of(facts, day))
    before = _last_between(facts, start, wanted)
    if before is not None and (after is None or wanted - before < after - wanted):
        return _moved(before, (*why, WindowReason.MOVED_EARLIER), source)
    if after is not None:
        return _moved(after, (*why, WindowReason.MOVED_LATER), source)
    return None


def _chosen(facts: WindowFacts, day: date) -> tuple[datetime, HourSource]:
    """Best hour, else an hour after work starts, else 09:00, in the primary zone (R3.5, R3.6)."""
    wall, source = DEFAULT_HOUR, HourSource.DEFAULT
    if facts.best_hour is not None:
        wall, source = time(facts.best_hour), HourSource.BEST_HOUR
    elif facts.work_start != facts.work_end:
        start = facts.work_start
        wall, source = time((start.hour + 1) % 24, start.minute), HourSource.WORK_HOURS
    return _ceil(instant_of(day, wall, zone_name=_primary(facts))), source


def _end_of(facts: WindowFacts, day: date) -> datetime:
    return instant_of(day + _DAY, time(0), zone_name=_primary(facts))


def _primary(facts: WindowFacts) -> str:
    return hours_of(facts).zones[0]


def _moved(
    at: datetime, reasons: tuple[WindowReason, ...], source: HourSource = HourSource.STATED
) -> Plan:
    return Plan(send_at=at, hour_source=source, reasons=reasons)


def _is_unbound(facts: WindowFacts, at: datetime) -> bool:
    """An emergency has no hours; a reply has none for an hour after the patient's message."""
    if facts.message_class is MessageClass.EMERGENCY:
        return True
    if facts.message_class is not MessageClass.INBOUND_REPLY or facts.answers_at is None:
        return False
    return facts.answers_at <= at <= facts.answers_at + REPLY_GRACE


def _first_between(facts: WindowFacts, start: datetime, end: datetime) -> datetime | None:
    """The first allowed whole minute in [start, end)."""
    if start < end and _is_unbound(facts, start):
        return start
    for low, high in _stretches(facts, start, end):
        at = _ceil(max(low, start))
        if at < min(high, end):
            return at
    return None


def _last_between(facts: WindowFacts, start: datetime, end: datetime) -> datetime | None:
    """The last allowed whole minute in [start, end), of what has hours at all."""
    found = [at for at in _ends_of_grace(facts) if start <= at < end]
    for low, high in reversed(list(_stretches(facts, start, end))):
        at = _ceil(min(high, end)) - _MINUTE
        if at >= max(low, start):
            found.append(at)
            break
    return max(found, default=None)


def _ends_of_grace(facts: WindowFacts) -> Iterator[datetime]:
    """The last whole minute at which a reply may still break the quiet."""
    if facts.message_class is MessageClass.INBOUND_REPLY and facts.answers_at is not None:
        end = facts.answers_at.astimezone(UTC) + REPLY_GRACE
        yield end.replace(second=0, microsecond=0)


def _stretches(
    facts: WindowFacts, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    hours = hours_of(facts)
    day = start.astimezone(UTC).date()
    while day <= end.astimezone(UTC).date():
        yield from openings(hours, day)
        day += _DAY


def _ceil(at: datetime) -> datetime:
    """The whole minute at or after the instant, in UTC."""
    at = at.astimezone(UTC)
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + _MINUTE
