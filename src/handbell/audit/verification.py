"""One walk over the whole log, a leaf at a time, that stops at the first flaw."""

from collections.abc import AsyncIterator
from typing import Protocol

from handbell.audit import merkle, store
from handbell.audit.types import Block, Finding, Flaw, Head, Leaf, Verification, block_hash
from handbell.platform.db import Tx


class Leaves(Protocol):
    """Streams the leaves of a range of transactions."""

    def __call__(self, tx: Tx, *, xid_from: int, xid_to: int | None) -> AsyncIterator[Leaf]: ...


class Verifier:
    """Holds how far the walk has come."""

    def __init__(self, tx: Tx, leaves: Leaves, known_head: Head | None) -> None:
        self._tx = tx
        self._leaves = leaves
        self._known = known_head
        self._entries = 0
        self._unsealed = 0
        self._last: Block | None = None

    async def run(self, genesis: bytes) -> Verification:
        flaw = await self._check_blocks(genesis) or self._check_head() or await self._check_tail()
        last = self._last
        return Verification(
            flaw=flaw,
            blocks=last.no if last else 0,
            entries=self._entries,
            unsealed=self._unsealed,
            head=Head(no=last.no, hash=last.hash) if last else None,
        )

    async def _check_blocks(self, genesis: bytes) -> Flaw | None:
        async for block in store.blocks(self._tx):
            previous = self._last.hash if self._last else genesis
            if flaw := self._check_chain(block, previous) or await self._check_content(block):
                return flaw
            self._last = block
        return None

    def _check_chain(self, block: Block, previous: bytes) -> Flaw | None:
        no, xid_from = (self._last.no + 1, self._last.xid_to) if self._last else (1, 0)
        if block.no != no:
            return Flaw(finding=Finding.BLOCK_MISSING, block_no=no)
        expected = block_hash(previous, no=block.no, count=block.count, root=block.root)
        known = self._known.hash if self._known and self._known.no == no else block.hash
        if (block.xid_from, block.hash, block.hash) != (xid_from, expected, known):
            return Flaw(finding=Finding.BLOCK_ALTERED, block_no=no)
        return None

    async def _check_content(self, block: Block) -> Flaw | None:
        tree = merkle.RootBuilder()
        async for leaf in self._leaves(self._tx, xid_from=block.xid_from, xid_to=block.xid_to):
            if flaw := self._check_leaf(leaf, block.no):
                return flaw
            tree.add(leaf.digest)
        if tree.count != block.count:
            is_short = tree.count < block.count
            finding = Finding.ENTRY_MISSING if is_short else Finding.ENTRY_ADDED
            return Flaw(finding=finding, block_no=block.no)
        if tree.root() != block.root:
            return Flaw(finding=Finding.BLOCK_ALTERED, block_no=block.no)
        return None

    def _check_leaf(self, leaf: Leaf, block_no: int | None) -> Flaw | None:
        self._entries += 1
        if leaf.is_genuine:
            return None
        return Flaw(
            finding=Finding.ENTRY_ALTERED, block_no=block_no, source=leaf.source, entry_id=leaf.id
        )

    def _check_head(self) -> Flaw | None:
        reached = self._last.no if self._last else 0
        if self._known and self._known.no > reached:
            return Flaw(finding=Finding.BLOCK_MISSING, block_no=reached + 1)
        return None

    async def _check_tail(self) -> Flaw | None:
        xid_from = self._last.xid_to if self._last else 0
        async for leaf in self._leaves(self._tx, xid_from=xid_from, xid_to=None):
            self._unsealed += 1
            if flaw := self._check_leaf(leaf, None):
                return flaw
        return None
