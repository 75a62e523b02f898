"""Answers a case by walking minutes. Written from regulation.md; imports nothing of Handbell.

A minute is open when, on every clock where the patient may be, it is not quiet and every row
that binds the message allows it.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from tools.check_rules import law
from tools.check_rules.cases import Answer, Case, Held, Message
from tools.check_rules.open_hours import Profile, is_quiet, open_minutes, reasons_of, rules_of
from tools.check_rules.walls import (
    MINUTES,
    first_shown,
    instant,
    local_date,
    local_minute,
    minute_from,
    minute_of,
    shown,
)
from tools.check_rules.where import Whereabouts, whereabouts

HORIZON: Final = 14 * MINUTES
NINE: Final = 9 * 60
HOUR: Final = timedelta(hours=1)
A_MINUTE: Final = timedelta(minutes=1)
LAST_HELP: Final = timedelta(minutes=15)
ROLLING_DAY: Final = timedelta(hours=24)
ROLLING_WEEK: Final = timedelta(hours=168)
CARE_A_DAY: Final = 5
MARKETING_A_DAY: Final = 1
MARKETING_A_WEEK: Final = 3

PLACED: Final = frozenset({"in_the_past", "moved_earlier", "moved_later"})
NEVER_HELD: Final = frozenset({"emergency", "inbound_reply"})
COURTESY: Final = "channel"
NOWHERE: Final = ""
"""Stands for the source of the hour where there is none."""

Plan = tuple[int | None, str, frozenset[str]]


def answer(case: Case) -> Answer:
    """Everything that the product is compared with."""
    at = _Walk(case)
    next_minute = at.first(at.now, at.now + HORIZON)
    plan = at.plan()
    gate = _Walk(case, without=COURTESY) if _goes_anyway(case.message) else at
    return Answer(
        closed_by=at.closed_by(case.now),
        closes_at=at.closes_at(),
        next_at=None if next_minute is None else instant(next_minute),
        plan=(None if plan[0] is None else instant(plan[0]), plan[1], plan[2]),
        verdict=gate.verdict(gate.plan()),
    )


def _goes_anyway(message: Message) -> bool:
    """It passes over the channel's usual hours, and over nothing else."""
    has_wish = message.instant is not None or message.day is not None
    return has_wish and message.when_closed == "send_anyway"


