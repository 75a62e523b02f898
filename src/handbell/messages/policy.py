"""The gate: facts and `now` in, a decision with every reason out.

It decides when a message is admitted and again just before it leaves. Any refusal outranks
any deferral; a deferral goes to the latest of its instants, and usefulness is tested there.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from handbell.messages.types import (
    CapFacts,
    ConsentStatus,
    Decision,
    Defer,
    EligibilityFacts,
    Reason,
    Refuse,
    Send,
    SendFacts,
    TemplateFacts,
    Told,
)
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.caps.policy import LegalCap, legal_caps
from handbell.scheduling.policy import (
    day_of,
    is_allowed,
    is_useful,
    next_allowed,
    next_day,
    plan_send,
)
from handbell.scheduling.types import (
    Anchor,
    At,
    Free,
    NoWindow,
    OnDay,
    Plan,
    WhenClosed,
    WindowFacts,
    WindowReason,
)

DAY: Final = timedelta(hours=24)
WEEK: Final = timedelta(hours=168)
AFTER_THE_BOUND: Final = timedelta(minutes=1)
"""Plans fall on whole minutes, and at exactly 24 hours the earlier send still counts."""

UNCAPPED: Final = frozenset({MessageClass.EMERGENCY, MessageClass.INBOUND_REPLY})
NEEDS_NO_CONSENT: Final = UNCAPPED
_MOVED: Final = frozenset({WindowReason.MOVED_EARLIER, WindowReason.MOVED_LATER})
_PLACED: Final = _MOVED | {WindowReason.IN_THE_PAST}
"""What a plan says of its own choice of an hour; every other reason of a plan closes an hour."""


def decide(facts: SendFacts, anchor: Anchor, *, now: datetime) -> Decision:
    """Say whether a message may leave now, later or never, and why.

    At admission the anchor is the order's; at sending it is `leaving`, so that the same
    function asks "now?" of everything.
    """
    verdict = verdict_of(facts.eligibility)
    if isinstance(verdict, Refuse):
        return verdict
    return joined(verdict, timing_of(facts, anchor, now=now))


def leaving(anchor: Anchor, *, serves_at: datetime | None, now: datetime) -> At:
    """The anchor with which a message that is due asks "now?"; what shall become of it where the
    hour is closed stays the order's."""
    when_closed = WhenClosed.SHIFT if isinstance(anchor, Free) else anchor.when_closed
    return At(now, serves_at, when_closed)


def window_of(facts: SendFacts, anchor: Anchor) -> WindowFacts:
    """The hours that bind: not the channel's default ones where the order may pass over them."""
    is_free = isinstance(anchor, Free) or anchor.when_closed is not WhenClosed.SEND_ANYWAY
    return facts.window if is_free else replace(facts.window, without_courtesy=True)


def verdict_of(facts: EligibilityFacts) -> Refuse | Send:
    """The half of the decision that no hour changes: never, or as far as the hours allow."""
    refusals = tuple(refusals_of(facts))
    return Refuse(reasons=refusals) if refusals else Send(use_sibling=needs_sibling(facts))


def timing_of(facts: SendFacts, anchor: Anchor, *, now: datetime) -> Decision:
    """The other half: when, by hours, pause and caps. Of the facts of eligibility it looks at
    the message class alone."""
    facts = replace(facts, window=window_of(facts, anchor))
    until, reasons = _earliest(facts, anchor, now=now)
    if until is None and Reason.SKIPPED in reasons:
        return Refuse(reasons=reasons)
    if until is None:
        return Refuse(reasons=(*reasons, Reason.NO_LEGAL_TIME))
    if not is_useful(until, facts.serves_at):
        return Refuse(reasons=(*reasons, Reason.USELESS))
    if until > now:
        return Defer(until=until, reasons=reasons or (Reason.PLANNED,))
    return Send()


def joined(verdict: Refuse | Send, timing: Decision) -> Decision:
    """The decision that the two halves make: a refusal stands before any time."""
    if isinstance(verdict, Refuse):
        return verdict
    return (
        timing if isinstance(timing, Refuse) else replace(timing, use_sibling=verdict.use_sibling)
    )


def refusals_of(facts: EligibilityFacts) -> Iterator[Reason]:
    """Every reason never to send, in the order of regulation.md §0.1."""
    yield from _recipient(facts)
    if facts.is_superseded:
        yield Reason.SUPERSEDED
    yield from _optout(facts)
    yield from _channel(facts)
    yield from _consent(facts)
    yield from _content(facts)


