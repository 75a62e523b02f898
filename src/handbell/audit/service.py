"""Writes the log, seals it, verifies it. Entries are written in the transaction of the act."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from handbell.audit import merkle, store
from handbell.audit.errors import SealedEntryNotFound
from handbell.audit.store import EntrySource, LeafSource
from handbell.audit.types import (
    AuditEntry,
    Block,
    Head,
    InclusionProof,
    Leaf,
    Verification,
    block_hash,
)
from handbell.audit.verification import Verifier
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx

__all__ = ["OWN_XID", "AuditService", "LeafSource", "seal_with"]

OWN_XID: Final = store.OWN_XID
"""SQL for the number of the running transaction, for rows that are leaves themselves."""

GENESIS: Final = bytes(32)


def seal_with(keys: KeyRing, entry: AuditEntry) -> tuple[bytes, bytes]:
    """Leaf and mac of a row that is a leaf itself, where there is no service at hand."""
    leaf = entry.leaf()
    return leaf, store.mac_of(keys.audit_key, leaf)


class AuditService:
    """The log of acts and reads. `sources` adds rows of other tables that are leaves."""

    def __init__(self, db: Database, keys: KeyRing, sources: Sequence[LeafSource] = ()) -> None:
        self._db = db
        self._key = keys.audit_key
        self._sources: tuple[LeafSource, ...] = (EntrySource(keys.audit_key), *sources)

    def add_source(self, source: LeafSource) -> None:
        """Let rows of another table be leaves too; called where the product is put together."""
        self._sources = (*self._sources, source)

    def seal_leaf(self, entry: AuditEntry) -> tuple[bytes, bytes]:
        """Leaf and mac of a row that is a leaf itself (see `LeafSource`)."""
        leaf = entry.leaf()
        return leaf, store.mac_of(self._key, leaf)

    def is_genuine(self, entry: AuditEntry, *, leaf: bytes, mac: bytes) -> bool:
        """Whether a stored leaf and mac are those of the entry."""
        return self.seal_leaf(entry) == (leaf, mac)

    async def record(self, tx: Tx, entry: AuditEntry) -> None:
        """Append one entry in the caller's transaction."""
        await store.insert_entries(tx, [entry], key=self._key)

    async def record_many(self, tx: Tx, entries: Sequence[AuditEntry]) -> None:
        """Append several entries in the caller's transaction; none is fine."""
        if entries:
            await store.insert_entries(tx, entries, key=self._key)

    async def seal_once(self, *, now: datetime) -> Head | None:
        """Seal what no running transaction can add to any more.

        Gives the new head (for the log and the metric), or `None` when there was nothing to
        seal or another sealer is at work.
        """
        async with self._db.engine_transaction() as tx:
            if not await store.take_sealer_lock(tx):
                return None
            last = await store.find_last_block(tx)
            block = await self._build_block(tx, last)
            if block.count == 0:
                return None
            await store.append_block(tx, block, now=now)
        return Head(no=block.no, hash=block.hash)

    async def verify(self, *, known_head: Head | None = None) -> Verification:
        """Check macs, counts, roots and the chain, and name the first flaw.

        `known_head` is a head noted earlier, outside the database: only with it does a cut
        tail of blocks show, because the entries under it look as if not sealed yet.
        """
        async with self._db.engine_transaction() as tx:
            return await Verifier(tx, self._leaves, known_head).run(GENESIS)

    async def prove(self, organization_id: OrganizationId, entry_id: int) -> InclusionProof:
        """Show that the organisation's entry is sealed, without any other entry's content."""
        async with self._db.engine_transaction() as tx:
            block = await store.find_sealing_block(tx, organization_id, entry_id)
            if block is None:
                raise SealedEntryNotFound("The entry is not sealed.", entry_id=entry_id)
            leaves = [
                leaf
                async for leaf in self._leaves(tx, xid_from=block.xid_from, xid_to=block.xid_to)
            ]
        return _to_proof(block, leaves, entry_id)

    async def _build_block(self, tx: Tx, last: Block | None) -> Block:
        xid_from = last.xid_to if last else 0
        xid_to = await store.oldest_running_xid(tx)
        tree = merkle.RootBuilder()
        async for leaf in self._leaves(tx, xid_from=xid_from, xid_to=xid_to):
            tree.add(leaf.digest)
        no, previous = (last.no + 1, last.hash) if last else (1, GENESIS)
        root = tree.root()
        return Block(
            no=no,
            xid_from=xid_from,
            xid_to=xid_to,
            count=tree.count,
            root=root,
            hash=block_hash(previous, no=no, count=tree.count, root=root),
        )

    async def _leaves(self, tx: Tx, *, xid_from: int, xid_to: int | None) -> AsyncIterator[Leaf]:
        for source in self._sources:
            async for leaf in source.leaves(tx, xid_from=xid_from, xid_to=xid_to):
                yield leaf


def _to_proof(block: Block, leaves: Sequence[Leaf], entry_id: int) -> InclusionProof:
    index = next(
        i
        for i, leaf in enumerate(leaves)
        if (leaf.source, leaf.id) == (EntrySource.name, entry_id)
    )
    digests = [leaf.digest for leaf in leaves]
    return InclusionProof(
        block_no=block.no,
        index=index,
        count=len(leaves),
        leaf=digests[index],
        path=merkle.path(digests, index),
        root=block.root,
    )
