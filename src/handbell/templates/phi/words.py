"""Names of illnesses, drugs, procedures, tests and specialties, from packaged lists."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final

from handbell.templates.phi import bodies, endings, lists, sounds
from handbell.templates.phi.reasons import PhiReason
from handbell.templates.phi.slips import Slips
from handbell.templates.phi.spelling import ends_sentence, fold, stems, tokens


class _Role(StrEnum):
    """Words that are no finding by themselves.

    After an `opener` ("if you have"), up to the end of the sentence, a `symptom` tells nothing
    of the reader; anywhere else it is a condition.
    """

    HARMLESS = "harmless"
    OPENER = "opener"
    SYMPTOM = "symptom"


_Entry = PhiReason | _Role
_FILES: Final[Mapping[str, _Entry]] = {
    "conditions": PhiReason.CONDITION,
    "drugs": PhiReason.DRUG,
    "procedures": PhiReason.PROCEDURE,
    "tests": PhiReason.TEST,
    "specialties": PhiReason.SPECIALTY,
    "symptoms": _Role.SYMPTOM,
    "openers": _Role.OPENER,
    "harmless": _Role.HARMLESS,
}
_EVERYWHERE: Final = ("en", "es", "hi")
_ROMANISED: Final = "hi-Latn"
_UNKNOWN: Final = ""


class WordList:
    """The entries that count in texts of one language; of two at a place the longer counts.

    `folded` are Hindi words in Latin letters, compared in their folded spelling; `long_words` are
    recognised with one letter wrong. English words in Devanagari are compared by their consonants.
    """

    def __init__(
        self,
        entries: Mapping[str, _Entry],
        *,
        folded: Mapping[str, _Entry],
        long_words: Slips[_Entry],
    ) -> None:
        self._entries = entries
        self._folded = folded
        self._long_words = long_words
        self._longest = max(key.count(" ") + 1 for key in (*entries, *folded))

    def find(self, text: str) -> Iterator[PhiReason]:
        """Give the reason of each finding, in the order of the text."""
        is_conditional = False
        for entry in self._entries_in(tokens(text)):
            match entry:
                case PhiReason():
                    yield entry
                case _Role.SYMPTOM if not is_conditional:
                    yield PhiReason.CONDITION
                case _Role.OPENER | None:
                    is_conditional = entry is _Role.OPENER

    def _entries_in(self, words: list[str]) -> Iterator[_Entry | None]:
        """The entries in their order; None where a sentence ends."""
        stemmed = stems(words)
        spellings = [(self._entries, stemmed)]
        if self._folded:
            spellings.append((self._folded, [fold(word) for word in stemmed]))
        if any(map(sounds.is_devanagari, words)):
            spellings.append((_heard(), [_sounds(word) for word in words]))
        at = 0
        while at < len(words):
            if ends_sentence(words[at]):
                yield None
            length, entry = self._longest_at(spellings, at)
            if entry is None:
                entry = self._alike(words[at])
            if entry is not None:
                yield entry
            at += length

    def _alike(self, word: str) -> _Entry | None:
        if endings.is_everyday(word):
            return None
        return endings.find(word) or self._long_words.find(word)

    def _longest_at(
        self, spellings: Sequence[tuple[Mapping[str, _Entry], list[str]]], at: int
    ) -> tuple[int, _Entry | None]:
        words = spellings[0][1]
        for length in range(min(self._longest, len(words) - at), 0, -1):
            for entries, spelt in spellings:
                entry = entries.get(" ".join(spelt[at : at + length]))
                if entry is not None:
                    return length, entry
        return 1, None


def _sounds(word: str) -> str:
    """The consonants of a word in Devanagari; a mark that no entry has for any other word."""
    return ("" if endings.is_everyday(word) else sounds.of_devanagari(word)) or "-"


def find(text: str, *, language: str) -> Iterator[PhiReason]:
    """Give what the lists know in the text.

    All languages are looked for in every text, because they are mixed; but a word with another
    meaning elsewhere counts in its own language only (`es-only`: "gripe"). An unknown
    language counts as each of them.
    """
    return _list_for(language.partition("-")[0].casefold()).find(text)


@lru_cache(maxsize=8)
def _list_for(base: str) -> WordList:
    known = base if base in _EVERYWHERE else _UNKNOWN
    own = [f"{one}-only" for one in _EVERYWHERE if known in (one, _UNKNOWN)]
    entries = {
        _stemmed(word): entry
        for words, entry in _lists()
        for key in (*_EVERYWHERE, *own)
        for listed in words.get(key, ())
        for word in _genders(listed)
    }
    folded = {
        " ".join(fold(token) for token in stems(tokens(word))): entry
        for words, entry in _lists()
        for word in words.get(_ROMANISED, ())
        if known in ("hi", _UNKNOWN)
    }
    return WordList(entries, folded=folded, long_words=_long_words())


@cache
def _stemmed(words: str) -> str:
    """An entry as it is compared; it is the same in the lists of all languages."""
    return " ".join(stems(tokens(words)))


@lru_cache(maxsize=1)
def _heard() -> dict[str, _Entry]:
    """English entries by their consonants, where there are enough of them to tell."""
    heard = {
        " ".join(sounds.of_latin(token) for token in tokens(word)): entry
        for words, entry in _lists()
        if entry is not _Role.OPENER
        for word in words.get("en", ())
    }
    return {key: entry for key, entry in heard.items() if sounds.are_telling(key)}


@lru_cache(maxsize=1)
def _long_words() -> Slips[_Entry]:
    single = {
        words[0]: entry
        for listed, entry in _lists()
        for key in _EVERYWHERE
        for one in listed.get(key, ())
        for word in _genders(one)
        if len(words := tokens(word)) == 1
    }
    return Slips(single)


def _genders(listed: str) -> tuple[str, ...]:
    """Both forms of `asmático/a`."""
    if not listed.endswith("/a"):
        return (listed,)
    man = listed.removesuffix("/a")
    return man, f"{man.removesuffix('o')}a"


@lru_cache(maxsize=1)
def _lists() -> tuple[tuple[dict[str, list[str]], _Entry], ...]:
    whole = tuple((lists.read(name), entry) for name, entry in _FILES.items())
    return (*whole, *((bodies.phrases(reason), reason) for reason in bodies.REASONS))
