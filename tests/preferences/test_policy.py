"""Choices per purpose, and what a level may say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.platform.vocabulary import Channel, Purpose
from handbell.preferences.errors import InvalidPreference
from handbell.preferences.policy import check_opt_ins, merged, resolve, sanitise
from handbell.preferences.shapes import choices_from_json, choices_to_json, differences
from handbell.preferences.types import CHOOSABLE, Choice, Level, Settings

OFF = Choice(enabled=False)
BY_MAIL = Choice(channels=(Channel.EMAIL,))
CHOICE = st.sampled_from(
    [OFF, BY_MAIL, Choice(), Choice(channels=(Channel.WHATSAPP, Channel.SMS))]
)
CHOICES = st.dictionaries(st.sampled_from(CHOOSABLE), CHOICE, max_size=4)
SAID = st.dictionaries(st.sampled_from(list(Level)), CHOICES.map(lambda one: one or None))


@pytest.mark.requirement("R1.3")
@given(said=SAID)
def test_each_purpose_is_inherited_by_itself(
    said: dict[Level, dict[Purpose, Choice] | None],
) -> None:
    held = resolve({level: Settings(choices=choices) for level, choices in said.items()})
    for purpose in Purpose:
        spoken = [
            (choice, level)
            for level in (Level.PATIENT, Level.PROVIDER, Level.ORGANIZATION, Level.GLOBAL)
            if (choice := (said.get(level) or {}).get(purpose)) is not None
        ]
        choice, level = spoken[0] if spoken else (Choice(), None)
        assert held.choice_of(purpose) == choice
        assert held.levels.get(f"choices.{purpose}") == level
        for channel in Channel:
            is_listed = not choice.channels or channel in choice.channels
            assert choice.allows(channel) == (choice.enabled and is_listed)


@given(choices=st.none() | CHOICES)
def test_what_is_stored_reads_back_as_it_was(choices: dict[Purpose, Choice] | None) -> None:
    assert choices_from_json(choices_to_json(choices)) == choices


def test_a_purpose_with_channels_of_its_own_is_tried_in_their_order() -> None:
    chosen = Choice(channels=(Channel.WHATSAPP, Channel.SMS))
    held = resolve({Level.PATIENT: Settings(choices={Purpose.LAB_READY: chosen})})
    assert held.order_for(Purpose.LAB_READY) == (Channel.WHATSAPP, Channel.SMS)
    assert held.order_for(Purpose.RX_REFILL) == held.channel_order


def test_a_change_speaks_of_single_purposes_and_null_gives_one_back() -> None:
    before = Settings(choices={Purpose.LAB_READY: OFF, Purpose.RX_REFILL: BY_MAIL})
    change = {"choices": {Purpose.LAB_READY: None, Purpose.NO_SHOW: OFF}}
    after = merged(before, change, resolve({}))
    assert after.choices == {Purpose.RX_REFILL: BY_MAIL, Purpose.NO_SHOW: OFF}
    assert merged(after, {"choices": None}, resolve({})).choices is None
    last = {"choices": dict.fromkeys(after.choices)}
    assert merged(after, last, resolve({})).choices is None


def test_old_and_new_hold_only_what_differs() -> None:
    before = Settings(language="es", best_hour=9)
    after = replace(before, best_hour=None, choices={Purpose.NO_SHOW: OFF})
    assert differences(before, after) == (
        {"best_hour": 9, "choices": None},
        {"best_hour": None, "choices": {"no_show": {"enabled": False, "channels": None}}},
    )


@pytest.mark.requirement("R1.3")
@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("reading_level", Settings(reading_level=0)),
        ("reading_level", Settings(reading_level=19)),
        ("choices.urgent", Settings(choices={Purpose.URGENT: OFF})),
        ("choices.reply_help", Settings(choices={Purpose.REPLY_HELP: OFF})),
        (
            "choices.no_show.channels",
            Settings(choices={Purpose.NO_SHOW: Choice(channels=(Channel.SMS, Channel.SMS))}),
        ),
        ("choices.no_show.channels", Settings(choices={Purpose.NO_SHOW: Choice(channels=())})),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused_by_name(field: str, said: Settings) -> None:
    with pytest.raises(InvalidPreference) as refused:
        sanitise(said)
    assert refused.value.details == {"field": field}


@pytest.mark.requirement("R7.8")
@pytest.mark.parametrize("level", [Level.PROVIDER, Level.ORGANIZATION, Level.GLOBAL])
def test_nobody_but_the_patient_can_wish_for_marketing(level: Level) -> None:
    wish = {"marketing_opt_in_sms": True}
    check_opt_ins(Level.PATIENT, wish)
    check_opt_ins(level, {"marketing_opt_in_sms": False})
    with pytest.raises(InvalidPreference) as refused:
        check_opt_ins(level, wish)
    assert refused.value.details == {"field": "marketing_opt_in_sms"}
