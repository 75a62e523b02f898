"""What becomes of a message at a closed hour: shifted, skipped, or sent where the law lets it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import NOON
from tests.delivery.desk import Desk
from tests.messages.test_policy import FACTS, WINDOW

from handbell.messages.policy import decide, leaving
from handbell.messages.receipts import window_part
from handbell.messages.store import anchor_from_json, anchor_to_json
from handbell.messages.types import Defer, Reason, Refuse, Send, SendFacts
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.reminders.service import ReminderService
from handbell.scheduling.policy import blocking_reasons
from handbell.scheduling.types import At, Blackout, OnDay, WhenClosed, WindowReason

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2026, 12, 1, tzinfo=UTC)
COURTESY = {WindowReason.CHANNEL_HOURS}
SHIFT, SKIP, ANYWAY = WhenClosed

MINUTES = st.integers(0, 7 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
CLASSES = st.sampled_from(
    [
        (MessageClass.CARE, "US", ("NY",)),
        (MessageClass.BILLING_ADMIN, "US", ("FL",)),
        (MessageClass.BILLING_ADMIN, "CO", ()),
        (MessageClass.MARKETING, "US", ("FL",)),
        (MessageClass.MARKETING, "US", ()),
        (MessageClass.MARKETING, "CO", ()),
    ]
)
STORM = Blackout(id=1, starts_at=START + timedelta(days=2), ends_at=START + timedelta(days=3))


def facts_of(
    place: tuple[MessageClass, str, tuple[str, ...]], channel: Channel, *, has_storm: bool
) -> SendFacts:
    message_class, country, states = place
    window = replace(
        WINDOW,
        message_class=message_class,
        channel=channel,
        country=country,
        states=states,
        blackouts=(STORM,) if has_storm else (),
    )
    return replace(FACTS, window=window)


FACTS_OF = st.builds(facts_of, CLASSES, st.sampled_from(Channel), has_storm=st.booleans())


@pytest.mark.requirement("R3.4")
@settings(max_examples=200)
@given(facts=FACTS_OF, wished=MINUTES, ahead=st.integers(0, 48))
def test_with_skip_a_message_leaves_when_it_was_wished_for_or_never(
    facts: SendFacts, wished: datetime, ahead: int
) -> None:
    now = wished - timedelta(hours=ahead)
    decision = decide(facts, At(wished, None, SKIP), now=now)
    if blocking_reasons(facts.window, at=wished):
        assert isinstance(decision, Refuse)
        assert decision.reasons[-1] is Reason.SKIPPED
        assert decision.reasons[:-1]
    else:
        at = Send() if ahead == 0 else Defer(until=wished, reasons=(Reason.PLANNED,))
        assert decision == at


@pytest.mark.requirement("R3.3", "R3.4")
@settings(max_examples=200)
@given(facts=FACTS_OF, wished=MINUTES, ahead=st.integers(0, 48))
def test_sent_anyway_it_passes_over_default_hours_and_nothing_else(
    facts: SendFacts, wished: datetime, ahead: int
) -> None:
    now = wished - timedelta(hours=ahead)
    decision = decide(facts, At(wished, None, ANYWAY), now=now)
    closed = set(blocking_reasons(facts.window, at=wished)) - COURTESY
    if not closed:
        at = Send() if ahead == 0 else Defer(until=wished, reasons=(Reason.PLANNED,))
        assert decision == at
        return
    assert isinstance(decision, Defer)
    assert decision.until > wished
    assert not set(blocking_reasons(facts.window, at=decision.until)) - COURTESY


@pytest.mark.requirement("R3.4")
@given(facts=FACTS_OF, day=st.integers(1, 6), when_closed=st.sampled_from(WhenClosed))
def test_a_day_with_an_allowed_hour_is_kept_whatever_the_choice(
    facts: SendFacts, day: int, when_closed: WhenClosed
) -> None:
    wished = date(2026, 12, day)
    decision = decide(facts, OnDay(wished, None, when_closed), now=START)
    shifted = decide(facts, OnDay(wished), now=START)
    assert isinstance(shifted, Defer)
    if shifted.until.astimezone(NEW_YORK).date() == wished:
        assert isinstance(decision, Defer)
        assert decision.until.astimezone(NEW_YORK).date() == wished
    elif when_closed is SKIP:
        assert isinstance(decision, Refuse)
        assert decision.reasons[-1] is Reason.SKIPPED


@pytest.mark.requirement("R3.4")
@given(wished=MINUTES, when_closed=st.sampled_from(WhenClosed))
def test_opt_outs_caps_and_pauses_hold_whatever_the_choice(
    wished: datetime, when_closed: WhenClosed
) -> None:
    anchor = At(wished, None, when_closed)
    stopped = replace(FACTS, eligibility=replace(FACTS.eligibility, is_opted_out=True))
    assert decide(stopped, anchor, now=wished) == Refuse(reasons=(Reason.OPTED_OUT,))
    full = replace(FACTS, caps=replace(FACTS.caps, per_day=1, sent_at=(wished,)))
    assert not isinstance(decide(full, anchor, now=wished), Send)
    paused = replace(FACTS, pause_until=wished + timedelta(days=3))
    assert not isinstance(decide(paused, anchor, now=wished), Send)


@pytest.mark.parametrize("when_closed", WhenClosed)
def test_the_choice_stays_with_the_message_and_is_asked_again_when_it_is_due(
    when_closed: WhenClosed,
) -> None:
    night = datetime(2026, 12, 1, 23, tzinfo=NEW_YORK).astimezone(UTC)
    anchors = (At(night, night, when_closed), OnDay(date(2026, 12, 1), night, when_closed))
    for anchor in anchors:
        assert anchor_from_json(anchor_to_json(anchor)) == anchor
        assert leaving(anchor, serves_at=None, now=night) == At(night, None, when_closed)
    assert "when_closed" not in anchor_to_json(At(night)) or when_closed is not SHIFT
    part = window_part(
        replace(WINDOW, without_courtesy=True), rules_version="1", tzdata_version="2"
    )
    assert part == window_part(WINDOW, rules_version="1", tzdata_version="2")


@pytest.mark.requirement("R3.4", "R8.4")
@pytest.mark.parametrize(
    ("choice", "end"),
    [("shift", "scheduled"), ("skip", "refused"), ("send_anyway", "scheduled")],
)
async def test_a_clinicians_choice_is_that_of_their_reminders(
    practice: Any, clock: FrozenClock, choice: str, end: str
) -> None:
    """Two hours before 08:30 the patient is up, and text messages have not begun."""
    provider = await practice.tell("provider.settings_updated", id="d1", name="Dr. Wu")
    await practice.execute(
        "UPDATE providers SET when_closed = :choice WHERE id = :id", choice=choice, id=provider
    )
    patient = await practice.patient()
    await practice.execute(
        "UPDATE preference_settings SET quiet_start = '22:00', quiet_end = '06:00'"
        " WHERE level = 'patient' AND level_id = :id",
        id=patient,
    )
    early = datetime(2026, 12, 8, 13, 30, tzinfo=UTC)
    visit = await practice.visit(patient, early, provider_id="d1")
    planner = ReminderService(practice.db, practice.messages)
    await planner.plan(practice.id, {"appointment_id": visit}, now=NOON)
    query = "SELECT id, lifecycle, reasons, scheduled_at FROM messages WHERE reminder_offset = 120"
    (row,) = await practice.rows(query)
    assert row.lifecycle == end
    wished = early - timedelta(hours=2)
    assert (row.scheduled_at == wished) is (choice == "send_anyway")
    assert (Reason.SKIPPED in row.reasons) is (choice == "skip")
    explained = await practice.messages.explain(practice.id, row.id)
    assert explained["anchor"].get("when_closed", "shift") == choice
    assert (await practice.messages.replay_receipts()).is_genuine
    if choice == "send_anyway":
        clock.instant = wished
        desk = Desk(practice, clock)
        others = "UPDATE messages SET lifecycle = 'cancelled' WHERE id <> :id"
        await practice.execute(others, id=row.id)
        await desk.run()
        (sent,) = desk.sender.sent
        assert sent.validity is not None
        assert sent.validity > timedelta(minutes=30)
        assert (await practice.messages.replay_receipts()).is_genuine
