"""One form for all ways to write the same. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

BOUNDARY: Final = "¶"
"""Stands between two sentences, as a word that no patient writes."""
_APOSTROPHES: Final = str.maketrans("", "", "'`\u00b4\u2018\u2019\u02bc")
_UNSEEN: Final = re.compile("[\ufe00-\ufe0f\u20e3\u093c\u0300-\u036f\U0001f3fb-\U0001f3ff]")
"""Variation selectors, keycap, nukta, accents on Latin letters, skin tones."""
_CANDRABINDU: Final = str.maketrans("\u0901", "\u0902")
"""Hindi is written with either sign above the letter."""
_DRAWN_OUT: Final = re.compile(r"([a-z])\1{2,}")
_SENTENCE: Final = re.compile(r"[^.!?;\u2026\u0964\n]+[.!?;\u2026\u0964\n]*")
_APART: Final = ("P", "Z", "C")


def normalize(text: str) -> str:
    """One form: case, width, digits of any script, accents, punctuation, letters drawn out.
    Vowel signs of Devanagari stay; each emoji is a word."""
    plain = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    seen = _UNSEEN.sub("", unicodedata.normalize("NFD", plain)).translate(_CANDRABINDU)
    words = "".join(_letter(character) for character in seen).split()
    return _DRAWN_OUT.sub(r"\1", " ".join(words))


@lru_cache(maxsize=4096)
def _letter(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf":
        return ""
    if category == "So":
        return f" {character} "
    is_apart = category[0] in _APART or category in {"Sc", "Sk", "Sm"}
    return " " if is_apart else character


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text that hold anything, as they were written."""
    return (part for part in _SENTENCE.findall(text) if normalize(part))


def in_sentences(text: str) -> str:
    """The text in one form with a mark after each sentence; every word is followed by a space."""
    return "".join(f"{normalize(part)} {BOUNDARY} " for part in sentences(text))


def without_emoji(normalized: str) -> str:
    words = normalized.split()
    return " ".join(word for word in words if unicodedata.category(word[0]) != "So")
