"""Long words with one letter too many, missing or wrong: `diabeties`, `colonoscpy`."""

from collections.abc import Iterator, Mapping
from typing import Final, Generic, TypeVar

_LONG: Final = 8
Meaning = TypeVar("Meaning")


class Slips(Generic[Meaning]):
    """Finds listed words of eight Latin letters and more, spelt with one mistake.

    The first letter must be right; shorter words have too many true neighbours ("cancel").
    """

    def __init__(self, meanings: Mapping[str, Meaning]) -> None:
        self._near: dict[str, tuple[str, Meaning]] = {}
        for word, meaning in meanings.items():
            if len(word) >= _LONG and word.isascii():
                for less in (word, *_without_one(word)):
                    self._near.setdefault(less, (word, meaning))

    def find(self, word: str) -> Meaning | None:
        """Give what the word means if it is one slip away from a listed one."""
        if len(word) < _LONG or not word.isascii() or not word.isalpha():
            return None
        for less in (word, *_without_one(word)):
            near, meaning = self._near.get(less, ("", None))
            if meaning is not None and abs(len(near) - len(word)) <= 1:
                return meaning
        return None


def _without_one(word: str) -> Iterator[str]:
    """The word without each of its letters but the first."""
    return (word[:at] + word[at + 1 :] for at in range(1, len(word)))
