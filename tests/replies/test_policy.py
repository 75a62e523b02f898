"""What patients write, and what it means."""
# ruff: noqa: RUF001 - patients write in every kind of letter

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from handbell.entrypoints.parse_replies import name_of
from handbell.replies.normal import normalize
from handbell.replies.policy import ReplyParser
from handbell.replies.rules import load_rules
from handbell.replies.types import Context, Effect, Intent

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
        "", " ", "😀", "please", "should I stop taking metformin?", "cancer", "shop", "11", "C1",
        "mi presión está baja", "end of the week?", "si puedo", "kal kar do", "what do I bring?",
        "yes?", "yes if my ride comes", "ok maybe", "take me off lisinopril", "stop by",
        "stop texting me so early", "my mother passed away", "no dejen de mandarme nada?",
        "haan lekin", "no me llamaron", "parte de baja", "quiero cancelar la factura",
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


SAME = {"tapback_like": "tapback", "staff_clinical": "staff"}
"""Names of the reference's examples for what has one name here."""
SIDES = {"staff_task_possible_visit_cancel": Effect.MAY_CONCERN_VISIT}


@pytest.mark.shared_data
@pytest.mark.requirement("R5.1", "R5.2", "R5.3", "R5.7")
def test_the_regulation_s_own_examples(shared_dir: Path) -> None:
    regulation = yaml.safe_load((shared_dir / "reference" / "regulation.yaml").read_text())
    for vector in regulation["test_vectors"]:
        context = Context(vector.get("state", "one_open_visit"))
        reading = PARSER.read(vector["t"], context=context)
        name, expected = name_of(reading.intent), vector["expect"]
        allowed = expected.split("_or_") if "_or_" in expected else [SAME.get(expected, expected)]
        assert name in allowed, vector
        assert name != vector.get("not"), vector
        if "side" in vector:
            assert SIDES[vector["side"]] in reading.effects, vector


@pytest.mark.shared_data
@pytest.mark.requirement("R5.3")
def test_every_keyword_of_the_regulation_means_what_it_says_there(shared_dir: Path) -> None:
    regulation = yaml.safe_load((shared_dir / "reference" / "regulation.yaml").read_text())
    keywords = regulation["keywords"]
    lists = {f"optout.{name}": words for name, words in keywords["optout"].items()}
    lists["hold_and_clarify"] = keywords["hold_and_clarify"]
    for name in ("confirm", "reschedule", "cancel_visit", "help", "deceased", "crisis"):
        lists |= {f"{name}.{language}": words for language, words in keywords[name].items()}
    for name, words in lists.items():
        for text in words:
            assert name_of(PARSER.read(text).intent) == name.split(".")[0], (name, text)


@pytest.mark.shared_data
@pytest.mark.requirement("R5.1", "R5.3")
def test_ordinary_messages_opt_nobody_out_and_confirm_nothing(shared_dir: Path) -> None:
    """People's own texts, read as answers to one question. A confirmation counts as false
    where the text holds more than words of assent and of seeing each other."""
    regulation = yaml.safe_load((shared_dir / "reference" / "regulation.yaml").read_text())
    known = {normalize(one) for one in regulation["keywords"]["confirm"]["en"]} | SEE_YOU
    path = shared_dir / "data" / "sms_uci" / "SMSSpamCollection"
    opted_out, confirmed = set(), []
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        kind, text = line.split("\t", 1)
        reading = PARSER.read(text)
        if kind == "ham" and reading.ends_messages:
            opted_out.add(number)
        is_assent = set(normalize(text).split()) <= known
        if kind == "ham" and reading.intent is Intent.CONFIRM and not is_assent:
            confirmed.append(text)
    assert opted_out == ASKED_FOR
    assert len(confirmed) <= 2, confirmed


SEE_YOU = {"okie", "cool", "see", "c", "you", "u", "ya", "there", "then"}
ASKED_FOR = {100, 334}
"""Lines of that collection which do ask for no more messages."""
