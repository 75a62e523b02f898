"""Merkle trees as in RFC 6962, section 2.1: leaves and nodes are hashed under different prefixes,
so that a node can never pass for a leaf."""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class RootBuilder:
    """Takes leaves one by one and keeps only log2(n) hashes."""

    def __init__(self) -> None:
        self.count = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        node, complete = leaf_hash(leaf), self.count
        while complete & 1:
            node, complete = node_hash(self._peaks.pop(), node), complete >> 1
        self._peaks.append(node)
        self.count += 1

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node


def root(leaves: Sequence[bytes]) -> bytes:
    builder = RootBuilder()
    for leaf in leaves:
        builder.add(leaf)
    return builder.root()


def path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes beside the way from leaf `index` up to the root, lowest first."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return (*path(left, index), root(right))
    return (*path(right, index - split), root(left))


def verify_path(
    leaf: bytes, *, index: int, count: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Say whether `leaf` is number `index` of the `count` leaves under `root`."""
    if not 0 <= index < count:
        return False
    sides = _sides(index, count)
    if len(sides) != len(path):
        return False
    node = leaf_hash(leaf)
    for is_left, beside in zip(sides, path, strict=True):
        node = node_hash(node, beside) if is_left else node_hash(beside, node)
    return node == root


def _sides(index: int, count: int) -> list[bool]:
    """For each step from the leaf up: does the node stand on the left of its sister?"""
    sides = []
    while count > 1:
        split = _split(count)
        sides.append(index < split)
        index, count = (index, split) if index < split else (index - split, count - split)
    return sides[::-1]


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (which is at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)
