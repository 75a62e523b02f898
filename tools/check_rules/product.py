"""The product's answer to a case, through its public functions, taken from the modules that are
imported at that moment: a mutant puts others in their place."""

from datetime import UTC, datetime, time, timedelta
from importlib import import_module
from typing import Any, Final

from handbell.messages.types import (
    CapFacts,
    ConsentStatus,
    Defer,
    EligibilityFacts,
    Refuse,
    Send,
    SendFacts,
    TemplateFacts,
)
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.types import (
    Anchor,
    At,
    Blackout,
    Free,
    OnDay,
    Plan,
    WhenClosed,
    WindowFacts,
)
from tools.check_rules.cases import ORGANIZATION_ZONE, Answer, Case, Held

MODULES: Final = (
    "handbell.scheduling.tz",
    "handbell.scheduling.rules",
    "handbell.scheduling.state_zones",
    "handbell.scheduling.holiday_calendar",
    "handbell.scheduling.windows",
    "handbell.scheduling.policy",
    "handbell.scheduling.caps.policy",
    "handbell.scheduling.blackouts.policy",
    "handbell.scheduling.zones",
    "handbell.messages.policy",
)
"""In the order of their imports."""
A_DAY: Final = timedelta(hours=24)


class Product:
    """The functions under test."""

    def __init__(self) -> None:
        self.policy: Any = import_module("handbell.scheduling.policy")
        self.windows: Any = import_module("handbell.scheduling.windows")
        self.blackouts: Any = import_module("handbell.scheduling.blackouts.policy")
        self.zones: Any = import_module("handbell.scheduling.zones")
        self.gate: Any = import_module("handbell.messages.policy")

    def answer(self, case: Case) -> Answer:
        facts = self._window(case)
        anchor = _anchor(case)
        following = self.policy.next_allowed(facts, now=case.now)
        end = self.policy.closes_at(facts, now=case.now)
        return Answer(
            closed_by=self._closed_by(facts, case.now),
            closes_at=end and min(end, case.now + A_DAY),
            next_at=following if isinstance(following, datetime) else None,
            plan=_told(self.policy.plan_send(facts, anchor, now=case.now)),
            verdict=_verdict(self.gate.decide(_send(case, facts), anchor, now=case.now)),
        )

    def _closed_by(self, facts: WindowFacts, at: datetime) -> frozenset[str]:
        reasons = frozenset(map(str, self.policy.blocking_reasons(facts, at=at)))
        if self.policy.is_allowed(facts, at=at) == bool(reasons):
            return reasons | {"is_allowed and blocking_reasons disagree"}
        return reasons

    def _window(self, case: Case) -> WindowFacts:
        """As `messages/facts.py` chooses zones for the class."""
        patient, message = case.patient, case.message
        found = self.zones.candidate_zones(
            stated=patient.stated,
            country=patient.country,
            state=patient.state,
            postal_code=patient.postal_code,
            phone=patient.phone,
        )
        zones = found.zones or (ORGANIZATION_ZONE,)
        window = WindowFacts(
            message_class=MessageClass(message.message_class),
            channel=Channel(message.channel),
            zones=found.marketing_zones if message.message_class == "marketing" else zones,
            states=tuple(sorted(found.states)),
            country=patient.country,
            quiet_start=_time(patient.quiet[0]),
            quiet_end=_time(patient.quiet[1]),
            work_start=_time(patient.work[0]),
            work_end=_time(patient.work[1]),
            best_hour=patient.best_hour,
            answers_at=message.answers_at,
        )
        held = [_blackout(no, one) for no, one in enumerate(case.blackouts)]
        facts: WindowFacts = self.blackouts.with_blackouts(window, held)
        return facts


def _blackout(no: int, held: Held) -> Blackout:
    return Blackout(
        id=no,
        starts_at=held.start,
        ends_at=held.end,
        state=held.state,
        country=held.country,
        channel=Channel(held.channel) if held.channel else None,
        message_class=MessageClass(held.message_class) if held.message_class else None,
    )


def _time(minute: int) -> time:
    return time(*divmod(minute, 60))


def _anchor(case: Case) -> Anchor:
    message, when_closed = case.message, WhenClosed(case.message.when_closed)
    if message.instant is not None:
        return At(message.instant, message.serves_at, when_closed)
    return Free() if message.day is None else OnDay(message.day, message.serves_at, when_closed)


def _told(plan: Any) -> tuple[datetime | None, str, frozenset[str]]:
    reasons = frozenset(map(str, plan.reasons))
    if not isinstance(plan, Plan):
        return None, "", reasons
    return plan.send_at.astimezone(UTC), str(plan.hour_source), reasons


def _send(case: Case, window: WindowFacts) -> SendFacts:
    is_marketing = window.message_class is MessageClass.MARKETING
    return SendFacts(
        eligibility=EligibilityFacts(
            message_class=window.message_class,
            channel=window.channel,
            address_id=1,
            is_deceased=False,
            is_wrong_number=False,
            is_restricted=False,
            is_opted_out=False,
            is_optout_confirmation=False,
            is_allowed=True,
            has_marketing_opt_in=True,
            is_us_number=False,
            is_whatsapp_us_enabled=True,
            consent=ConsentStatus.EXPRESS_WRITTEN,
            template=TemplateFacts(level=0, sibling_level=None, ceiling=1),
        ),
        window=window,
        caps=CapFacts(
            per_day=1 if is_marketing else 5,
            per_week=3 if is_marketing else None,
            sent_at=case.patient.sent_at,
            others_sent_at=case.patient.others_sent_at,
            commercial_sent_at=case.patient.commercial_sent_at,
        ),
        serves_at=case.message.serves_at,
        pause_until=case.patient.pause_until,
    )


def _verdict(decision: object) -> tuple[str, datetime | None, frozenset[str]]:
    match decision:
        case Send():
            return "send", None, frozenset()
        case Defer(until=until, reasons=reasons):
            return "defer", until, frozenset(map(str, reasons))
        case Refuse(reasons=reasons):
            return "refuse", None, frozenset(map(str, reasons))
        case _:
            raise TypeError(type(decision).__name__)
