"""A stored receipt gives its answer again; what was altered is found, with the gate."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from handbell.messages.policy import decide
from handbell.messages.receipts import (
    AskedWhen,
    ReceiptPart,
    answer_to_json,
    eligibility_part,
    own_facts,
    window_part,
)
from handbell.messages.replaying import GATE_OF_REASON, Gate, StoredReceipt, replay
from handbell.messages.types import (
    CapFacts,
    ConsentStatus,
    EligibilityFacts,
    Reason,
    SendFacts,
    SendOrder,
    TemplateFacts,
    Told,
)
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass, Purpose
from handbell.scheduling import rules
from handbell.scheduling.service import RULES_VERSION, TZDATA_VERSION
from handbell.scheduling.types import Anchor, At, Free, OnDay, WindowFacts

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VISIT = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)
INSTANTS = st.integers(-12 * 1440, 12 * 1440).map(lambda n: NOON + timedelta(minutes=n))
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
ANCHORS = st.one_of(
    st.builds(At, INSTANTS, st.none() | INSTANTS),
    st.builds(OnDay, st.dates(date(2026, 11, 20), date(2026, 12, 12))),
    st.just(Free()),
)
OF_CLASS: dict[MessageClass, Purpose] = {
    message_class: purpose for purpose, message_class in CLASS_OF_PURPOSE.items()
}
BOOLEANS = {name: st.booleans() for name in ("is_deceased", "is_opted_out", "is_superseded")}


@st.composite
def judged(draw: st.DrawFn) -> tuple[SendFacts, Anchor]:
    """Facts that are let through about as often as not, and an anchor."""
    message_class = draw(st.sampled_from(list(OF_CLASS)))
    channel = draw(st.sampled_from(Channel))
    mostly_fine = draw(st.booleans())
    eligibility = EligibilityFacts(
        message_class=message_class,
        channel=channel,
        address_id=draw(st.none() | st.integers(1, 99)) if not mostly_fine else 7,
        **{name: not mostly_fine and draw(value) for name, value in BOOLEANS.items()},
        told=draw(st.sampled_from(Told)),
        is_wrong_number=False,
        is_restricted=False,
        is_optout_confirmation=False,
        is_allowed=True,
        has_marketing_opt_in=True,
        is_us_number=True,
        is_whatsapp_us_enabled=True,
        consent=ConsentStatus.EXPRESS_WRITTEN,
        template=TemplateFacts(level=draw(st.integers(0, 2)), sibling_level=0, ceiling=1),
    )
    window = WindowFacts(
        message_class=message_class,
        channel=channel,
        zones=tuple(draw(st.sets(st.sampled_from(["America/New_York", "America/Denver"])))),
        states=("NY",),
        country="US",
        quiet_start=draw(CLOCKS),
        quiet_end=draw(CLOCKS),
        best_hour=draw(st.none() | st.integers(0, 23)),
        answers_at=draw(st.none() | INSTANTS),
    )
    caps = CapFacts(
        per_day=draw(st.integers(1, 3)),
        per_week=draw(st.none() | st.integers(3, 5)),
        sent_at=sorted(draw(st.lists(INSTANTS, max_size=6))),
    )
    facts = SendFacts(
        eligibility=eligibility,
        window=window,
        caps=caps,
        serves_at=draw(st.none() | INSTANTS),
        pause_until=draw(st.none() | INSTANTS),
    )
    return facts, draw(ANCHORS)


def stored(facts: SendFacts, anchor: Anchor, *, now: datetime, **more: Any) -> StoredReceipt:
    """A receipt as it comes back from the database: through JSON, without ids."""
    window = window_part(
        facts.window,
        rules_version=facts.window.rules_version or RULES_VERSION,
        tzdata_version=TZDATA_VERSION,
    )
    answer = answer_to_json(decide(facts, anchor, now=now), asked=AskedWhen.PLANNED)
    receipt = StoredReceipt(
        message_id=1,
        attempt_no=None,
        purpose=OF_CLASS[facts.eligibility.message_class],
        channel=facts.eligibility.channel,
        anchor=anchor,
        serves_at=facts.serves_at,
        answers_at=facts.window.answers_at,
        decided_at=now,
        eligibility=_through_json(eligibility_part(facts.eligibility)),
        window=_through_json(window),
        own=json.loads(json.dumps(own_facts(facts))),
        answer=json.loads(json.dumps(answer)),
    )
    return replace(receipt, **more)


def _through_json(part: ReceiptPart) -> ReceiptPart:
    return replace(part, content=json.loads(json.dumps(part.content)))


@pytest.mark.requirement("R7.1")
@given(facts_and_anchor=judged(), now=INSTANTS)
def test_what_the_gate_said_it_says_again(
    facts_and_anchor: tuple[SendFacts, Anchor], now: datetime
) -> None:
    facts, anchor = facts_and_anchor
    assert replay(stored(facts, anchor, now=now)) is None


def fine() -> SendFacts:
    """A care reminder by SMS at noon in New York that nothing stops."""
    return SendFacts(
        eligibility=EligibilityFacts(
            message_class=MessageClass.CARE,
            channel=Channel.SMS,
            address_id=7,
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
        ),
        window=WindowFacts(
            message_class=MessageClass.CARE,
            channel=Channel.SMS,
            zones=("America/New_York",),
            quiet_start=time(22),
            quiet_end=time(8),
        ),
        caps=CapFacts(per_day=3),
        serves_at=VISIT,
    )


ALTERED = [
    ({"is_deceased": True}, Gate.RECIPIENT),
    ({"address_id": None}, Gate.RECIPIENT),
    ({"is_superseded": True}, Gate.VISIT),
    ({"is_opted_out": True}, Gate.OPT_OUT),
    ({"is_allowed": False}, Gate.CHANNEL),
    ({"consent": ConsentStatus.NONE}, Gate.CONSENT),
    ({"template": None}, Gate.CONTENT),
    ({"template": TemplateFacts(level=2, sibling_level=0, ceiling=1)}, Gate.CONTENT),
]


@pytest.mark.parametrize(("change", "gate"), ALTERED)
def test_a_part_swapped_for_another_is_found_with_the_gate_that_differs(
    change: dict[str, Any], gate: Gate
) -> None:
    facts = fine()
    other = replace(facts.eligibility, **change)
    receipt = stored(facts, At(NOON, VISIT), now=NOON, eligibility=eligibility_part(other))
    found = replay(receipt)
    assert found is not None
    assert found.gates == (gate,)


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        ({"own": {"per_day": 1, "sent_at": [NOON.isoformat()]}}, Gate.CAPS),
        ({"own": {"per_day": 3, "pause_until": "2026-12-03T17:00:00+00:00"}}, Gate.PAUSE),
        ({"serves_at": NOON}, Gate.USEFULNESS),
        ({"anchor": At(NOON + timedelta(hours=1))}, Gate.WINDOW),
        ({"purpose": Purpose.CAMPAIGN_EDUCATION}, Gate.MESSAGE),
        ({"channel": Channel.EMAIL}, Gate.MESSAGE),
        ({"eligibility": None}, Gate.PART_MISSING),
        ({"own": {"per_day": 0}}, Gate.CAPS),
        ({"own": {}}, Gate.UNREADABLE),
        ({"own": {"per_day": 1, "sent_at": ["yesterday"]}}, Gate.UNREADABLE),
    ],
)
def test_a_row_that_was_altered_is_found_too(change: dict[str, Any], gate: Gate) -> None:
    found = replay(replace(stored(fine(), At(NOON, VISIT), now=NOON), **change))
    assert found is not None
    assert gate in found.gates


def test_content_that_its_digest_does_not_cover_is_found_even_if_the_answer_is_the_same() -> None:
    receipt = stored(fine(), At(NOON, VISIT), now=NOON)
    assert receipt.eligibility is not None
    assert receipt.window is not None
    touched = {**receipt.eligibility.content, "is_us_number": False}
    found = replay(replace(receipt, eligibility=replace(receipt.eligibility, content=touched)))
    assert found is not None
    assert found.gates == (Gate.ELIGIBILITY_PART,)
    later = {**receipt.window.content, "work_end": "18:00:00"}
    found = replay(replace(receipt, window=replace(receipt.window, content=later)))
    assert found is not None
    assert found.gates == (Gate.WINDOW_PART,)


def test_every_reason_that_the_gate_gives_has_its_gate() -> None:
    afterwards = {
        *(Reason.WITHDRAWN, Reason.LEAKS, Reason.TOO_LONG, Reason.UNRENDERABLE),
        *(Reason.RETRYING, Reason.GIVEN_UP, Reason.PROVIDER_REFUSED),
        *(Reason.AWAITING_OUTCOME, Reason.MARKETING_INCOMPLETE, Reason.HELD),
        Reason.PROVIDER_DOWN,
    }
    assert set(GATE_OF_REASON) == set(Reason) - afterwards


@pytest.fixture
def _older_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside today's table one of an earlier version, in which care waits until ten."""
    today = yaml.safe_load(rules.FOLDER.joinpath(f"{RULES_VERSION}.yaml").read_text())
    (tmp_path / f"{RULES_VERSION}.yaml").write_text(yaml.safe_dump(today))
    today["version"] = "2026-01-01.1"
    for row in today["courtesy_care_default"]:
        row.update({day: ["10:00", "20:00"] for day in ("mf", "sat", "sun")})
    (tmp_path / "2026-01-01.1.yaml").write_text(yaml.safe_dump(today))
    monkeypatch.setattr(rules, "FOLDER", tmp_path)


