"""Reads a patient's text by dated rules, the same for every patient whatever the language.

A missed opt-out is the worst error, a false confirmation the next. So an opt-out counts as a
whole message, as a sentence and as a phrase; a confirmation only as a whole message made of
nothing but known words. What stays unclear is for a person.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from handbell.replies.normal import BOUNDARY, in_sentences, normalize, sentences, without_emoji
from handbell.replies.patterns import Phrases
from handbell.replies.quoting import own_words
from handbell.replies.reactions import ReactionReader
from handbell.replies.rules import Row, RuleTable, load_rules
from handbell.replies.types import Confidence, Context, Effect, Intent, Reading

_LONGEST: Final = 2000
"""Characters that are looked at; no rule is longer, and a text message is not either."""
_COVERED: Final = f"{BOUNDARY} "
_PROVIDER_STOP: Final = "STOP"
_QUESTION_MARKS: Final = ("?", "\u061f", "\uff1f")
_OPENING_ENDS: Final = re.compile(r"[,:]|\s[\u2013\u2014-]+\s")
"""A comma, a colon or a dash: it sets the first words apart."""
_ALSO: Final = {
    Intent.STOP: Effect.OPTS_OUT,
    Intent.WRONG_NUMBER: Effect.WRONG_NUMBER,
    Intent.DECEASED: Effect.DECEASED,
    Intent.CANCEL_VISIT: Effect.MAY_CONCERN_VISIT,
    Intent.RESCHEDULE: Effect.FOR_STAFF,
    Intent.HELP: Effect.FOR_STAFF,
    Intent.HOLD: Effect.FOR_STAFF,
    Intent.OTHER: Effect.FOR_STAFF,
}
"""What a wish adds where the text has another one before it."""
_ABOUT_A_VISIT: Final = frozenset({Intent.CONFIRM, Intent.RESCHEDULE, Intent.CANCEL_VISIT})
_UNCLEAR_VISIT: Final = frozenset({Context.TWO_OPEN_VISITS, Context.TWO_PATIENTS})


class ReplyParser:
    """Says what a text means. Cheap enough to run before a webhook is answered."""

    def __init__(self, rules: RuleTable | None = None) -> None:
        rules = rules or load_rules()
        self.version = rules.version
        self._rules = rules
        self._polite = frozenset(tuple(normalize(words).split()) for words in rules.polite)
        self._polite_lengths = {len(words) for words in self._polite}
        self._words = {normalize(one): row for row in reversed(rules.rows) for one in row.words}
        self._phrases = [
            (row, self._compile(row.phrases), self._compile(self._look_alikes(row)))
            for row in rules.rows
            if row.phrases and not row.parts
        ]
        parts = [row for row in rules.rows if row.parts]
        self._parts = [(row, self._compile((*row.words, *row.phrases))) for row in parts]
        self._fillers = self._compile((*rules.fillers, *rules.polite))
        self._reactions = ReactionReader(rules)

    def read(
        self,
        text: str,
        *,
        context: Context = Context.ONE_OPEN_VISIT,
        provider_says: str | None = None,
    ) -> Reading:
        """What the text means. `provider_says` is Twilio's OptOutType: its STOP always counts."""
        reading = in_context(self._read(text[:_LONGEST]), context)
        if provider_says == _PROVIDER_STOP and reading.intent is not Intent.STOP:
            rule, effects = "optout.provider", reading.effects - {Effect.MARKETING_ONLY}
            return replace(
                reading,
                intent=Intent.STOP,
                rule=rule,
                effects=effects,
                confidence=Confidence.HIGH,
            )
        return reading

    def _read(self, text: str) -> Reading:
        reaction, text = self._reactions.split(own_words(text))
        if reaction and not normalize(text):
            return self._reading(reaction.intent, reaction.id, reaction.effects, Confidence.HIGH)
        if row := self._whole(text):
            return self._reading(row.intent, row.id, row.effects, Confidence.HIGH)
        if row := self._made_of_parts(text):
            return self._reading(row.intent, row.id, row.effects, Confidence.MEDIUM)
        return self._inside(text)

    def _whole(self, text: str) -> Row | None:
        """The row that knows the whole message: as it is, without politeness or emoji."""
        whole = normalize(text)
        if (row := self._words.get(whole)) and not _doubts(row, text):
            return row
        for form in (whole, without_emoji(whole)):
            row = self._words.get(self._bare(form))
            if row and not row.alone and not _doubts(row, text):
                return row
        return None

    def _made_of_parts(self, text: str) -> Row | None:
        """The row whose words, with nothing but fillers between them, make the whole message."""
        if _is_question(text):
            return None
        whole = f"{normalize(text)} "
        for row, pattern in self._parts:
            rest = pattern.take_out(whole)
            if rest != whole and not self._fillers.take_out(rest).strip():
                return row
        return None

    def _inside(self, text: str) -> Reading:
        """All that is said inside the text: the first row decides, the others are effects."""
        stop, found = self._stop_sentence(text), list(self._found(text))
        rows = [*([stop] if stop else []), *found]
        if not rows:
            return self._reading(Intent.OTHER, None)
        is_crisis = bool(found) and found[0].intent is Intent.CRISIS
        first = found[0] if is_crisis else rows[0]
        effects = first.effects.union(*(_adds(row, first) for row in rows))
        sure = Confidence.HIGH if first is stop else Confidence.MEDIUM
        return self._reading(first.intent, first.id, effects, sure)

    def _stop_sentence(self, text: str) -> Row | None:
        """The opt-out that is a sentence by itself, or stands before the text's first comma."""
        whole = list(sentences(text))
        opening = _OPENING_ENDS.split(text.strip(), maxsplit=1)[0]
        for one in (opening, *whole):
            row = self._words.get(self._bare(without_emoji(normalize(one))))
            if row and row.intent is Intent.STOP and not row.alone and not _is_question(one):
                return row
        return None

    def _found(self, text: str) -> Iterable[Row]:
        spaced, is_question = in_sentences(text), _is_question(text)
        for row, pattern, look_alikes in self._phrases:
            if row.not_in_question and is_question:
                continue
            if pattern.is_in(spaced) and pattern.is_in(look_alikes.take_out(spaced, _COVERED)):
                yield row

    def _bare(self, normalized: str) -> str:
        """Without politeness at either end, and a repeated word once."""
        words = tuple(normalized.split())
        while words and (shorter := self._less_polite(words)) != words:
            words = shorter
        return words[0] if len(set(words)) == 1 else " ".join(words)

    def _less_polite(self, words: tuple[str, ...]) -> tuple[str, ...]:
        for length in self._polite_lengths:
            if words[:length] in self._polite:
                return words[length:]
            if words[-length:] in self._polite:
                return words[:-length]
        return words

    def _compile(self, phrases: Sequence[str]) -> Phrases:
        return Phrases(phrases, self._rules.classes)

    def _look_alikes(self, row: Row) -> list[str]:
        return [one for name in row.unless for one in self._rules.look_alikes[name]]

    def _reading(
        self,
        intent: Intent,
        rule: str | None,
        effects: Iterable[Effect] = (),
        confidence: Confidence = Confidence.LOW,
    ) -> Reading:
        return Reading(
            intent=intent,
            rule=rule,
            version=self.version,
            effects=frozenset(effects),
            confidence=confidence,
        )


