"""The gate: every reason is told, a refusal outranks a delay, the latest delay wins."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.messages.policy import cap_lifts, decide, refusals_of
from handbell.messages.types import (
    CapFacts,
    ConsentStatus,
    Defer,
    EligibilityFacts,
    Reason,
    Refuse,
    Send,
    SendFacts,
    TemplateFacts,
)
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.types import Anchor, At, Free, OnDay, WindowFacts

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 12, 1, 12, tzinfo=NEW_YORK).astimezone(UTC)
NIGHT = datetime(2026, 12, 1, 23, tzinfo=NEW_YORK).astimezone(UTC)
MORNING = datetime(2026, 12, 2, 8, tzinfo=NEW_YORK).astimezone(UTC)

FINE = EligibilityFacts(
    message_class=MessageClass.CARE,
    channel=Channel.SMS,
    address_id=1,
    is_deceased=False,
    is_wrong_number=False,
    is_restricted=False,
    is_opted_out=False,
    is_optout_confirmation=False,
    is_allowed=True,
    has_marketing_opt_in=False,
    is_us_number=True,
    is_whatsapp_us_enabled=False,
    consent=ConsentStatus.EXPRESS,
    template=TemplateFacts(level=1, sibling_level=0, ceiling=1),
)
WINDOW = WindowFacts(
    message_class=MessageClass.CARE,
    channel=Channel.SMS,
    zones=("America/New_York",),
    states=("NY",),
    country="US",
    quiet_start=time(22),
    quiet_end=time(8),
    work_start=time(9),
    work_end=time(17),
    best_hour=None,
)
FACTS = SendFacts(eligibility=FINE, window=WINDOW, caps=CapFacts(per_day=5))


def at(instant: datetime) -> At:
    return At(instant=instant, serves_at=None)


def refused(**changes: object) -> tuple[Reason, ...]:
    return tuple(refusals_of(replace(FINE, **changes)))  # type: ignore[arg-type]


def test_at_noon_a_permitted_message_leaves() -> None:
    assert decide(FACTS, at(NOON), now=NOON) == Send()


@pytest.mark.requirement("R1.5", "R3.3")
def test_at_night_it_waits_for_the_patients_morning() -> None:
    decision = decide(FACTS, at(NIGHT), now=NIGHT)
    assert decision == Defer(until=MORNING, reasons=(Reason.OUTSIDE_WINDOW,))


@pytest.mark.parametrize("anchor", [Free(), OnDay(date(2026, 12, 1))])
def test_an_hour_that_is_ours_to_choose_is_planned_and_not_forbidden(anchor: Anchor) -> None:
    """At noon nine o'clock has passed, so the plan moves to this minute, which is allowed."""
    now = NOON + timedelta(seconds=20)
    planned = Defer(until=NOON + timedelta(minutes=1), reasons=(Reason.PLANNED,))
    assert decide(FACTS, anchor, now=now) == planned
    early = replace(FACTS, window=replace(WINDOW, best_hour=23))
    assert decide(early, anchor, now=now).reasons == (Reason.OUTSIDE_WINDOW,)  # type: ignore[union-attr]


@pytest.mark.requirement("R3.4")
def test_a_delay_past_the_visit_makes_a_reminder_useless() -> None:
    early_visit = replace(FACTS, serves_at=MORNING + timedelta(minutes=15))
    decision = decide(early_visit, at(NIGHT), now=NIGHT)
    assert decision == Refuse(reasons=(Reason.OUTSIDE_WINDOW, Reason.USELESS))
    just_in_time = replace(FACTS, serves_at=MORNING + timedelta(minutes=16))
    assert isinstance(decide(just_in_time, at(NIGHT), now=NIGHT), Defer)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_deceased": True}, Reason.DECEASED),
        ({"address_id": None}, Reason.NO_ADDRESS),
        ({"is_wrong_number": True}, Reason.WRONG_NUMBER),
        ({"is_restricted": True}, Reason.CHANNEL_RESTRICTED),
        ({"is_opted_out": True}, Reason.OPTED_OUT),
        ({"is_allowed": False}, Reason.CHANNEL_NOT_ALLOWED),
        ({"is_category_off": True}, Reason.CATEGORY_OFF),
        ({"channel": Channel.WHATSAPP}, Reason.WHATSAPP_OFF_FOR_US),
        ({"consent": ConsentStatus.NONE}, Reason.NO_CONSENT),
        ({"template": None}, Reason.NO_TEMPLATE),
        (
            {"template": TemplateFacts(level=2, sibling_level=None, ceiling=1)},
            Reason.ABOVE_CEILING,
        ),
    ],
)
def test_each_obstacle_alone_refuses_and_says_so(
    changes: dict[str, object], reason: Reason
) -> None:
    assert refused(**changes) == (reason,)


def test_all_reasons_are_told_not_only_the_first() -> None:
    assert refused(is_deceased=True, is_opted_out=True, template=None) == (
        Reason.DECEASED,
        Reason.OPTED_OUT,
        Reason.NO_TEMPLATE,
    )


def test_a_refusal_outranks_a_delay() -> None:
    stopped = replace(FACTS, eligibility=replace(FINE, is_opted_out=True))
    assert decide(stopped, at(NIGHT), now=NIGHT) == Refuse(reasons=(Reason.OPTED_OUT,))


