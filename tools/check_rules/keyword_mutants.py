"""Faults in the words of replies: each opt-out and each confirming word dropped, one at a time.

A dropped word is caught where a text is then read against the law, against its own row or against
a person's label. Where nothing is, the reading has to be the same in every sentence of `frames`,
by another rule: then the word is no fault to lose, and is listed apart with that rule.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from handbell.replies.normal import normalize, without_emoji
from handbell.replies.policy import ReplyParser
from handbell.replies.rules import Row, RuleTable, load_rules
from handbell.replies.types import Context, Effect, Intent
from tools.check_rules.frames import frames
from tools.check_rules.keywords import (
    ALSO_OPT_OUT,
    CONCERNS_VISIT,
    CONFIRM,
    OPT_OUT,
    RESUBSCRIBES,
)
from tools.check_rules.mutants import Mutant
from tools.eval_replies import CORPUS, counted, read

DROPPED: Final = frozenset({Intent.STOP, Intent.CONFIRM})
SECOND_WISH: Final = "wrong number"
"""Ranks before an opt-out inside a text, and after one that is a sentence of its own."""
UNKNOWN_EMOJI: Final = "🚗"


class Question(NamedTuple):
    """A text, and the judgement of a reading of it: empty where it is as it must be."""

    text: str
    misread: Callable[[ReplyParser], str]


def misread(rules: RuleTable | None = None) -> Iterator[str]:
    """The questions that the parser answers otherwise than it must, with those rules."""
    parser = ReplyParser(rules)
    return (found for question in questions() if (found := question.misread(parser)))


@cache
def questions() -> tuple[Question, ...]:
    table = load_rules()
    return (*_of_the_law(), *_of_the_rows(table), *_of_the_corpus())


def _of_the_law() -> Iterator[Question]:
    """Each word as it stands, loud, and with blanks and a full stop around it."""
    for words, intent in ((OPT_OUT, Intent.STOP), (ALSO_OPT_OUT, Intent.STOP)):
        for word in words:
            effects = {Effect.MAY_CONCERN_VISIT} if word in CONCERNS_VISIT else set()
            yield from _forms(word, intent, frozenset(effects))
    for word in CONFIRM:
        effects = {Effect.MAY_RESUBSCRIBE} if word in RESUBSCRIBES else set()
        yield from _forms(word, Intent.CONFIRM, frozenset(effects))


def _of_the_rows(table: RuleTable) -> Iterator[Question]:
    """Each listed word means what its row says; of two rows with one word the first counts."""
    claimed: set[str] = set()
    for row in table.rows:
        own = [word for word in row.words if normalize(word) not in claimed]
        claimed |= {normalize(word) for word in own}
        if row.intent in DROPPED:
            for word in own:
                yield from _forms(word, row.intent, row.effects)
            yield from _together(row, own, table.polite)


def _together(row: Row, own: Sequence[str], polite: Sequence[str]) -> Iterator[Question]:
    """An opt-out that is a sentence of its own goes before what else the text says. A word that
    confirms may stand beside another one, beside fillers and beside any emoji. A word with an
    emoji or politeness in it loses them in a sentence, and is another word then."""
    for word in row.words:
        is_plain = not any(_is_at_an_end(one, word) for one in polite) and _is_letters(word)
        if row.parts:
            yield _must_mean(f"{word} doctor. {own[0]}.", row.intent)
        if row.parts and is_plain:
            yield _must_mean(f"{word} {UNKNOWN_EMOJI}", row.intent)
        elif row.intent is Intent.STOP and not row.alone and is_plain:
            yield _must_mean(f"{word}. {SECOND_WISH}.", row.intent)


def _is_at_an_end(polite: str, word: str) -> bool:
    inside, whole = normalize(polite), normalize(word)
    return f"{whole} ".startswith(f"{inside} ") or f" {whole}".endswith(f" {inside}")


def _is_letters(word: str) -> bool:
    return without_emoji(normalize(word)) == normalize(word)


def _forms(word: str, intent: Intent, effects: frozenset[Effect]) -> Iterator[Question]:
    for text in (word, word.upper(), f"  {word}. "):
        yield _must_be(text, intent, effects)


def _must_be(text: str, intent: Intent, effects: frozenset[Effect]) -> Question:
    def misread(parser: ReplyParser) -> str:
        reading = parser.read(text)
        is_right = (reading.intent, reading.effects) == (intent, effects)
        return "" if is_right else f"{text!r}: must be {intent}, is {reading.intent}"

    return Question(text, misread)


def _must_mean(text: str, intent: Intent) -> Question:
    """Whatever its effects are."""

    def misread(parser: ReplyParser) -> str:
        found = parser.read(text).intent
        return "" if found is intent else f"{text!r}: must be {intent}, is {found}"

    return Question(text, misread)


def _of_the_corpus() -> Iterator[Question]:
    """The labelled lines that the running rules read as a person does; the others are the
    business of `make eval-replies`."""
    running = ReplyParser()
    for line in read(CORPUS):
        question = _labelled(line.text, line.context, line.intent)
        if not question.misread(running):
            yield question


def _labelled(text: str, context: Context, label: str) -> Question:
    def misread(parser: ReplyParser) -> str:
        found = counted(label, parser.read(text, context=context))
        return "" if found == label else f"{text!r} {context}: labelled {label}, is {found}"

    return Question(text, misread)


def keyword_mutants() -> Iterator[Mutant]:
    table, running = load_rules(), ReplyParser()
    for row in table.rows:
        for word in row.words if row.intent in DROPPED else ():
            yield _mutant(table, running, row, word)


def _mutant(table: RuleTable, running: ReplyParser, row: Row, word: str) -> Mutant:
    broken = _without(table, row.id, word)

    def is_caught() -> bool:
        parser = ReplyParser(broken)
        asked = concerned(word, questions())
        return any(question.misread(parser) for question in asked)

    def same_by() -> str:
        return same_reading(running, ReplyParser(broken), word)

    return Mutant(f"reply {row.id}: {word} dropped", is_caught, same_by=same_by)


def concerned(word: str, asked: Iterable[Question]) -> Iterator[Question]:
    """The questions whose text holds every piece of the word: a text without one of them is
    never looked up as that word, so its reading cannot hang on it."""
    pieces = set(normalize(word).split())
    return (question for question in asked if pieces <= set(normalize(question.text).split()))


def same_reading(running: ReplyParser, broken: ReplyParser, word: str) -> str:
    """By which rule the word is read without its row, where that makes no difference in any
    sentence around it; empty where one sentence tells the two apart."""
    for text in frames(word):
        before, after = running.read(text), broken.read(text)
        if (before.intent, before.effects) != (after.intent, after.effects):
            return ""
    told = broken.read(word)
    return f"{told.intent} by {told.rule}"


def _without(table: RuleTable, row_id: str, word: str) -> RuleTable:
    rows = (
        row.model_copy(update={"words": tuple(w for w in row.words if w != word)})
        if row.id == row_id
        else row
        for row in table.rows
    )
    return table.model_copy(update={"rows": tuple(rows)})
