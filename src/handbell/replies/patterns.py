"""The small language in which the rules file writes phrases.

`stop <send> [me]`: "stop", a word of the class `send`, then perhaps "me". `(a|b c)`: one of
them. `...`: up to four words of the same sentence. `dej*`: any ending. `¶`: the end of a
sentence. Everything else is a word, in any form that `normalize` makes equal.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

from handbell.replies.normal import BOUNDARY, normalize

Classes = Mapping[str, tuple[str, ...]]

_PIECE: Final = re.compile(r"<\w+>|\.\.\.|[\[\]()|]|[^\s\[\]()|<>]+")
_GAP: Final = rf"(?:(?!{BOUNDARY})\S+ ){{0,4}}"
_WORD: Final = re.compile(r"(?<!\S)\S+")


class Phrases:
    """Phrases to look for in a text in which a space follows every word.

    They are kept by their first word, so that few of them are tried at each place.
    """

    def __init__(self, phrases: Iterable[str], classes: Classes) -> None:
        self._by_word: dict[str, list[_Phrase]] = defaultdict(list)
        for phrase in (_Phrase(text, classes) for text in phrases):
            for word in phrase.first_words:
                self._by_word[word].append(phrase)
        starts = {word.removesuffix("*") for word in self._by_word if word.endswith("*")}
        self._start_lengths = sorted({len(start) for start in starts})
        self._words = frozenset(self._by_word)
        self._start = re.compile(rf"(?<!\S)(?:{'|'.join(starts) or '(?!)'})")

    def is_in(self, text: str) -> bool:
        return next(self._spans(text), None) is not None

    def take_out(self, text: str, instead: str = "") -> str:
        """The text without what the phrases cover; where several begin, the longest counts."""
        kept, done = [], 0
        for start, end in self._spans(text):
            if start >= done:
                kept += [text[done:start], instead]
                done = end
        return "".join([*kept, text[done:]])

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        if self._words.isdisjoint(text.split()) and not self._start.search(text):
            return
        for word in _WORD.finditer(text):
            start = word.start()
            if end := max((one.end(text, start) for one in self._candidates(word[0])), default=0):
                yield start, end

    def _candidates(self, word: str) -> Iterator["_Phrase"]:
        yield from self._by_word.get(word, ())
        for length in self._start_lengths:
            yield from self._by_word.get(f"{word[:length]}*", ())


class _Phrase:
    """One phrase; its pattern is compiled when its first word is met."""

    def __init__(self, text: str, classes: Classes) -> None:
        self._reader = _Reader(text, classes)
        self._source, self.first_words, may_be_empty = self._reader.alternatives()
        if may_be_empty or self._reader.pieces:
            raise ValueError(f"{text!r} is no phrase")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self._source)

    def end(self, text: str, start: int) -> int:
        """Where the phrase ends that begins at `start`; 0 where none does."""
        found = self._pattern.match(text, start)
        return found.end() if found else 0


_Part = tuple[str, frozenset[str], bool]
"""A pattern, the words that it can begin with, and whether it can be empty."""


class _Reader:
    """Turns a phrase into a pattern."""

    def __init__(self, text: str, classes: Classes) -> None:
        self.pieces = _PIECE.findall(text)
        self._text = text
        self._classes = classes

    def alternatives(self) -> _Part:
        parts = [self._sequence()]
        while self.pieces and self.pieces[0] == "|":
            del self.pieces[0]
            parts.append(self._sequence())
        sources, firsts, empty = zip(*parts, strict=True)
        return f"(?:{'|'.join(sources)})", frozenset().union(*firsts), any(empty)

    def _sequence(self) -> _Part:
        source, firsts, is_empty = "", frozenset[str](), True
        while self.pieces and self.pieces[0] not in {"|", ")", "]"}:
            more, words, may_be_empty = self._part()
            source += more
            firsts |= words if is_empty else frozenset()
            is_empty = is_empty and may_be_empty
        return source, firsts, is_empty

    def _part(self) -> _Part:
        piece = self.pieces.pop(0)
        if piece in {"(", "["}:
            source, firsts, is_empty = self.alternatives()
            self.pieces.pop(0)
            return (source, firsts, is_empty) if piece == "(" else (f"{source}?", firsts, True)
        if piece == "...":
            return _GAP, frozenset(), True
        if piece.startswith("<"):
            return _Reader("|".join(self._classes[piece[1:-1]]), self._classes).alternatives()
        return self._word(piece)

    def _word(self, piece: str) -> _Part:
        if piece == BOUNDARY:
            return f"{BOUNDARY} ", frozenset([BOUNDARY]), False
        words = normalize(piece.removesuffix("*"))
        if not words:
            raise ValueError(f"{piece!r} in {self._text!r} is no word")
        first = words.split()[0]
        if piece.endswith("*"):
            return rf"{re.escape(words)}\S* ", frozenset([f"{first}*"]), False
        return f"{re.escape(words)} ", frozenset([first]), False
