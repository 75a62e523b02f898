"""Stored receipt parts: written once, in transactions of their own, and remembered."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert

from handbell.messages.receipts import ReceiptPart
from handbell.messages.tables import ReceiptPartRow
from handbell.platform.db import Database, OrganizationId, Tx

REMEMBERED: Final = 50_000
"""Ids kept in memory; a part's id never changes."""


class ReceiptParts:
    """Gives the ids of parts. What is missing is inserted in a short transaction of its own, so
    that a long one (a bulk run) never makes others wait for a part they share."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._ids: dict[tuple[int, bytes], int] = {}

    async def ids(
        self, organization_id: OrganizationId, parts: Iterable[ReceiptPart]
    ) -> dict[bytes, int]:
        """The id of each part, by its digest."""
        wanted = {part.digest: part for part in parts}
        known = {
            digest: self._ids[organization_id, digest]
            for digest in wanted
            if (organization_id, digest) in self._ids
        }
        missing = [part for digest, part in sorted(wanted.items()) if digest not in known]
        if not missing:
            return known
        async with self._db.engine_transaction() as tx:
            found = await _ensure(tx, organization_id, missing)
        self._remember(organization_id, found)
        return known | found

    def _remember(self, organization_id: OrganizationId, found: dict[bytes, int]) -> None:
        if len(self._ids) + len(found) > REMEMBERED:
            self._ids.clear()
        self._ids.update({(organization_id, digest): no for digest, no in found.items()})


async def _ensure(
    tx: Tx, organization_id: OrganizationId, parts: list[ReceiptPart]
) -> dict[bytes, int]:
    rows = [
        {
            "organization_id": organization_id,
            "kind": part.kind,
            "digest": part.digest,
            "content": dict(part.content),
        }
        for part in parts
    ]
    await tx.execute(insert(ReceiptPartRow).on_conflict_do_nothing(), rows)
    statement = select(ReceiptPartRow.id, ReceiptPartRow.digest).where(
        ReceiptPartRow.organization_id == organization_id,
        tuple_(ReceiptPartRow.kind, ReceiptPartRow.digest).in_(
            [(part.kind.value, part.digest) for part in parts]
        ),
    )
    return {row.digest: row.id for row in await tx.execute(statement)}
