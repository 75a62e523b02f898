"""English medical words in Devanagari: `मेटफॉर्मिन` is metformin by its consonants."""

import re
from functools import cache
from typing import Final

LEAST_SOUNDS: Final = 5
"""Fewer consonants than this are shared with everyday words: `कृष्ण` sounds like crocin."""
_DEVANAGARI: Final = {
    sign: sound
    for letters, sound in (
        ("कख", "k"),
        ("गघ", "g"),
        ("चछ", "c"),
        ("जझ", "j"),
        ("टठतथ", "t"),
        ("डढदध", "d"),
        ("प", "p"),
        ("फ", "f"),
        ("बभ", "b"),
        ("म", "m"),
        ("नणङञं", "n"),
        ("रऋृ", "r"),
        ("लळ", "l"),
        ("व", "v"),
        ("सशष", "s"),
    )
    for sign in letters
}
_LATIN: Final = (
    (re.compile("^x|z"), "j"),
    (re.compile("^ps"), "s"),
    (re.compile("^pn"), "n"),
    (re.compile("[ts]ion"), "sn"),
    (re.compile("ph"), "f"),
    (re.compile("ch|q"), "k"),
    (re.compile("x"), "ks"),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("c"), "k"),
    (re.compile("g(?=[eiy])"), "j"),
    (re.compile("w"), "v"),
    (re.compile("[aeiouyh]"), ""),
)
_BEFORE_LIP: Final = re.compile("m(?=[pb])")
_DOUBLE: Final = re.compile(r"(.)\1+")


@cache
def of_latin(word: str) -> str:
    """Give the consonants of an English word as Hindi writers hear them."""
    for pattern, instead in _LATIN:
        word = pattern.sub(instead, word)
    return _even(word)


def is_devanagari(word: str) -> bool:
    """Whether the word has a consonant in Devanagari."""
    return not word.isascii() and any(sign in _DEVANAGARI for sign in word)


def of_devanagari(word: str) -> str:
    """Give the consonants of a word in Devanagari; empty if it has none."""
    return _even("".join(_DEVANAGARI.get(sign, "") for sign in word))


def are_telling(sounds: str) -> bool:
    """Whether the consonants, of one word or several, are too many for a chance likeness."""
    return len(sounds.replace(" ", "")) >= LEAST_SOUNDS and all(map(len, sounds.split(" ")))


def _even(sounds: str) -> str:
    return _DOUBLE.sub(r"\1", _BEFORE_LIP.sub("n", sounds))
