"""Phrases of a part of the body and what is done to it or wrong with it: `knee x-ray`."""

from functools import lru_cache
from typing import Final

from handbell.templates.phi import lists
from handbell.templates.phi.reasons import PhiReason

REASONS: Final = (PhiReason.CONDITION, PhiReason.PROCEDURE, PhiReason.TEST, PhiReason.SPECIALTY)
_LANGUAGES: Final = ("en", "es", "hi", "hi-Latn")


@lru_cache(maxsize=4)
def phrases(reason: PhiReason) -> dict[str, list[str]]:
    """By language, every form of the reason with every part of the body put in."""
    listed = lists.read("bodies")
    return {
        language: [
            form.replace("_", part)
            for form in listed.get(f"{language}-{reason}", ())
            for part in listed[f"{language}-parts"]
        ]
        for language in _LANGUAGES
    }
