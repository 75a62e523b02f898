"""How evenly organisations were served: pure functions of who received what, in order."""

from collections import Counter
from collections.abc import Mapping, Sequence


def jain(shares: Sequence[float]) -> float:
    """Jain's index: 1 where all have the same, 1/n where one has everything."""
    squares = sum(share**2 for share in shares)
    return 1.0 if squares == 0 else sum(shares) ** 2 / (len(shares) * squares)


def at_half(order: Sequence[int], sizes: Mapping[int, int]) -> list[float]:
    """The part of each organisation's messages that was among the first half of all.

    `order`: the organisation of each message as they arrived; `sizes`: how many each has.
    """
    half = Counter(order[: len(order) // 2])
    return [half[one] / size for one, size in sorted(sizes.items())]


def longest_wait(order: Sequence[int]) -> int:
    """The most messages of others between two of one organisation's, before its last."""
    seen: dict[int, int] = {}
    longest = 0
    for place, one in enumerate(order):
        longest = max(longest, place - seen.get(one, -1) - 1)
        seen[one] = place
    return longest
