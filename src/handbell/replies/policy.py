"""Reads a patient's text by whole-message rules, the same for every patient and language.

A missed opt-out is the worst error: its words also count with a "please" around them, twice in
a row, beside an emoji, and as a sentence that opens a longer text.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from handbell.replies.rules import Row, RuleTable, load_rules
from handbell.replies.types import Intent, Reading

_LONGEST: Final = 2000
"""Characters that are looked at; no rule is longer, and a text message is not either."""
_APOSTROPHES: Final = str.maketrans("", "", "'`\u00b4\u2018\u2019\u02bc")
_UNSEEN: Final = re.compile("[\ufe00-\ufe0f\u20e3\u093c\u0300-\u036f\U0001f3fb-\U0001f3ff]")
"""Variation selectors, keycap, nukta, accents on Latin letters, skin tones."""
_SENTENCE_END: Final = re.compile(r"[.!?,;:\u2026\u0964\n]|\s[\u2013\u2014-]+\s")
_PROVIDER_STOP: Final = "STOP"


class ReplyParser:
    """Says what a text means. Cheap enough to run before a webhook is answered."""

    def __init__(self, rules: RuleTable | None = None) -> None:
        rules = rules or load_rules()
        self.version = rules.version
        self._polite = tuple(tuple(normalize(words).split()) for words in rules.polite)
        self._rows: dict[str, Row] = {}
        for row in rules.rows:
            for words in row.words:
                self._rows.setdefault(normalize(words), row)

    def read(self, text: str, *, provider_says: str | None = None) -> Reading:
        """What the text means. `provider_says` is Twilio's OptOutType: its STOP always counts."""
        row = self._find(text[:_LONGEST])
        if provider_says == _PROVIDER_STOP and (row is None or row.intent is not Intent.STOP):
            return Reading(intent=Intent.STOP, rule="optout.provider", version=self.version)
        if row is None:
            return Reading(intent=Intent.OTHER, rule=None, version=self.version)
        return Reading(intent=row.intent, rule=row.id, version=self.version, effects=row.effects)

    def _find(self, text: str) -> Row | None:
        whole = normalize(text)
        if row := self._rows.get(whole):
            return row
        if (row := self._rows.get(self._bare(whole))) and not row.alone:
            return row
        for candidate in _stop_candidates(text):
            row = self._rows.get(self._bare(candidate))
            if row and row.intent is Intent.STOP and not row.alone:
                return row
        return None

    def _bare(self, normalized: str) -> str:
        """Without politeness at either end, and a repeated word once."""
        words = tuple(normalized.split())
        while words and (shorter := self._less_polite(words)) != words:
            words = shorter
        return words[0] if len(set(words)) == 1 else " ".join(words)

    def _less_polite(self, words: tuple[str, ...]) -> tuple[str, ...]:
        for polite in self._polite:
            if words[: len(polite)] == polite:
                return words[len(polite) :]
            if words[-len(polite) :] == polite:
                return words[: -len(polite)]
        return words


def normalize(text: str) -> str:
    """One form for all ways to write the same: case, width, digits of any script, accents and
    punctuation. Vowel signs of Devanagari stay."""
    plain = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    seen = _UNSEEN.sub("", unicodedata.normalize("NFD", plain))
    return " ".join("".join(_letter(character) for character in seen).split())


def _letter(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf":
        return ""
    is_apart = category[0] in "PZC" or category in {"Sc", "Sk", "Sm"}
    return " " if is_apart else character


def _stop_candidates(text: str) -> Iterator[str]:
    """The sentence that opens the text; and the text without its emoji."""
    opening = next((part for part in _SENTENCE_END.split(text) if normalize(part)), "")
    yield normalize(opening)
    words = normalize(text)
    yield " ".join("".join(c for c in words if unicodedata.category(c) != "So").split())
