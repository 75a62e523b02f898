"""A shape holds all that its half of the gate looks at: what it leaves out changes nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.messages.admission import Standing, choose_channel
from handbell.messages.facts import Asked, Gathered, Levels, Others
from handbell.messages.policy import decide, fewest_that_bind, joined, timing_of, verdict_of
from handbell.messages.populations.halves import (
    BLANK,
    CHOICES_OF_LEVELS,
    HOURS,
    PERSON,
    PROFILE,
    REACHED,
    settled_channel,
    standings_from,
)
from handbell.messages.types import CapFacts
from handbell.platform.vocabulary import Channel, Purpose
from handbell.preferences.types import FIELDS, Level
from handbell.scheduling.policy import without_unasked
from handbell.scheduling.types import Anchor, At, Free

NOON: Final = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
LEVELS: Final = st.sampled_from([level.value for level in Level])
FLAG: Final = st.booleans()
CHOICE: Final = st.fixed_dictionaries(
    {"enabled": FLAG, "channels": st.sampled_from([None, ["email"], ["sms", "whatsapp"]])}
)
ENTRY: Final = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["grant", "revoke", "acknowledge_risk", "withdraw_risk"]),
        "message_class": st.sampled_from(["care", "marketing"]),
        "method": st.sampled_from(["verbal", "web_form", "provided_at_registration"]),
        "text_version": st.sampled_from([None, "2026-01"]),
        "at": st.sampled_from(["2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"]),
    }
)
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "timezone": st.sampled_from(["America/New_York", "Asia/Kolkata"]),
    "language": st.sampled_from(["en", "es"]),
    **dict.fromkeys(
        ("quiet_start", "quiet_end", "work_start", "work_end"),
        st.sampled_from([time(0), time(8), time(17), time(22)]),
    ),
    "best_hour": st.sampled_from([None, 3, 15]),
    "channel_order": st.permutations([channel.value for channel in Channel]),
    "pause_until": st.sampled_from([None, NOON + timedelta(days=1)]),
    "reading_level": st.sampled_from([None, 6]),
    **{field: FLAG for field in FIELDS if field.startswith(("allow_", "marketing_opt_in_"))},
    **{f"{field}_level": LEVELS for field in FIELDS},
    **dict.fromkeys(CHOICES_OF_LEVELS, st.none() | st.dictionaries(st.just("rx_refill"), CHOICE)),
    **dict.fromkeys(("is_deceased", "is_wrong_number", "is_suppressed", "is_contact"), FLAG),
    "found_address_id": st.sampled_from([None, 0]),
    "contact_country": st.sampled_from([None, "US", "FR"]),
    "zones": st.lists(st.sampled_from(["America/Chicago", "Asia/Kolkata"]), max_size=2),
    "states": st.lists(st.sampled_from(["TX", "FL"]), max_size=2),
    "ledger": st.lists(ENTRY, max_size=3).map(
        lambda some: [one | {"no": no} for no, one in enumerate(some, 1)]
    ),
    "patient_provider_id": st.sampled_from([None, 1]),
    "channel": st.sampled_from([channel.value for channel in Channel]),
}
OWN: Final = {
    "baa": "not_required",
    "whatsapp_us_enabled": False,
    "informs_at_intake": True,
    "sms_ceiling": 1,
    "care_per_day": 5,
    "blackouts": None,
    "organization_language": "en",
}
FACTS: Final = st.fixed_dictionaries(VALUES)
PURPOSES: Final = st.sampled_from([Purpose.RX_REFILL, Purpose.CAMPAIGN_EDUCATION, Purpose.URGENT])
ANCHORS: Final[st.SearchStrategy[Anchor]] = st.sampled_from([Free(), At(NOON)])
SENT: Final = st.lists(
    st.integers(0, 200).map(lambda hours: NOON - timedelta(hours=hours)), max_size=6
).map(sorted)


def gathered(known: Mapping[str, Any]) -> Gathered:
    return Gathered(cast("Any", SimpleNamespace(**{**BLANK, **OWN, **known})), Others())


def asked(purpose: Purpose) -> Asked:
    levels = Levels(level=2, sibling_level=0)
    return Asked(purpose=purpose, serves_at=None, answers_at=None, template=levels)


def only(known: Mapping[str, Any], *names: str) -> Gathered:
    return gathered({name: known[name] for name in names})


def test_what_is_made_up_here_is_everything_that_is_not_personal() -> None:
    personal = {"is_erased", "is_restricted", "is_confidential", "is_relatives_address"}
    personal |= {"strangers_on_address", "relations", "visit_status", "visit_starts_at"}
    personal |= {"held_until"}
    rest = {"contact_point_id", "counted_sent_at", "marketing_sent_at", "visit_provider_id"}
    assert VALUES.keys() | personal | rest == BLANK.keys() | {"channel"}


@given(FACTS, PURPOSES)
def test_the_first_half_looks_at_its_own_columns_only(
    known: dict[str, Any], purpose: Purpose
) -> None:
    reached = [name for name in REACHED if name != "has_address"]
    shape = only(known, *PERSON, *CHOICES_OF_LEVELS, *reached, "found_address_id", "ledger")
    whole = gathered(known)
    assert shape.facts(asked(purpose)).eligibility == whole.facts(asked(purpose)).eligibility
    assert shape.preferences.language == whole.preferences.language
    assert shape.provider_id == whole.provider_id
    assert shape.states == whole.states


@given(FACTS, PURPOSES)
def test_the_second_half_looks_at_its_own_columns_only(
    known: dict[str, Any], purpose: Purpose
) -> None:
    shape = only(known, *HOURS, "channel", "contact_country", "zones", "states")
    one, other = shape.facts(asked(purpose)), gathered(known).facts(asked(purpose))
    assert (one.window, one.pause_until) == (other.window, other.pause_until)


@given(FACTS, PURPOSES)
def test_order_and_levels_look_at_their_own_columns_only(
    known: dict[str, Any], purpose: Purpose
) -> None:
    shape, whole = only(known, *PROFILE, *CHOICES_OF_LEVELS, "channel"), gathered(known)
    assert shape.order_for(purpose) == whole.order_for(purpose)
    assert shape.preferences.levels == whole.preferences.levels


@pytest.mark.requirement("R4.5")
@given(FACTS, PURPOSES, ANCHORS, SENT)
def test_the_halves_together_are_the_decision(
    known: dict[str, Any], purpose: Purpose, anchor: Anchor, sent: list[datetime]
) -> None:
    facts = gathered(known | {"counted_sent_at": sent, "marketing_sent_at": sent}).facts(
        asked(purpose)
    )
    timing = timing_of(facts, anchor, now=NOON)
    assert joined(verdict_of(facts.eligibility), timing) == decide(facts, anchor, now=NOON)


@given(FACTS, PURPOSES, ANCHORS)
def test_places_whose_rules_do_not_bind_change_nothing(
    known: dict[str, Any], purpose: Purpose, anchor: Anchor
) -> None:
    facts = gathered(known).facts(asked(purpose))
    plain = replace(facts, window=without_unasked(facts.window))
    assert timing_of(plain, anchor, now=NOON) == timing_of(facts, anchor, now=NOON)


@given(FACTS, PURPOSES, ANCHORS, SENT, st.integers(1, 5), st.sampled_from([None, 1, 3]))
def test_fewer_sends_than_bind_change_nothing(
    known: dict[str, Any],
    purpose: Purpose,
    anchor: Anchor,
    sent: list[datetime],
    per_day: int,
    per_week: int | None,
) -> None:
    facts = gathered(known).facts(asked(purpose))
    limits = CapFacts(per_day=per_day, per_week=per_week)
    few = replace(limits, sent_at=sent[: fewest_that_bind(limits) - 1])
    assert timing_of(replace(facts, caps=few), anchor, now=NOON) == timing_of(
        replace(facts, caps=limits), anchor, now=NOON
    )


@given(st.integers(1, (1 << 9) - 1), st.permutations(list(Channel)), st.integers(0, 3))
def test_a_settled_channel_is_the_one_of_every_timing(
    bits: int, order: list[Channel], listed: int
) -> None:
    """Whatever the timings say of what the verdicts leave open, but for the chosen one's own."""
    known, wanted = standings_from(bits), order[:listed]
    if not known:
        return
    settled = settled_channel(wanted, known)
    if settled is None:
        assert known[choose_channel(wanted, known)].is_refused
        return
    for channel, standing in known.items():
        if channel is not settled and not standing.is_refused:
            later = known | {channel: replace(standing, is_refused=True)}
            assert choose_channel(wanted, later) is settled


def test_the_standings_of_a_patient_are_read_as_they_were_written() -> None:
    assert standings_from(0b111_000_001) == {
        Channel.EMAIL: Standing(is_refused=False, has_address=False),
        Channel.WHATSAPP: Standing(is_refused=True, has_address=True),
    }
