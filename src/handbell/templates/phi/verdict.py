"""The filter itself: every finding in a text, and the level they add up to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from handbell.templates.levels import DisclosureLevel
from handbell.templates.phi import hints, identifiers, notices, places, results, words
from handbell.templates.phi.reasons import LEVEL_OF, PhiReason
from handbell.templates.phi.spelling import without, without_hidden


@dataclass(frozen=True, slots=True)
class Verdict:
    """The highest level of all findings, L0 where there are none, and the findings."""

    level: DisclosureLevel
    reasons: tuple[PhiReason, ...]

    def is_leak(self, ceiling: DisclosureLevel) -> bool:
        """Whether the text tells more than may be told."""
        return self.level > ceiling


def classify(text: str, *, language: str, now: datetime, known: tuple[str, ...] = ()) -> Verdict:
    """Say how much the text tells, and what of it.

    `known` are values that may stand in any text, such as the sender's name: whatever they
    hold is not counted. `language` is a code such as `es-MX`; it decides which of two meanings
    a word has. A full date counts as a birth date when its year is before last year: a visit
    of ours is never that old.
    """
    bare = without(known, without_hidden(text))
    clinical = _clinical(bare, language=language, now=now)
    found = tuple(dict.fromkeys((*clinical, *hints.find(bare))))
    level = max((LEVEL_OF[reason] for reason in found), default=DisclosureLevel.L0)
    return Verdict(level, found)


def find_phi(
    text: str, *, now: datetime, language: str = "", known: tuple[str, ...] = ()
) -> tuple[PhiReason, ...]:
    """Say what of level 3 the text gives away; empty if nothing was found."""
    bare = without(known, without_hidden(text))
    return tuple(dict.fromkeys(_clinical(bare, language=language, now=now)))


def _clinical(text: str, *, language: str, now: datetime) -> Iterator[PhiReason]:
    yield from identifiers.find(notices.without_public(text), now=now)
    yield from results.find(places.without_places(text))
    private = notices.without_public(places.without_places(hints.without_greeted_name(text)))
    yield from words.find(private, language=language)
