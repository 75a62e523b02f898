"""What may be wrong with a template: a rule, the place, and a sentence for its author."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from handbell.templates.places import Place


class LintRule(StrEnum):
    """What is wrong with a template. Values are shown: append only."""

    SYNTAX = "syntax"
    MALFORMED = "malformed"
    UNKNOWN_VARIABLE = "unknown_variable"
    TOO_LONG = "too_long"
    TOO_MANY_SEGMENTS = "too_many_segments"
    NO_SIBLING = "no_sibling"
    LEAKS = "leaks"
    UNSAFE_LINK = "unsafe_link"
    PUBLIC_SHORTENER = "public_shortener"
    RESERVED_MENU_WORD = "reserved_menu_word"
    WHATSAPP_FORM = "whatsapp_form"
    PROMOTIONAL = "promotional"
    ELEMENT_MISSING = "element_missing"
    READING_LEVEL = "reading_level"


ACCEPTABLE: Final = frozenset({LintRule.READING_LEVEL})
"""A person may publish in spite of these, by name: the measure is rough on short texts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach. The message holds names, numbers and words of the author, no patient's data."""

    rule: LintRule
    place: Place
    message: str

    def to_details(self) -> dict[str, object]:
        """What an error or an answer shows of it."""
        return {"rule": self.rule.value, **self.place.to_details(), "message": self.message}