@pytest.mark.usefixtures("_older_table")
def test_an_old_receipt_is_judged_by_the_rules_of_its_own_day() -> None:
    facts, early = fine(), datetime(2026, 12, 2, 14, 0, tzinfo=UTC)
    then = replace(facts, window=replace(facts.window, rules_version="2026-01-01.1"))
    old = stored(then, At(early, VISIT), now=early)
    assert old.answer["until"] == "2026-12-02T15:00:00+00:00"
    assert stored(facts, At(early, VISIT), now=early).answer["decision"] == "send"
    assert replay(old) is None
    assert old.window is not None
    mixed = replace(old, window=stored(facts, At(early, VISIT), now=early).window)
    found = replay(mixed)
    assert found is not None
    assert found.gates == (Gate.WINDOW,)


def test_rules_that_the_package_does_not_hold_are_said_to_be_missing() -> None:
    facts = fine()
    part = window_part(facts.window, rules_version="../secret", tzdata_version=TZDATA_VERSION)
    found = replay(stored(facts, At(NOON, VISIT), now=NOON, window=part))
    assert found is not None
    assert found.gates == (Gate.RULES_MISSING,)


def test_other_zone_data_may_move_an_instant() -> None:
    """The instant of the answer stands an hour apart, as if clocks were changed on another day."""
    facts, wanted = fine(), At(NOON + timedelta(days=1), VISIT)
    ours = stored(facts, wanted, now=NOON)
    part = window_part(facts.window, rules_version=RULES_VERSION, tzdata_version="1999a")
    moved = {**ours.answer, "until": (wanted.instant + timedelta(hours=1)).isoformat()}
    with_ours, with_other = (
        replay(replace(ours, answer=moved, window=window)) for window in (ours.window, part)
    )
    assert with_ours is not None
    assert with_other is not None
    assert (with_ours.is_by_zone_data, with_other.is_by_zone_data) == (False, True)


