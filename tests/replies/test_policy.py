"""What patients write, and what it means."""
# ruff: noqa: RUF001 - patients write in every kind of letter

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from handbell.replies.policy import ReplyParser, normalize
from handbell.replies.rules import load_rules
from handbell.replies.types import Effect, Intent

PARSER = ReplyParser()
PER_SE = ["stop", "quit", "end", "revoke", "opt-out", "cancel", "unsubscribe"]


def read(text: str) -> Intent:
    return PARSER.read(text).intent


@pytest.mark.requirement("R5.1")
@pytest.mark.parametrize(
    "text",
    [
        "C", " c. ", "1", "१", "１", "1️⃣", "YES", "Sí", "haan", "हाँ", "हाँ जी", "👍🏽",
        "Yes, thank you!",
    ],
)  # fmt: skip
def test_these_confirm(text: str) -> None:
    assert read(text) is Intent.CONFIRM


@pytest.mark.requirement("R5.2")
@pytest.mark.parametrize(
    "text", ["R", "r", "2", "२", "Reschedule", "Reschedule please", "otro día", "time badlo"]
)
def test_these_ask_for_another_time(text: str) -> None:
    assert read(text) is Intent.RESCHEDULE


@pytest.mark.requirement("R1.7", "R5.3")
@pytest.mark.parametrize("per_se", PER_SE)
@pytest.mark.parametrize("form", ["{}", " {}. ", "{}!!", "“{}”", "{}\n"])
def test_each_word_of_the_law_opts_out_in_any_form(per_se: str, form: str) -> None:
    for text in (per_se, per_se.upper(), per_se.title()):
        assert read(form.format(text)) is Intent.STOP


@pytest.mark.requirement("R1.7", "R5.3")
@pytest.mark.parametrize(
    "text",
    [
        "STOPALL", "optout", "OPT OUT", "S T O P", "s.t.o.p", "st0p", "ＳＴＯＰ", "S\u200bTOP",
        "STOP please", "Please stop", "please stop texting me", "Stop. Stop. Stop.", "STOP 😡",
        "🛑", "stop, I moved away", "STOP. also I can't come tomorrow", "Stop - wrong person",
        "ALTO!!", "BAJA", "parar", "No más", "¡Cancelar!", "ya no me manden mensajes", "बंद करो",
        "msg mat bhejo", "unsubscribe me pls",
    ],
)  # fmt: skip
def test_these_opt_out(text: str) -> None:
    assert read(text) is Intent.STOP


@pytest.mark.requirement("R5.7")
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "😀", "please", "don't stop", "please don't stop the reminders", "please cancel",
        "I'll stop by at 3", "should I stop taking metformin?", "cancer", "shop", "3", "11", "C1",
        "mi presión está baja", "Cancel my appointment", "cancel Tuesday, I can come Wednesday",
        "no", "no thanks", "no mames", "end of the week?", "Liked “Reply STOP to opt out”",
        "yes but need to move", "si puedo", "kal kar do", "what do I bring?",
    ],
)  # fmt: skip
def test_these_are_for_a_person(text: str) -> None:
    assert read(text) is Intent.OTHER


def test_help_and_start_are_known_and_yes_never_starts_again() -> None:
    assert read("HELP") is read("ayuda") is Intent.HELP
    assert read("START") is read("unstop") is Intent.START
    assert PARSER.read("Yes").effects == {Effect.MAY_RESUBSCRIBE}


def test_cancel_may_have_been_meant_for_the_visit() -> None:
    reading = PARSER.read("Cancel")
    assert reading.intent is Intent.STOP
    assert reading.rule == "optout.cancel"
    assert reading.version == load_rules().version
    assert reading.effects == {Effect.MAY_CONCERN_VISIT}


def test_what_twilio_took_for_a_stop_is_one_and_its_other_words_are_not_ours() -> None:
    assert PARSER.read("genug", provider_says="STOP").rule == "optout.provider"
    assert PARSER.read("STOP", provider_says="STOP").rule == "optout.word.en"
    assert PARSER.read("yes", provider_says="START").intent is Intent.CONFIRM


def test_no_word_stands_under_two_intents() -> None:
    meaning: dict[str, Intent] = {}
    for row in load_rules().rows:
        for words in row.words:
            assert normalize(words)
            assert meaning.setdefault(normalize(words), row.intent) is row.intent, words


@given(st.text())
def test_any_text_is_read_and_what_is_in_one_form_stays_so(text: str) -> None:
    assert PARSER.read(text).version
    assert normalize(normalize(text)) == normalize(text)


CLAIMED = {"optout", "confirm", "reschedule", "help", "optin"}  # codespell:ignore
LATER = {"stop sending me reminders for Dr Lee", "yes but need to move"}
"""They need the rules for phrases inside a sentence."""


@pytest.mark.shared_data
def test_the_regulation_s_own_examples_that_whole_messages_can_tell(shared_dir: Path) -> None:
    """A claimed vector means what it should; the others never opt out or confirm."""
    regulation = yaml.safe_load((shared_dir / "reference" / "regulation.yaml").read_text())
    vectors = regulation["test_vectors"]
    names = {Intent.STOP: "optout", Intent.START: "optin"}  # codespell:ignore
    understood = 0
    for vector in vectors:
        reading = PARSER.read(vector["t"])
        name = names.get(reading.intent, reading.intent.value)
        is_claimed = vector["expect"] in CLAIMED and vector["t"] not in LATER
        understood += name == vector["expect"]
        assert name != vector.get("not"), vector
        if is_claimed:
            assert name == vector["expect"], vector
        elif "state" not in vector:
            assert reading.intent is Intent.OTHER, vector
    assert (understood, len(vectors)) == (27, 52)