@pytest.mark.requirement("R11.4")
def test_an_emergency_passes_an_opt_out_and_missing_consent_but_never_a_wrong_number() -> None:
    emergency = {
        "message_class": MessageClass.EMERGENCY,
        "is_opted_out": True,
        "is_allowed": False,
        "is_category_off": True,
        "consent": ConsentStatus.NONE,
    }
    assert refused(**emergency) == ()
    assert refused(**emergency, is_wrong_number=True) == (Reason.WRONG_NUMBER,)


@pytest.mark.requirement("R5.3")
def test_after_a_stop_only_its_confirmation_may_answer() -> None:
    reply = {"message_class": MessageClass.INBOUND_REPLY, "is_opted_out": True}
    assert refused(**reply) == (Reason.OPTED_OUT,)
    assert refused(**reply, is_optout_confirmation=True) == ()


@pytest.mark.requirement("R7.8", "R4.7")
def test_marketing_by_sms_needs_written_consent_and_by_email_express_consent() -> None:
    marketing = {"message_class": MessageClass.MARKETING, "has_marketing_opt_in": True}
    assert refused(**marketing) == (Reason.NO_CONSENT,)
    assert refused(**marketing, consent=ConsentStatus.EXPRESS_WRITTEN) == ()
    assert refused(**marketing, channel=Channel.EMAIL) == ()
    assert refused(message_class=MessageClass.MARKETING, channel=Channel.EMAIL) == (
        Reason.MARKETING_NOT_OPTED_IN,
    )


@pytest.mark.requirement("R2.3")
def test_above_the_ceiling_the_generic_sibling_goes_instead() -> None:
    high = replace(FINE, template=TemplateFacts(level=2, sibling_level=0, ceiling=1))
    assert decide(replace(FACTS, eligibility=high), at(NOON), now=NOON) == Send(use_sibling=True)
    both_high = replace(FINE, template=TemplateFacts(level=2, sibling_level=1, ceiling=0))
    assert tuple(refusals_of(both_high)) == (Reason.ABOVE_CEILING,)


def test_a_pause_that_ends_at_night_lifts_in_the_morning() -> None:
    paused = replace(FACTS, pause_until=NIGHT)
    decision = decide(paused, at(NOON), now=NOON)
    assert decision == Defer(until=MORNING, reasons=(Reason.PAUSED,))


def test_at_exactly_24_hours_the_earlier_send_still_counts() -> None:
    caps = CapFacts(per_day=1, sent_at=(NOON - timedelta(hours=24),))
    assert cap_lifts(caps, at=NOON) == NOON + timedelta(minutes=1)
    later = NOON + timedelta(minutes=1)
    assert cap_lifts(caps, at=later) == later


@pytest.mark.parametrize("sent", [(), (NOON - timedelta(hours=1),)])
@pytest.mark.parametrize("caps", [CapFacts(per_day=0), CapFacts(per_day=1, per_week=0)])
def test_a_cap_of_none_at_all_never_lifts(sent: tuple[datetime, ...], caps: CapFacts) -> None:
    none = replace(caps, sent_at=sent)
    assert cap_lifts(none, at=NOON) is None
    reasons = (Reason.OVER_CAP, Reason.NO_LEGAL_TIME)
    assert decide(replace(FACTS, caps=none), at(NOON), now=NOON) == Refuse(reasons=reasons)


def test_the_longest_delay_wins_and_all_reasons_are_told() -> None:
    crowded = replace(
        FACTS,
        caps=CapFacts(per_day=1, sent_at=(NIGHT - timedelta(hours=1),)),
        pause_until=NIGHT + timedelta(minutes=30),
    )
    decision = decide(crowded, at(NIGHT), now=NIGHT)
    assert decision == Defer(
        until=datetime(2026, 12, 3, 8, tzinfo=NEW_YORK).astimezone(UTC),
        reasons=(Reason.OUTSIDE_WINDOW, Reason.PAUSED, Reason.OVER_CAP),
    )


@given(
    minutes=st.lists(st.integers(min_value=-15_000, max_value=0), max_size=12).map(sorted),
    per_day=st.integers(1, 4),
    per_week=st.none() | st.integers(1, 6),
)
def test_caps_agree_with_walking_minutes(
    minutes: list[int], per_day: int, per_week: int | None
) -> None:
    sent = tuple(NOON + timedelta(minutes=m) for m in minutes)
    caps = CapFacts(per_day=per_day, per_week=per_week, sent_at=sent)

    def within(instant: datetime) -> bool:
        day = sum(instant - timedelta(days=1) <= one for one in sent)
        week = sum(instant - timedelta(days=7) <= one for one in sent)
        return day < per_day and (per_week is None or week < per_week)

    walked = next(one for m in range(20_000) if within(one := NOON + timedelta(minutes=m)))
    assert cap_lifts(caps, at=NOON) == walked


def test_what_is_due_leaves_at_this_very_second_not_at_the_next_minute() -> None:
    odd = NOON + timedelta(seconds=17, milliseconds=250)
    assert decide(FACTS, At(odd), now=odd) == Send()
