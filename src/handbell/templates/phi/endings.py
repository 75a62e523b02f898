"""Word endings that name a kind of thing: `-pril` is a drug, `-ectomy` an operation.

The stems of drugs are the international ones of the World Health Organization; the rest is the
Greek of medicine. They recognise what no list holds.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from handbell.templates.phi import lists
from handbell.templates.phi.reasons import PhiReason
from handbell.templates.phi.spelling import plain

_LEAST: Final = 3
"""Letters that stand before the ending in any true word."""


@lru_cache(maxsize=1)
def _patterns() -> Mapping[PhiReason, re.Pattern[str]]:
    listed = lists.read("endings")
    return {
        PhiReason(reason): re.compile(
            rf"[\w\u0900-\u0963]{{{_LEAST},}}(?:{'|'.join(plain(end) for end in ends)})s?"
        )
        for reason, ends in listed.items()
        if reason != "but"
    }


@lru_cache(maxsize=1)
def _others() -> frozenset[str]:
    return frozenset(plain(word) for word in lists.read("endings")["but"])


def is_everyday(word: str) -> bool:
    """Whether the word only looks like one of medicine: by its end, a letter or its sound."""
    return word in _others() or word.removesuffix("s") in _others()


@lru_cache(maxsize=4096)
def find(word: str) -> PhiReason | None:
    """Say what a word in its plain spelling must be by its ending; None if nothing."""
    if is_everyday(word):
        return None
    for reason, pattern in _patterns().items():
        if pattern.fullmatch(word):
            return reason
    return None