def needs_sibling(facts: EligibilityFacts) -> bool:
    """Whether the full text says more than the channel may carry for this patient."""
    return facts.template is not None and facts.template.level > facts.template.ceiling


def cap_lifts(caps: CapFacts, *, at: datetime) -> datetime | None:
    """The first instant from `at` on at which one more counted send stays within the caps; None
    where a cap allows none at all."""
    lifts = at
    for limit, period in ((caps.per_day, DAY), (caps.per_week, WEEK)):
        if limit == 0:
            return None
        if limit is not None:
            lifts = max(lifts, _lifts(caps.sent_at, limit, period, at=at))
    return lifts


def _lifts(sent: Sequence[datetime], limit: int, period: timedelta, *, at: datetime) -> datetime:
    """When one more is within so many in any such period; `sent` is sorted."""
    inside = [one for one in sent if one >= at - period]
    if len(inside) < limit:
        return at
    return inside[len(inside) - limit] + period + AFTER_THE_BOUND


def fewest_that_bind(caps: CapFacts) -> int:
    """Below so many counted sends no cap is in the way, whenever they left."""
    return caps.per_day if caps.per_week is None else min(caps.per_day, caps.per_week)


def _day_lifts(facts: SendFacts, *, at: datetime) -> datetime:
    """The same for a cap on a local day, which is longer than 24 hours when clocks go back.

    Marketing is counted by hours alone (regulation.md, "Caps").
    """
    if facts.eligibility.message_class is MessageClass.MARKETING:
        return at
    is_full = _on_day_of(facts, facts.caps.sent_at, at) >= facts.caps.per_day
    return next_day(facts.window, at) if is_full else at


def _law_lifts(facts: SendFacts, *, at: datetime) -> datetime:
    """The same for the caps of the patient's places."""
    return max(
        (_legal_lift(cap, facts, at=at) for cap in legal_caps(facts.window, at=at)), default=at
    )


def _legal_lift(cap: LegalCap, facts: SendFacts, *, at: datetime) -> datetime:
    caps = facts.caps
    sent = sorted([*caps.sent_at, *caps.others_sent_at])
    if not cap.per_number:
        sent = list(caps.commercial_sent_at)
    if cap.period is not None:
        return _lifts(sent, cap.count, cap.period, at=at)
    return next_day(facts.window, at) if _on_day_of(facts, sent, at) >= cap.count else at


def _on_day_of(facts: SendFacts, sent: Sequence[datetime], at: datetime) -> int:
    today = day_of(facts.window, at)
    return sum(day_of(facts.window, one) == today for one in sent)


def _earliest(
    facts: SendFacts, anchor: Anchor, *, now: datetime
) -> tuple[datetime | None, tuple[Reason, ...]]:
    """The instant that satisfies plan, pause and caps together; None where there is none."""
    planned, reasons = _planned(facts, anchor, now=now)
    if planned is None or facts.eligibility.message_class in UNCAPPED:
        return planned, reasons
    at, held = _held(facts, planned, now=now)
    lifted, over = _within_caps(facts, at=at)
    reasons = (*reasons, *held, *over)
    if lifted is None:
        return None, reasons
    if lifted == planned:
        return planned, reasons
    allowed = next_allowed(facts.window, now=lifted)
    return (None if isinstance(allowed, NoWindow) else allowed), reasons


def _held(
    facts: SendFacts, planned: datetime, *, now: datetime
) -> tuple[datetime, tuple[Reason, ...]]:
    """What the patient's pause and a person's answer that is awaited make of the plan."""
    waits = ((facts.pause_until, Reason.PAUSED), (facts.hold_until, Reason.AWAITING_PERSON))
    at, reasons = planned, tuple[Reason, ...]()
    for until, why in waits:
        if until is not None and until > now:
            at, reasons = max(at, until), (*reasons, why)
    return at, reasons


def _within_caps(facts: SendFacts, *, at: datetime) -> tuple[datetime | None, tuple[Reason, ...]]:
    """The first instant within the patient's own caps and those of a law."""
    own = cap_lifts(facts.caps, at=at)
    if own is None:
        return None, (Reason.OVER_CAP,)
    own = _day_lifts(facts, at=own)
    lifted = _law_lifts(facts, at=own)
    over = ((own > at, Reason.OVER_CAP), (lifted > own, Reason.OVER_LEGAL_CAP))
    return lifted, tuple(reason for is_over, reason in over if is_over)