async def test_the_receipts_of_a_practice_replay_and_a_planted_part_is_found(
    practice: Any, owner_url: str
) -> None:
    patient = await practice.patient()
    told: dict[str, Any] = {"patient_id": patient, "ordered_by": "tests", "serves_at": VISIT}
    for key, anchor in (("a", At(NOON, VISIT)), ("b", OnDay(date(2026, 12, 7), VISIT))):
        order = SendOrder(purpose=Purpose.APPT_REMINDER, anchor=anchor, order_key=key, **told)
        await practice.messages.admit(practice.id, order, now=NOON)
    refused = SendOrder(purpose=Purpose.CAMPAIGN_EDUCATION, anchor=Free(), order_key="c", **told)
    message = await practice.messages.admit(practice.id, refused, now=NOON)
    seen: list[tuple[int, int]] = []
    report = await practice.messages.replay_receipts(progress=lambda *at: seen.append(at))
    assert (report.messages, report.receipts, report.differences) == (3, 3, [])
    assert seen == [(3, 3)]
    assert (await practice.messages.replay_receipts(limit=2)).messages == 2
    later = await practice.messages.replay_receipts(since=NOON + timedelta(hours=1))
    assert later.messages == 0
    await as_owner(
        owner_url,
        "UPDATE receipt_parts SET content = content || '{\"has_marketing_opt_in\": true}'"
        " FROM messages WHERE messages.id = $1 AND eligibility_part_id = receipt_parts.id",
        message.message_id,
    )
    report = await practice.messages.replay_receipts()
    assert [(one.message_id, one.gates) for one in report.differences] == [
        (message.message_id, (Gate.ELIGIBILITY_PART,))
    ]


async def as_owner(owner_url: str, statement: str, *params: Any) -> None:
    """Do what the product's own roles may not: change a receipt part."""
    owner = await asyncpg.connect(owner_url)
    await owner.execute(statement, *params)
    await owner.close()
