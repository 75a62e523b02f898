"""Receipts: the same facts give the same part, and a part can be decided on again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.messages.policy import refusals_of
from handbell.messages.receipts import (
    eligibility_from,
    eligibility_part,
    window_from,
    window_part,
)
from handbell.messages.types import ConsentStatus, EligibilityFacts, TemplateFacts
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.types import Blackout, WindowFacts

ELIGIBILITY = st.builds(
    EligibilityFacts,
    message_class=st.sampled_from(MessageClass),
    channel=st.sampled_from(Channel),
    address_id=st.none() | st.integers(1, 10**12),
    consent=st.sampled_from(ConsentStatus),
    template=st.none()
    | st.builds(
        TemplateFacts,
        level=st.integers(0, 3),
        sibling_level=st.none() | st.integers(0, 3),
        ceiling=st.integers(0, 2),
    ),
)
WINDOW = WindowFacts(
    message_class=MessageClass.CARE,
    channel=Channel.SMS,
    zones=("America/New_York", "America/Chicago"),
    states=("NY",),
    country="US",
    quiet_start=time(22),
    quiet_end=time(8),
    work_start=time(9),
    work_end=time(17, 30),
    best_hour=11,
)


@given(facts=ELIGIBILITY)
def test_replaying_a_stored_part_gives_the_same_reasons(facts: EligibilityFacts) -> None:
    stored = json.loads(json.dumps(eligibility_part(facts).content))
    assert tuple(refusals_of(eligibility_from(stored))) == tuple(refusals_of(facts))


@given(facts=ELIGIBILITY, other=st.integers(1, 10**12))
def test_no_id_of_a_patients_enters_a_part(facts: EligibilityFacts, other: int) -> None:
    if facts.address_id is None:
        return
    assert eligibility_part(replace(facts, address_id=other)) == eligibility_part(facts)


def test_a_changed_fact_or_rule_table_is_another_part() -> None:
    part = window_part(WINDOW, rules_version="1", tzdata_version="2026a")
    later = replace(WINDOW, quiet_end=time(9))
    digests = {
        part.digest,
        window_part(later, rules_version="1", tzdata_version="2026a").digest,
        window_part(WINDOW, rules_version="2", tzdata_version="2026a").digest,
        window_part(WINDOW, rules_version="1", tzdata_version="2026b").digest,
    }
    assert len(digests) == 4


def test_the_hours_come_back_as_they_were() -> None:
    part = window_part(WINDOW, rules_version="1", tzdata_version="2026a")
    back = window_from(json.loads(json.dumps(part.content)))
    assert back == replace(WINDOW, rules_version="1")


def test_the_instant_of_a_patients_own_message_stays_out_of_the_part() -> None:
    answering = replace(WINDOW, answers_at=datetime(2026, 12, 1, tzinfo=UTC))
    assert window_part(answering, rules_version="1", tzdata_version="x") == window_part(
        WINDOW, rules_version="1", tzdata_version="x"
    )


def test_an_instant_cannot_slip_into_a_part() -> None:
    dated = replace(WINDOW, country=datetime(2026, 12, 1, tzinfo=UTC))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        window_part(dated, rules_version="1", tzdata_version="x")


def test_a_blackout_stands_in_the_part_and_comes_back_out_of_it() -> None:
    held = Blackout(
        id=3,
        starts_at=datetime(2026, 12, 1, tzinfo=UTC),
        ends_at=datetime(2026, 12, 2, 11, 30, tzinfo=UTC),
        state="LA",
        message_class=MessageClass.MARKETING,
    )
    facts = replace(WINDOW, blackouts=(held, replace(held, channel=Channel.SMS, state=None)))
    part = window_part(facts, rules_version="r", tzdata_version="z")
    assert window_from(part.content) == replace(facts, rules_version="r")
