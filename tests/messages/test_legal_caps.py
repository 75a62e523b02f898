"""What the law of a place counts: marketing to one number for whomever, contacts by person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handbell.messages.facts import Candidate, gather
from handbell.messages.legal_counts import Expected
from handbell.messages.policy import decide
from handbell.messages.receipts import facts_from, own_facts, window_part
from handbell.messages.types import (
    CapFacts,
    ConsentStatus,
    Decision,
    Defer,
    EligibilityFacts,
    Reason,
    Send,
    SendFacts,
    TemplateFacts,
)
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.service import RULES_VERSION, TZDATA_VERSION
from handbell.scheduling.types import At, WindowFacts

NOON = datetime(2026, 12, 1, 17, tzinfo=UTC)
NUMBER = "+13055550123"
HOUR = timedelta(hours=1)


def offer(**caps: Any) -> SendFacts:
    """Marketing by text to somebody in Florida, with nothing in the way but these counts."""
    return SendFacts(
        eligibility=EligibilityFacts(
            message_class=MessageClass.MARKETING,
            channel=Channel.SMS,
            address_id=1,
            is_deceased=False,
            is_wrong_number=False,
            is_restricted=False,
            is_opted_out=False,
            is_optout_confirmation=False,
            is_allowed=True,
            has_marketing_opt_in=True,
            is_us_number=True,
            is_whatsapp_us_enabled=True,
            consent=ConsentStatus.EXPRESS_WRITTEN,
            template=TemplateFacts(level=0, sibling_level=None, ceiling=1),
        ),
        window=WindowFacts(
            message_class=MessageClass.MARKETING,
            channel=Channel.SMS,
            zones=("America/New_York",),
            states=("FL",),
            country="US",
        ),
        caps=CapFacts(per_day=1, per_week=3, **caps),
    )


def asked(facts: SendFacts) -> Decision:
    return decide(facts, At(NOON), now=NOON)


@pytest.mark.requirement("R3.4")
def test_the_fourth_to_a_number_waits_until_the_first_of_three_is_a_day_ago() -> None:
    sent = (NOON - 3 * HOUR, NOON - 2 * HOUR, NOON - HOUR)
    assert asked(offer(others_sent_at=sent[1:])) == Send()
    until = sent[0] + timedelta(hours=24, minutes=1)
    assert asked(offer(others_sent_at=sent)) == Defer(
        until=until, reasons=(Reason.OVER_LEGAL_CAP,)
    )


def test_where_no_law_caps_the_number_may_be_written_to() -> None:
    facts = offer(others_sent_at=(NOON - HOUR,) * 9)
    assert asked(replace(facts, window=replace(facts.window, states=("NY",)))) == Send()


def test_colombia_waits_for_the_next_day_and_its_hours() -> None:
    facts = offer(commercial_sent_at=(NOON - HOUR,))
    window = replace(facts.window, states=(), country="CO", zones=("America/Bogota",))
    decision = asked(replace(facts, window=window))
    morning = datetime(2026, 12, 2, 13, tzinfo=UTC)
    assert decision == Defer(until=morning, reasons=(Reason.OVER_LEGAL_CAP,))


@pytest.mark.requirement("R7.1")
def test_a_receipt_gives_the_same_answer_again() -> None:
    facts = offer(others_sent_at=(NOON - HOUR,) * 3, commercial_sent_at=(NOON - HOUR,))
    window = window_part(facts.window, rules_version=RULES_VERSION, tzdata_version=TZDATA_VERSION)
    eligibility = {
        **{name: getattr(facts.eligibility, name) for name in facts.eligibility.__slots__},
        "template": {"level": 0, "sibling_level": None, "ceiling": 1},
    }
    again = facts_from(
        eligibility, window.content, own_facts(facts), serves_at=None, answers_at=None
    )
    assert asked(again) == asked(facts)
    assert isinstance(asked(again), Defer)


async def _sent(practice: Any, patient: int, channel: str, of_class: str, **more: Any) -> None:
    told = {"at": NOON - HOUR, "progress": None} | more
    await practice.execute(
        "INSERT INTO messages (organization_id, order_key, ordered_by, patient_id, address_id,"
        " is_address_named, channel, purpose, message_class, lane, anchor, lifecycle, reasons,"
        " progress, preference_levels, decided_at, created_at, changed_at, sent_at)"
        " SELECT :id, 'earlier ' || gen_random_uuid(), 'tests', :patient, point.address_id, false,"
        " :channel, 'campaign_education', :of_class, 'marketing', '{\"kind\": \"free\"}',"
        " 'accepted', '{}', :progress, '{}', :at, :at, :at, :at"
        " FROM contact_points point WHERE point.patient_id = :patient"
        " AND point.channel = :channel",
        id=practice.id,
        patient=patient,
        channel=channel,
        of_class=of_class,
        **told,
    )


async def _caps(
    practice: Any, patient: int, of_class: MessageClass = MessageClass.MARKETING
) -> CapFacts:
    """Asked together with all other patients, who must not be mixed up."""
    everybody = [row.id for row in await practice.rows("SELECT id FROM patients ORDER BY id")]
    asked_of = [
        Candidate(
            no=one,
            patient_id=one,
            channel=Channel.SMS,
            address_id=None,
            appointment_id=None,
            message_class=of_class,
        )
        for one in everybody
    ]
    async with practice.db.transaction(practice.id) as tx:
        found = await gather(tx, practice.id, asked_of, now=NOON)
    return found[patient].caps(of_class)


async def test_a_number_is_counted_for_all_of_its_patients_on_both_channels(
    practice: Any,
) -> None:
    ada = await practice.patient(("sms", NUMBER), ("whatsapp", NUMBER))
    ben = await practice.patient(("sms", NUMBER), ("whatsapp", NUMBER))
    await _sent(practice, ben, "sms", "marketing")
    await _sent(practice, ben, "whatsapp", "marketing", at=NOON - 2 * HOUR)
    await _sent(practice, ben, "sms", "care")
    await _sent(practice, ben, "sms", "marketing", progress="bounced")
    await _sent(practice, ada, "sms", "marketing", at=NOON - 3 * HOUR)
    stranger = await practice.patient(("sms", "+13055550124"))
    assert (await _caps(practice, stranger)).others_sent_at == []
    caps = await _caps(practice, ada)
    assert caps.others_sent_at == [NOON - 2 * HOUR, NOON - HOUR]
    assert caps.sent_at == [NOON - 3 * HOUR]
    assert caps.commercial_sent_at == ()
    assert (await _caps(practice, ada, MessageClass.CARE)).others_sent_at == ()


async def test_a_contact_in_colombia_is_counted_by_person_over_channels(practice: Any) -> None:
    ana = await practice.patient(("sms", "+576015550123"), ("email", "ana@example.org"))
    await _sent(practice, ana, "email", "billing_admin")
    await _sent(practice, ana, "sms", "care", at=NOON - 2 * HOUR)
    for of_class in (MessageClass.MARKETING, MessageClass.BILLING_ADMIN):
        assert (await _caps(practice, ana, of_class)).commercial_sent_at == [NOON - HOUR]
    assert (await _caps(practice, ana, MessageClass.CARE)).commercial_sent_at == ()


def test_what_is_decided_in_the_same_batch_counts_for_the_number_and_for_the_person() -> None:
    expected = Expected()
    expected.add(1, 7, MessageClass.MARKETING, NOON)
    expected.add(1, 7, MessageClass.CARE, NOON + HOUR)
    other = expected.of(2, 7, (MessageClass.MARKETING,))
    assert (list(other.own), list(other.to_number), list(other.commercial)) == ([], [NOON], [])
    same = expected.of(1, 7, (MessageClass.MARKETING,))
    assert (list(same.own), list(same.to_number), list(same.commercial)) == ([NOON], [], [NOON])
