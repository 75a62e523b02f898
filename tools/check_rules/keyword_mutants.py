"""Faults in the words of replies: each opt-out and each confirming word dropped, one at a time."""

from collections.abc import Callable, Iterator

from handbell.replies.policy import ReplyParser
from handbell.replies.rules import RuleTable, load_rules
from handbell.replies.types import Effect, Intent
from tools.check_rules.equivalents import NO_FAULT
from tools.check_rules.keywords import (
    ALSO_OPT_OUT,
    CONCERNS_VISIT,
    CONFIRM,
    OPT_OUT,
    RESUBSCRIBES,
)
from tools.check_rules.mutants import Mutant

Vector = tuple[str, Intent, frozenset[Effect]]
"""A text, what it must mean, and what it may mean besides."""


def vectors() -> Iterator[Vector]:
    """Each word as it stands, loud, and with blanks and a full stop around it."""
    for words, intent in ((OPT_OUT, Intent.STOP), (ALSO_OPT_OUT, Intent.STOP)):
        for word in words:
            effects = {Effect.MAY_CONCERN_VISIT} if word in CONCERNS_VISIT else set()
            yield from _forms(word, intent, frozenset(effects))
    for word in CONFIRM:
        effects = {Effect.MAY_RESUBSCRIBE} if word in RESUBSCRIBES else set()
        yield from _forms(word, Intent.CONFIRM, frozenset(effects))


def _forms(word: str, intent: Intent, effects: frozenset[Effect]) -> Iterator[Vector]:
    for text in (word, word.upper(), f"  {word}. "):
        yield text, intent, effects


def misread(rules: RuleTable | None = None) -> Iterator[str]:
    """The vectors that the parser reads otherwise, with those rules."""
    parser = ReplyParser(rules)
    for text, intent, effects in vectors():
        reading = parser.read(text)
        if (reading.intent, reading.effects) != (intent, effects):
            yield f"{text!r}: must be {intent}, is {reading.intent}"


def keyword_mutants() -> Iterator[Mutant]:
    table = load_rules()
    for row in table.rows:
        if row.intent in {Intent.STOP, Intent.CONFIRM}:
            for word in row.words:
                name = f"reply {row.id}: {word} dropped"
                broken = _without(table, row.id, word)
                yield Mutant(name, _judge(broken), no_fault=NO_FAULT.get(name, ""))


def _without(table: RuleTable, row_id: str, word: str) -> RuleTable:
    rows = (
        row.model_copy(update={"words": tuple(w for w in row.words if w != word)})
        if row.id == row_id
        else row
        for row in table.rows
    )
    return table.model_copy(update={"rows": tuple(rows)})


def _judge(table: RuleTable) -> Callable[[], bool]:
    return lambda: next(misread(table), None) is not None
