"""The log's SQL: entries and blocks are inserted and read, never changed."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import RowMapping, func, insert, select, text

from handbell.audit.tables import AuditBlockRow, AuditEntryRow
from handbell.audit.types import AuditEntry, Block, Leaf
from handbell.platform.db import OrganizationId, Tx

SEALER_LOCK: Final = 7_201_001
PAGE: Final = 500
OWN_XID: Final = "pg_current_xact_id()::text::bigint"
_INSERT: Final = f"""
INSERT INTO audit_entries (organization_id, at, actor, action, subject, leaf, mac, xid)
VALUES ($1, $2, $3, $4, $5, $6, $7, {OWN_XID})
"""  # noqa: S608 - constants of ours only
_OLDEST_RUNNING: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


class LeafSource(Protocol):
    """Rows that are audit leaves themselves, such as a message's attempts.

    `leaves` gives those with `xid_from <= xid < xid_to` (no upper bound: `None`), ordered by
    xid and id, streamed. It runs under the engine role.
    """

    name: str

    def leaves(self, tx: Tx, *, xid_from: int, xid_to: int | None) -> AsyncIterator[Leaf]: ...


def mac_of(key: bytes, leaf: bytes) -> bytes:
    return hmac.new(key, leaf, hashlib.sha256).digest()


async def insert_entries(tx: Tx, entries: Sequence[AuditEntry], *, key: bytes) -> None:
    """Write entries with the number of the transaction that does so; reads nothing."""
    await tx.exec_driver_sql(_INSERT, [_to_values(entry, key) for entry in entries])


def _to_values(entry: AuditEntry, key: bytes) -> tuple[Any, ...]:
    leaf = entry.leaf()
    subject = json.dumps(dict(entry.subject))
    about = (entry.organization_id, entry.at, entry.actor, entry.action, subject)
    return (*about, leaf, mac_of(key, leaf))


class EntrySource:
    """The audit entries themselves as leaves."""

    name = "audit_entries"

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def leaves(self, tx: Tx, *, xid_from: int, xid_to: int | None) -> AsyncIterator[Leaf]:
        statement = (
            select(AuditEntryRow.__table__)
            .where(AuditEntryRow.xid >= xid_from)
            .order_by(AuditEntryRow.xid, AuditEntryRow.id)
        )
        if xid_to is not None:
            statement = statement.where(AuditEntryRow.xid < xid_to)
        async for row in (await tx.stream(statement)).mappings():
            yield self._to_leaf(row)

    def _to_leaf(self, row: RowMapping) -> Leaf:
        entry = AuditEntry(
            organization_id=OrganizationId(row["organization_id"]),
            at=row["at"],
            actor=row["actor"],
            action=row["action"],
            subject=row["subject"],
        )
        is_whole = entry.leaf() == row["leaf"]
        return Leaf(
            source=self.name,
            id=row["id"],
            organization_id=row["organization_id"],
            digest=row["leaf"],
            is_genuine=is_whole
            and hmac.compare_digest(mac_of(self._key, row["leaf"]), row["mac"]),
        )


async def take_sealer_lock(tx: Tx) -> bool:
    """Become the only sealer until the transaction ends, or hear that there is another."""
    taken: bool = (
        await tx.execute(select(func.pg_try_advisory_xact_lock(SEALER_LOCK)))
    ).scalar_one()
    return taken


async def oldest_running_xid(tx: Tx) -> int:
    """Every transaction below this number has ended: nothing can be added under it."""
    xid: int = (await tx.execute(text(_OLDEST_RUNNING))).scalar_one()
    return xid


async def find_last_block(tx: Tx) -> Block | None:
    statement = select(AuditBlockRow.__table__).order_by(AuditBlockRow.no.desc()).limit(1)
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else _to_block(row)


async def append_block(tx: Tx, block: Block, *, now: datetime) -> None:
    await tx.execute(
        insert(AuditBlockRow).values(
            no=block.no,
            xid_from=block.xid_from,
            xid_to=block.xid_to,
            count=block.count,
            root=block.root,
            hash=block.hash,
            sealed_at=now,
        )
    )


async def blocks(tx: Tx) -> AsyncIterator[Block]:
    """All blocks by number, read a page at a time."""
    after = -1
    while True:
        statement = (
            select(AuditBlockRow.__table__)
            .where(AuditBlockRow.no > after)
            .order_by(AuditBlockRow.no)
            .limit(PAGE)
        )
        page = (await tx.execute(statement)).mappings().all()
        for row in page:
            yield _to_block(row)
            after = row["no"]
        if len(page) < PAGE:
            return


async def find_sealing_block(
    tx: Tx, organization_id: OrganizationId, entry_id: int
) -> Block | None:
    """The block that holds this organisation's entry, once it is sealed."""
    statement = (
        select(AuditBlockRow.__table__)
        .join(
            AuditEntryRow,
            (AuditEntryRow.xid >= AuditBlockRow.xid_from)
            & (AuditEntryRow.xid < AuditBlockRow.xid_to),
        )
        .where(AuditEntryRow.id == entry_id, AuditEntryRow.organization_id == organization_id)
    )
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else _to_block(row)


def _to_block(row: RowMapping) -> Block:
    return Block(
        no=row["no"],
        xid_from=row["xid_from"],
        xid_to=row["xid_to"],
        count=row["count"],
        root=row["root"],
        hash=row["hash"],
    )
