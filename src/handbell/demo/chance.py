"""Chance that depends on the seed and a name alone, never on the order of draws."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Option = TypeVar("Option")


@dataclass(frozen=True, slots=True)
class Chance:
    """Every draw is a hash of the seed and its key: the same question has the same answer."""

    seed: int

    def draw(self, *key: object) -> int:
        joined = "\x1f".join(str(part) for part in (self.seed, *key))
        return int.from_bytes(hashlib.sha256(joined.encode()).digest()[:8])

    def below(self, limit: int, *key: object) -> int:
        """A number from 0 to `limit` - 1."""
        return self.draw(*key) % limit

    def happens(self, percent: int, *key: object) -> bool:
        """True as often as the percentage says."""
        return self.below(100, *key) < percent

    def weighted(self, shares: Mapping[Option, int], *key: object) -> Option:
        """One of the options, as often as its share says."""
        place = self.below(sum(shares.values()), *key)
        for option, share in shares.items():
            if place < share:
                return option
            place -= share
        raise AssertionError(place)

    def pick(self, options: Sequence[Option], *key: object) -> Option:
        return options[self.below(len(options), *key)]
