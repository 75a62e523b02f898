"""How hard a text is to read, per language (HL-01 to HL-03 of the regulation table).

English: Flesch-Kincaid grade, 0.39 words/sentence + 11.8 syllables/word - 15.59. Spanish:
INFLESZ (Szigriszt-Pazos), 206.835 - 62.3 syllables/word - words/sentence. Hindi has no accepted
formula: words per sentence. Both formulas are rough on texts of less than a hundred words.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

EASIEST_GRADE: Final = 6.0
LEAST_INFLESZ: Final = 65.0
MOST_HINDI_WORDS: Final = 12.0
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MASKED: Final = re.compile(r"\{\{.*?\}\}|https?://\S+", re.DOTALL)
_TAG: Final = re.compile(r"\{%.*?%\}", re.DOTALL)
_END: Final = re.compile(r"[.!?\u0964]+(?=\s|$)|\n+|:(?=\s)")
_WORD: Final = re.compile(r"[^\W\d_][\w'\u2019\u0900-\u097f-]*")
_GROUP: Final = re.compile(r"[aeiouy]+")
_SILENT_END: Final = re.compile(r"(?<=[^aeiouy])(?:e|es|ed)$")
_SOUNDED_END: Final = re.compile(r"(?:[^aeiouy]le|[^aeiouy]les|[td]ed|(?:[sxzc]|ch|sh|g)es)$")
_HIATUS: Final = re.compile(
    r"(?<![cgst])i[aou]|[aeiou]ing$|eo(?!us|pl)|ua(?!r)|(?<=[rd])ea$|eat(?=e|ion)|ie(?=t|nc)"
)
_INNER_E: Final = re.compile(r"(?<=[^aeiouy])e(?=(?:ment|ful|less|ly)s?$)")
_SPANISH: Final = re.compile(
    r"[aeoáéó](?=[aeoáéó])|[íú](?=[aeoáéó])|[aeoáéó](?=[íú])", re.IGNORECASE
)
_SPANISH_GROUP: Final = re.compile(r"[aeiouáéíóúü]+", re.IGNORECASE)
_FINAL_Y: Final = re.compile(r"(?<=[aeou])y$")
_SILENT_U: Final = re.compile(r"(?<=q)u(?=[eiéí])|(?<=g)u(?=[eiéí])", re.IGNORECASE)


class Formula:
    """Names of what is measured, as they are shown."""

    GRADE: Final = "flesch_kincaid_grade"
    INFLESZ: Final = "inflesz"
    HINDI: Final = "words_per_sentence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The measured value beside its limit; `is_easy` says whether it keeps it."""

    formula: str
    value: float
    limit: float
    is_easy: bool


def reading_of(source: str, *, language: str) -> Reading | None:
    """Measure a plain text that may hold variables; None for a language without a measure.

    Variables and addresses count as a word of one syllable: a name is not the author's choice.
    """
    measure = _MEASURES.get(language.replace("_", "-").split("-")[0].lower())
    return None if measure is None else measure(masked(source))


def flesch_kincaid(text: str) -> float:
    """The US school grade of an English text; 0 for one without words."""
    words, sentences = words_of(text), count_sentences(text)
    if not words:
        return 0.0
    syllables = sum(english_syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def inflesz(text: str) -> float:
    """The ease of a Spanish text, higher is easier: below 55 rather hard, above 65 easy."""
    words, sentences = words_of(text), count_sentences(text)
    if not words:
        return 100.0
    syllables = sum(spanish_syllables(word) for word in words)
    return 206.835 - 62.3 * syllables / len(words) - len(words) / sentences


def words_per_sentence(text: str) -> float:
    """The mean length of a sentence; 0 for a text without words."""
    return len(words_of(text)) / count_sentences(text)


def masked(source: str) -> str:
    """The text with a short word for each variable and address."""
    return _MASKED.sub("x", _TAG.sub("", _LINK.sub(r"\1.", source)))


def words_of(text: str) -> list[str]:
    """The words; numbers are none."""
    return _WORD.findall(text)


def count_sentences(text: str) -> int:
    """Sentences end at a full stop, at a colon, and where a line ends; at least one."""
    return max(1, sum(bool(words_of(part)) for part in _END.split(text)))


@lru_cache(maxsize=8192)
def english_syllables(word: str) -> int:
    """Groups of vowels, without an e that is not spoken. A word of capitals is read as one."""
    low = word.lower().replace("\u2019", "'").removesuffix("'s")
    parts = [part for part in low.split("-") if part]
    return max(1, sum(_english_part(part) for part in parts))


def _english_part(part: str) -> int:
    bare = _INNER_E.sub("", part)
    spoken = bare if _SOUNDED_END.search(bare) else _SILENT_END.sub("", bare)
    return max(1, len(_GROUP.findall(spoken)) + len(_HIATUS.findall(spoken)))


@lru_cache(maxsize=8192)
def spanish_syllables(word: str) -> int:
    """Groups of vowels, parted where two strong ones meet or a weak one bears the accent."""
    bare = _SILENT_U.sub("", _FINAL_Y.sub("i", word.lower()))
    return max(1, len(_SPANISH_GROUP.findall(bare)) + len(_SPANISH.findall(bare)))


def _english(text: str) -> Reading:
    value = flesch_kincaid(text)
    return Reading(
        formula=Formula.GRADE,
        value=round(value, 1),
        limit=EASIEST_GRADE,
        is_easy=value <= EASIEST_GRADE,
    )


def _spanish(text: str) -> Reading:
    value = inflesz(text)
    return Reading(
        formula=Formula.INFLESZ,
        value=round(value, 1),
        limit=LEAST_INFLESZ,
        is_easy=value >= LEAST_INFLESZ,
    )


def _hindi(text: str) -> Reading:
    value = words_per_sentence(text)
    return Reading(
        formula=Formula.HINDI,
        value=round(value, 1),
        limit=MOST_HINDI_WORDS,
        is_easy=value <= MOST_HINDI_WORDS,
    )


_MEASURES: Final[dict[str, Callable[[str], Reading]]] = {
    "en": _english,
    "es": _spanish,
    "hi": _hindi,
}
