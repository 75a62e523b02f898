"""What stands around a patient's own words: quoted mail, signatures, reactions, contexts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.replies.normal import BOUNDARY, in_sentences
from handbell.replies.patterns import Phrases
from handbell.replies.policy import ReplyParser
from handbell.replies.rules import load_rules
from handbell.replies.types import Confidence, Context, Effect, Intent

PARSER = ReplyParser()
BELOW = [
    "\n\nOn Mon, Nov 23, 2026 the clinic <a@example.org> wrote:\n> Reply STOP to opt out",
    "\n> STOP",
    "\n-- \nSTOP",
    "\nSent from my iPhone",
    "\nEl lun, 23 nov 2026 la clínica escribió:\n> Responda ALTO",
    "\n\nBest regards,\nAna Pérez",
]


@pytest.mark.requirement("R5.1", "R5.7")
@pytest.mark.parametrize("below", BELOW)
def test_what_a_program_puts_below_is_not_read(below: str) -> None:
    assert PARSER.read(f"Yes{below}").intent is Intent.CONFIRM
    assert PARSER.read(f"STOP{below}").intent is Intent.STOP


@pytest.mark.requirement("R5.7")
@pytest.mark.parametrize("said", ["Liked", "Le gustó", "Disliked", "Laughed at", "Reacted 👍 to"])
def test_a_reaction_is_told_apart_from_what_is_written_after_it(said: str) -> None:
    assert PARSER.read(f"{said} “Reply STOP to opt out”").intent is Intent.TAPBACK
    assert PARSER.read(f"{said} “Reply C to confirm” STOP").intent is Intent.STOP


@pytest.mark.requirement("R5.1")
@pytest.mark.parametrize("context", [one for one in Context if one is not Context.ONE_OPEN_VISIT])
@pytest.mark.parametrize("text", ["YES", "C", "1", "sí", "haan", "yes, see you then"])
def test_a_yes_confirms_nothing_where_no_single_visit_is_open(text: str, context: Context) -> None:
    reading = PARSER.read(text, context=context)
    assert reading.intent is Intent.OTHER
    other = Effect.MAY_RESUBSCRIBE if context is Context.OPTED_OUT else Effect.ASK_WHICH
    assert other in reading.effects


@pytest.mark.requirement("R5.3")
@pytest.mark.parametrize("context", Context)
def test_a_stop_is_one_in_every_context(context: Context) -> None:
    assert PARSER.read("please stop texting me", context=context).intent is Intent.STOP


@pytest.mark.requirement("R5.3", "R5.7")
@pytest.mark.parametrize(
    ("text", "intent", "effect"),
    [
        ("I want to die. Stop texting me.", Intent.CRISIS, Effect.OPTS_OUT),
        ("wrong number, take me off your list", Intent.WRONG_NUMBER, Effect.OPTS_OUT),
        ("the patient passed away, no more texts please", Intent.DECEASED, Effect.OPTS_OUT),
        ("STOP. I can't come tomorrow", Intent.STOP, Effect.MAY_CONCERN_VISIT),
        ("STOP. Wrong number", Intent.STOP, Effect.WRONG_NUMBER),
        ("stop the promotions, keep my reminders", Intent.STOP, Effect.MARKETING_ONLY),
    ],
)
def test_two_wishes_are_both_heard(text: str, intent: Intent, effect: Effect) -> None:
    reading = PARSER.read(text)
    assert reading.intent is intent
    assert effect in reading.effects
    assert reading.ends_messages


def test_how_surely_a_text_was_read_follows_from_how_it_was_found() -> None:
    assert PARSER.read("STOP").confidence is Confidence.HIGH
    assert PARSER.read("could you stop texting me").confidence is Confidence.MEDIUM
    assert PARSER.read("what do I bring").confidence is Confidence.LOW


def test_an_old_version_of_the_rules_still_reads() -> None:
    old = ReplyParser(load_rules("2026-12-01.1"))
    assert old.read("STOP").version == "2026-12-01.1"
    assert old.read("please stop texting me").intent is Intent.STOP
    assert old.read("passed away").intent is Intent.OTHER


@pytest.mark.parametrize(
    ("phrase", "text", "is_in"),
    [
        ("stop [all] <msg>", "please stop texts now", True),
        ("stop [all] <msg>", "stop all sms", True),
        ("stop [all] <msg>", "stop all", False),
        ("a ... b", "a 1 2 3 4 b", True),
        ("a ... b", "a 1 2 3 4 5 b", False),
        ("a ... b", "a. b", False),
        ("dej* de", "déjenme de", True),
        ("off ¶", "off the list", False),
        ("off ¶", "off!", True),
        ("(one|two words) end", "two words end", True),
        ("top", "stop", False),
    ],
)
def test_the_language_of_phrases(phrase: str, text: str, *, is_in: bool) -> None:
    phrases = Phrases([phrase], {"msg": ("texts", "sms")})
    assert phrases.is_in(in_sentences(text)) is is_in


@pytest.mark.parametrize("phrase", ["[maybe]", "a ) b", "a?? ??"])
def test_a_phrase_that_says_nothing_is_an_error(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"phrase|word"):
        Phrases([phrase], {})


@given(st.text())
def test_what_is_covered_leaves_the_rest(text: str) -> None:
    phrases = Phrases(["stop by"], {})
    covered = phrases.take_out(in_sentences(text) + "stop by ", f"{BOUNDARY} ")
    assert not phrases.is_in(covered)
