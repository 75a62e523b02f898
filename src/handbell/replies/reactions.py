"""Reactions to a message: they quote our words, which must not be read as the patient's."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from handbell.replies.normal import normalize
from handbell.replies.quoting import QUOTES
from handbell.replies.rules import Reaction, RuleTable

_QUOTED: Final = re.compile(rf"{QUOTES}.*{QUOTES}", re.DOTALL)
_PICTURE: Final = re.compile(
    r"\b(an? (image|message|photo)|una? (imagen|mensaje|foto))\b", re.IGNORECASE
)


class ReactionReader:
    """Takes a reaction apart: which one it is, and what the patient wrote besides."""

    def __init__(self, rules: RuleTable) -> None:
        self._before = dict(_told(rules.reactions, "before"))
        self._after = dict(_told(rules.reactions, "after"))

    def split(self, text: str) -> tuple[Reaction | None, str]:
        """The reaction, if it is one, and the text outside of it."""
        quoted = _QUOTED.search(text) or _PICTURE.search(text)
        if quoted is None:
            return None, text
        before, after = text[: quoted.start()], text[quoted.end() :]
        if found := self._before.get(normalize(before)):
            return found, after
        if found := self._after.get(normalize(after)):
            return found, before
        return None, text


def _told(reactions: Iterable[Reaction], where: str) -> Iterator[tuple[str, Reaction]]:
    for reaction in reactions:
        for words in getattr(reaction, where):
            yield normalize(words), reaction
