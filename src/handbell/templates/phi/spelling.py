"""One spelling for what may be written in many ways: accents, case, dots, romanised Hindi."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

START: Final = r"(?<![\w\u0900-\u0963])"
END: Final = r"(?![\w\u0900-\u0963])"
"""The ends of a word for patterns: the vowel signs of Devanagari are no letters to `re`."""
_HIDDEN: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_ACCENT: Final = re.compile("[\u0300-\u036f\u093c]")
_LINK: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_DOTTED: Final = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_DIGIT: Final = re.compile(r"(?![0-9])\d")
_TOKEN: Final = re.compile(r"[\w\u0900-\u0963\u0966-\u097f]+|[.!?;:\u0964\n]")
_ENDS: Final = frozenset(".!?;:\u0964\n")
_DEVANAGARI: Final = str.maketrans("ँॉईऊीू", "ंाइउिु")
"""Long and short vowels, both signs of a nasal and the English o are mixed up in writing."""
_NASAL: Final = re.compile("[नमणङञ]्(?=[क-ह])")
_GLIDES: Final = ((re.compile(f"यि{END}"), "इ"), (re.compile(f"ये{END}"), "ए"))
_FOLDS: Final = (
    (re.compile("ee|ii"), "i"),
    (re.compile("oo|uu"), "u"),
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile("w"), "v"),
    (re.compile("z"), "j"),
    (re.compile("ph"), "f"),
    (re.compile("q"), "k"),
    (re.compile("iy(?=[aeo])"), "i"),
    (re.compile("^(?:mein|men|mai|main|mei)$"), "me"),
)
_SHORT: Final = 4


def without_hidden(text: str) -> str:
    """Drop links and characters that nobody sees, and unify the forms of letters and digits."""
    shown = _LINK.sub(" ", _HIDDEN.sub("", unicodedata.normalize("NFC", text)))
    return _DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), shown)


def without(known: Iterable[str], text: str) -> str:
    """Blank out known values, wherever they stand and in any case."""
    for value in sorted(filter(None, known), key=len, reverse=True):
        text = re.sub(f"{START}{re.escape(value)}{END}", "_", text, flags=re.IGNORECASE)
    return text


def plain(text: str) -> str:
    """Give the text in small letters without accents, with one spelling of Hindi sounds."""
    if text.isascii():
        return text.lower()
    bare = _ACCENT.sub("", unicodedata.normalize("NFD", text.casefold()))
    bare = _NASAL.sub("ं", bare.translate(_DEVANAGARI))
    for pattern, instead in _GLIDES:
        bare = pattern.sub(instead, bare)
    return bare


def tokens(text: str) -> list[str]:
    """Give the words in their plain spelling; the end of a sentence is a token of its own."""
    if "." in text:
        text = _DOTTED.sub(lambda found: found[0].replace(".", ""), text)
    return _TOKEN.findall(plain(text))


def stems(words: Iterable[str]) -> list[str]:
    return [stem(word) for word in words]


def ends_sentence(token: str) -> bool:
    return token in _ENDS


def stem(word: str) -> str:
    """Take off the plural, so that `tumores`, `tumors` and `tumor` are one word."""
    if len(word) <= _SHORT or not word.isascii():
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    singular = word[:-1] if word.endswith("s") and not word.endswith("ss") else word
    return singular.removesuffix("e")


def fold(word: str) -> str:
    """Bring the spellings of a Hindi word in Latin letters together: beemari, bimaari, bimari."""
    for pattern, instead in _FOLDS:
        word = pattern.sub(instead, word)
    return word