class _Walk:
    """One case, and the walks over its minutes; `without` names a table that does not bind."""

    def __init__(self, case: Case, *, without: str = "") -> None:
        self.case = case
        self.now = minute_from(case.now)
        where = whereabouts(case)
        self.primary, self.states = where.clocks[0], where.states
        message = case.message
        bound = rules_of(message.message_class, message.channel, case.patient.country, where)
        rules = tuple(rule for rule in bound if rule.table != without)
        self.profile = Profile(where.clocks, rules, case.patient.quiet)
        self.held = [one for one in case.blackouts if is_bound(one, case, where)]

    # Minutes

    def closed_by(self, at: datetime) -> frozenset[str]:
        if self._is_unbound(at):
            return frozenset()
        minute = minute_of(at)
        found = {"blackout"} if any(one.start <= at < one.end for one in self.held) else set()
        for zone in self.profile.clocks:
            local = shown(zone, minute)
            found |= {"quiet_hours"} if is_quiet(self.profile.quiet, local) else set()
            for rule in self.profile.rules:
                found |= set(reasons_of(rule, local, minute))
        return frozenset(found)

    def _is_unbound(self, at: datetime) -> bool:
        message = self.case.message
        if message.message_class == "emergency":
            return True
        if message.message_class != "inbound_reply" or message.answers_at is None:
            return False
        return message.answers_at <= at <= message.answers_at + HOUR

    def closes_at(self) -> datetime | None:
        message, end = self.case.message, self.case.now
        if message.message_class == "emergency":
            return None
        if self._is_unbound(end) and message.answers_at is not None:
            end = message.answers_at + HOUR
        latest = self.case.now + ROLLING_DAY
        while end < latest and self._is_within_hours(end):
            following = instant(minute_of(end) + 1)
            held = (one.start for one in self.held if end < one.start < following)
            end = min([following, *held])
        return min(end, latest)

    def _is_within_hours(self, at: datetime) -> bool:
        day, n = divmod(minute_of(at), MINUTES)
        is_held = any(one.start <= at < one.end for one in self.held)
        return open_minutes(self.profile, day)[n] == 1 and not is_held

    def _is_open(self, minute: int) -> bool:
        day, n = divmod(minute, MINUTES)
        return self._open(day)[n] == 1

    def _open(self, day: int) -> bytes:
        """The open minutes of a day, with those in which a reply may break the quiet."""
        message = self.case.message
        if message.message_class == "emergency":
            return b"\x01" * MINUTES
        found = self._without_blackouts(open_minutes(self.profile, day), day)
        if message.message_class != "inbound_reply" or message.answers_at is None:
            return found
        walked = bytearray(found)
        begin = minute_from(message.answers_at)
        for minute in range(begin, begin + 61):
            if minute // MINUTES == day and self._is_unbound(instant(minute)):
                walked[minute % MINUTES] = 1
        return bytes(walked)

    def _without_blackouts(self, found: bytes, day: int) -> bytes:
        if not self.held:
            return found
        walked = bytearray(found)
        for one in self.held:
            begin, end = minute_from(one.start), minute_from(one.end)
            for minute in range(max(begin, day * MINUTES), min(end, (day + 1) * MINUTES)):
                walked[minute % MINUTES] = 0
        return bytes(walked)

    def first(self, start: int, end: int) -> int | None:
        """The first open minute in [start, end)."""
        for day in range(start // MINUTES, end // MINUTES + 1):
            base = day * MINUTES
            low, high = max(start - base, 0), min(end - base, MINUTES)
            n = self._open(day).find(1, low, high)
            if n >= 0:
                return base + n
        return None

    def last(self, start: int, end: int) -> int | None:
        """The last open minute in [start, end)."""
        for day in range(end // MINUTES, start // MINUTES - 1, -1):
            base = day * MINUTES
            low, high = max(start - base, 0), min(end - base, MINUTES)
            n = self._open(day).rfind(1, low, high) if low < high else -1
            if n >= 0:
                return base + n
        return None

    # Plans

    def plan(self) -> Plan:
        message = self.case.message
        if message.instant is not None:
            return self._plan_at(message.instant)
        if message.message_class == "emergency":
            return self._plan_emergency()
        if message.day is not None:
            return self._plan_on(message.day) or self._plan_after(message.day)
        today = local_date(shown(self.primary, self.now))
        days = (today + timedelta(days=n) for n in range(15))
        found = (plan for day in days if (plan := self._plan_on(day)))
        return next(found, self._none_from(self.now))

    def _none_from(self, minute: int) -> Plan:
        return None, NOWHERE, self.closed_by(instant(minute))

    def _plan_emergency(self) -> Plan:
        """At once; one that is meant for a later day, when that day begins."""
        day = self.case.message.day
        begins = first_shown(self.primary, local_minute(day, 0)) if day else self.now
        return max(self.now, begins), "stated", frozenset()

    def _plan_at(self, wanted_at: datetime) -> Plan:
        """At the instant; moved only where it is closed (architecture: anchors)."""
        wanted = max(minute_from(wanted_at), self.now)
        late = {"in_the_past"} if wanted_at < instant(self.now) - A_MINUTE else set()
        if self._is_open(wanted):
            return wanted, "stated", frozenset(late)
        why = self.closed_by(instant(wanted)) | late
        later = self.first(wanted, wanted + HORIZON)
        serves_at = self.case.message.serves_at
        if serves_at is not None and (
            later is None or 2 * (serves_at - instant(later)) < serves_at - wanted_at
        ):
            earlier = self.last(self.now, wanted)
            if earlier is not None:
                return earlier, "stated", why | {"moved_earlier"}
        if later is None:
            return self._none_from(wanted)
        return later, "stated", why | {"moved_later"}

    def _plan_on(self, day: date) -> Plan | None:
        """The wanted minute of the day, else the nearest open one, the later of two as near."""
        wanted, source = self._wanted(day)
        if wanted >= self.now and self._is_open(wanted):
            return wanted, source, frozenset()
        late = {"in_the_past"} if wanted < self.now else set()
        why = self.closed_by(instant(max(wanted, self.now))) | late
        begin = max(first_shown(self.primary, local_minute(day, 0)), self.now)
        end = self._end_of(day)
        after, before = self.first(max(wanted, begin), end), self.last(begin, wanted)
        if before is not None and (after is None or wanted - before < after - wanted):
            return before, source, why | {"moved_earlier"}
        return None if after is None else (after, source, why | {"moved_later"})

    def _plan_after(self, day: date) -> Plan:
        start = max(self._end_of(day), self.now)
        later = self.first(start, start + HORIZON)
        if later is None:
            return self._none_from(start)
        why = self.closed_by(instant(max(self._wanted(day)[0], self.now)))
        return later, "stated", why | {"moved_later"}

    def _wanted(self, day: date) -> tuple[int, str]:
        """Best hour (R3.5), else an hour after work starts, else 09:00 (R3.6)."""
        patient = self.case.patient
        of_day, source = NINE, "default"
        if patient.best_hour is not None:
            of_day, source = patient.best_hour * 60, "best_hour"
        elif patient.work[0] != patient.work[1]:
            of_day, source = (patient.work[0] + 60) % MINUTES, "work_hours"
        return first_shown(self.primary, local_minute(day, of_day)), source

    def _end_of(self, day: date) -> int:
        return first_shown(self.primary, local_minute(day + timedelta(days=1), 0))

    # The gate

    def verdict(self, plan: Plan) -> tuple[str, datetime | None, frozenset[str]]:
        """Caps and a pause move a plan on; what then comes too late is refused as useless."""
        case = self.case
        wanted, reasons = case.message.instant, _in_gates_words(plan[2])
        if wanted is not None and wanted <= case.now and not self.closed_by(case.now):
            at, reasons = case.now, frozenset[str]()
        elif self._is_skipped(plan[0]):
            return "refuse", None, reasons | {"skipped"}
        elif plan[0] is None:
            return "refuse", None, reasons | {"no_legal_time"}
        else:
            at = instant(plan[0])
        if case.message.message_class not in NEVER_HELD:
            reasons |= self._held_back(at)
            allowed = self._capped(at)
            if allowed is None:
                return "refuse", None, reasons | {"no_legal_time"}
            at = allowed
        serves_at = case.message.serves_at
        if serves_at is not None and at >= serves_at - LAST_HELP:
            return "refuse", None, reasons | {"useless"}
        if at <= case.now:
            return "send", None, frozenset()
        return "defer", at, reasons or frozenset({"planned"})

    def _is_skipped(self, planned: int | None) -> bool:
        """Whether it is dropped rather than moved: its instant, or its whole day, is closed."""
        message = self.case.message
        if message.when_closed != "skip":
            return False
        if message.instant is not None:
            return planned is None or not self._is_open(
                max(minute_from(message.instant), self.now)
            )
        if message.day is None or message.message_class == "emergency":
            return False
        return planned is None or local_date(shown(self.primary, planned)) != message.day

    def _paused(self, planned: datetime) -> datetime:
        pause = self.case.patient.pause_until
        return max(planned, pause) if pause is not None and pause > self.case.now else planned

    def _held_back(self, planned: datetime) -> frozenset[str]:
        """What the gate names besides the hours: a pause that is on, a cap that is reached."""
        pause = self.case.patient.pause_until
        found = {"paused"} if pause is not None and pause > self.case.now else set()
        at = self._paused(planned)
        if not self._is_under_own_caps(at):
            found.add("over_cap")
            minutes = self._cap_minutes(at)
            at = instant(next(m for m in minutes if self._is_under_own_caps(instant(m))))
        return frozenset(found if self._is_under_law(at) else {*found, "over_legal_cap"})

    def _capped(self, planned: datetime) -> datetime | None:
        at = self._paused(planned)
        if at == planned and self._is_under_caps(at):
            return planned
        minute = next(m for m in self._cap_minutes(at) if self._is_under_caps(instant(m)))
        allowed = self.first(minute, minute + HORIZON)
        return None if allowed is None else instant(allowed)

    def _cap_minutes(self, at: datetime) -> list[int]:
        """The minutes, in order, at which a count may fall: a send is just out of its period,
        or a local day begins."""
        outs = [
            minute_of(one + period) + 1
            for one in self._ever_sent()
            for period in (ROLLING_DAY, ROLLING_WEEK)
        ]
        today = self._date(at)
        days = [local_minute(today + timedelta(days=n), 0) for n in (1, 2)]
        begins = [first_shown(self.primary, day) for day in days]
        first = minute_from(at)
        return sorted({first, *(minute for minute in (*outs, *begins) if minute > first)})

    def _ever_sent(self) -> set[datetime]:
        patient = self.case.patient
        return {*patient.sent_at, *patient.others_sent_at, *patient.commercial_sent_at}

    def _is_under_caps(self, at: datetime) -> bool:
        return self._is_under_own_caps(at) and self._is_under_law(at)

    def _is_under_law(self, at: datetime) -> bool:
        """ST-02, and Ley 2300: what the places' rows in force allow within a time."""
        patient, message = self.case.patient, self.case.message
        if message.message_class not in {"marketing", "billing_admin"}:
            return True
        today = self._date(at)
        abroad = law.binding(law.COUNTRIES.get(patient.country or "", ()), today)
        if abroad is not None and abroad.most_a_day is not None:
            told = [self._date(one) for one in patient.commercial_sent_at]
            if told.count(today) >= abroad.most_a_day:
                return False
        if message.message_class != "marketing" or message.channel == "email":
            return True
        to_number = [*patient.sent_at, *patient.others_sent_at]
        lately = sum(1 for one in to_number if one >= at - ROLLING_DAY)
        rows = (law.binding(rows, today) for rows in self._states_rows())
        caps = (row.most_in_24_hours for row in rows if row is not None)
        return all(cap is None or lately < cap for cap in caps)

    def _states_rows(self) -> Iterator[tuple[law.LawRow, ...]]:
        yield from (law.STATES[name] for name in self.states if name in law.STATES)
        if not self.states and self.case.patient.country in {None, "US"}:
            yield law.UNKNOWN_STATE

    def _is_under_own_caps(self, at: datetime) -> bool:
        """At exactly 24 hours the earlier one still counts (regulation.md, "Caps")."""
        sent = self.case.patient.sent_at
        today = sum(1 for one in sent if one >= at - ROLLING_DAY)
        if self.case.message.message_class == "marketing":
            week = sum(1 for one in sent if one >= at - ROLLING_WEEK)
            return today < MARKETING_A_DAY and week < MARKETING_A_WEEK
        return today < CARE_A_DAY and self._sent_on_day(at) < CARE_A_DAY

    def _sent_on_day(self, at: datetime) -> int:
        recent = [one for one in self.case.patient.sent_at if one >= at - 2 * ROLLING_DAY]
        return [self._date(one) for one in recent].count(self._date(at)) if recent else 0

    def _date(self, at: datetime) -> date:
        return local_date(shown(self.primary, minute_of(at)))


def _in_gates_words(reasons: frozenset[str]) -> frozenset[str]:
    closing = reasons - PLACED
    told = {"blackout"} if "blackout" in closing else set()
    return frozenset({*told, "outside_window"} if closing - {"blackout"} else told)


def is_bound(held: Held, case: Case, where: Whereabouts) -> bool:
    """ST-06: whether a blackout binds. Unknown is strictest for marketing, and US without a
    country."""
    message = case.message
    if message.message_class in NEVER_HELD:
        return False
    pairs = ((held.channel, message.channel), (held.message_class, message.message_class))
    if any(limit is not None and limit != own for limit, own in pairs):
        return False
    is_us = case.patient.country in {None, "US"}
    if held.state is not None and where.states:
        return held.state in where.states
    if held.state is not None:
        return is_us and message.message_class == "marketing"
    return held.country is None or held.country == (case.patient.country or "US")