def _planned(
    facts: SendFacts, anchor: Anchor, *, now: datetime
) -> tuple[datetime | None, tuple[Reason, ...]]:
    """What the hours alone allow. What is due and allowed leaves at this very instant: a plan
    falls on whole minutes, and a message that is due never waits for the next one."""
    is_due = isinstance(anchor, At) and anchor.instant <= now
    if is_due and is_allowed(facts.window, at=now):
        return now, ()
    plan = plan_send(facts.window, anchor, now=now)
    may_skip = not isinstance(anchor, Free) and anchor.when_closed is WhenClosed.SKIP
    if may_skip and not _is_as_wished(facts.window, anchor, plan):
        return None, (*_closed(plan.reasons), Reason.SKIPPED)
    return None if isinstance(plan, NoWindow) else plan.send_at, _closed(plan.reasons)


def _is_as_wished(window: WindowFacts, anchor: Anchor, plan: Plan | NoWindow) -> bool:
    """Whether a plan is where its anchor pointed: at the instant, or anywhere on the day."""
    if isinstance(plan, NoWindow):
        return False
    is_on_day = isinstance(anchor, OnDay) and day_of(window, plan.send_at) == anchor.day
    return is_on_day or not _MOVED & set(plan.reasons)


def _closed(reasons: Collection[WindowReason]) -> tuple[Reason, ...]:
    """What closes an hour, in the gate's words: an operator's blackout is told apart."""
    closing = set(reasons) - _PLACED
    held = (Reason.BLACKOUT,) if WindowReason.BLACKOUT in closing else ()
    return (*held, Reason.OUTSIDE_WINDOW) if closing - {WindowReason.BLACKOUT} else held


def _recipient(facts: EligibilityFacts) -> Iterator[Reason]:
    if facts.is_deceased:
        yield Reason.DECEASED
    if facts.address_id is None:
        yield Reason.NO_ADDRESS
    if facts.is_wrong_number and not facts.tells_of_mistake:
        yield Reason.WRONG_NUMBER
    if facts.is_restricted:
        yield Reason.CHANNEL_RESTRICTED
    if not facts.is_patient and facts.message_class is not MessageClass.INBOUND_REPLY:
        yield Reason.NOT_A_PATIENT
    if facts.is_confidential and (facts.told is not Told.SELF or facts.is_relatives_address):
        yield Reason.CONFIDENTIAL


def _optout(facts: EligibilityFacts) -> Iterator[Reason]:
    exempt = facts.message_class is MessageClass.EMERGENCY or facts.is_optout_confirmation
    if facts.is_opted_out and not exempt:
        yield Reason.OPTED_OUT


def _channel(facts: EligibilityFacts) -> Iterator[Reason]:
    proactive = facts.message_class not in UNCAPPED
    if proactive and not facts.is_allowed:
        yield Reason.CHANNEL_NOT_ALLOWED
    if proactive and facts.is_category_off:
        yield Reason.CATEGORY_OFF
    if not facts.has_sender:
        yield Reason.NO_SENDER
    if facts.message_class is MessageClass.MARKETING and not facts.has_marketing_opt_in:
        yield Reason.MARKETING_NOT_OPTED_IN
    to_us_whatsapp = facts.channel is Channel.WHATSAPP and facts.is_us_number
    if proactive and to_us_whatsapp and not facts.is_whatsapp_us_enabled:
        yield Reason.WHATSAPP_OFF_FOR_US


def _consent(facts: EligibilityFacts) -> Iterator[Reason]:
    """Marketing by SMS or WhatsApp needs it in writing (R7.8, TCPA-05)."""
    if facts.message_class in NEEDS_NO_CONSENT:
        return
    in_writing = (
        facts.message_class is MessageClass.MARKETING and facts.channel is not Channel.EMAIL
    )
    enough = facts.consent is ConsentStatus.EXPRESS_WRITTEN or (
        facts.consent is ConsentStatus.EXPRESS and not in_writing
    )
    if not enough:
        yield Reason.NO_CONSENT


def _content(facts: EligibilityFacts) -> Iterator[Reason]:
    template = facts.template
    if template is None:
        yield Reason.NO_TEMPLATE
    elif template.level > template.ceiling and (
        template.sibling_level is None or template.sibling_level > template.ceiling
    ):
        yield Reason.ABOVE_CEILING
    elif not _is_approved(template, is_sibling=needs_sibling(facts)):
        yield Reason.TEMPLATE_NOT_APPROVED


def _is_approved(template: TemplateFacts, *, is_sibling: bool) -> bool:
    return template.is_sibling_approved if is_sibling else template.is_approved