@cache
def reply_parser() -> ReplyParser:
    """The parser by the running rules, made when the first text is read."""
    return ReplyParser()


def in_context(reading: Reading, context: Context) -> Reading:
    """The reading where it is known what it can answer. No visit is ever guessed."""
    if reading.intent not in _ABOUT_A_VISIT or context is Context.ONE_OPEN_VISIT:
        return reading
    if context in _UNCLEAR_VISIT or reading.intent is Intent.CONFIRM:
        return _unclear(reading, context)
    return reading


def _unclear(reading: Reading, context: Context) -> Reading:
    intent = Intent.OTHER if reading.intent is Intent.CONFIRM else reading.intent
    effects = {Effect.ASK_WHICH, *reading.effects}
    if context is Context.OPTED_OUT:
        effects = {Effect.MAY_RESUBSCRIBE, Effect.FOR_STAFF}
    return replace(reading, intent=intent, effects=frozenset(effects))


def _adds(row: Row, first: Row) -> frozenset[Effect]:
    if row.intent is first.intent:
        return row.effects
    also = _ALSO.get(row.intent)
    return row.effects | ({also} if also else frozenset())


def _doubts(row: Row, text: str) -> bool:
    """Whether a word that would confirm is asked: "Yes?" confirms nothing."""
    return row.intent is Intent.CONFIRM and _is_question(text)


def _is_question(text: str) -> bool:
    return any(mark in text for mark in _QUESTION_MARKS)
