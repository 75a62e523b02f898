"""What the audit log keeps of each ledger entry, and those rows as leaves of the log."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, RowMapping, select

from handbell.audit.service import OWN_XID, AuditService, seal_with
from handbell.audit.types import AuditEntry, Leaf
from handbell.consent.tables import ConsentWitnessRow
from handbell.consent.types import Entry, Witness
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx

WITNESSES: Final = ConsentWitnessRow.__table__
_INSERT: Final = f"""
INSERT INTO consent_witnesses
    (organization_id, address_id, no, hash, at, actor, leaf, mac, xid)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {OWN_XID})
"""  # noqa: S608 - constants of ours only


async def witness(
    tx: Tx,
    organization_id: OrganizationId,
    address_id: int,
    entry: Entry,
    *,
    keys: KeyRing,
    now: datetime,
) -> None:
    """Let the audit log know of an entry, in the transaction that writes it."""
    row = {"address_id": address_id, "no": entry.no, "hash": entry.hash}
    told = row | {"organization_id": organization_id, "at": now, "actor": entry.decision.actor}
    leaf, mac = seal_with(keys, witness_entry(told))
    of_entry = (organization_id, address_id, entry.no, entry.hash, now, entry.decision.actor)
    await tx.exec_driver_sql(_INSERT, (*of_entry, leaf, mac))


def witness_entry(row: dict[str, Any] | RowMapping) -> AuditEntry:
    """What is sealed of a witness."""
    return AuditEntry(
        organization_id=OrganizationId(row["organization_id"]),
        at=row["at"],
        actor=row["actor"],
        action="consent.recorded",
        subject={
            "address_id": row["address_id"],
            "no": row["no"],
            "sha256": row["hash"].hex(),
        },
    )


async def witnesses_of(
    tx: Tx, keys: KeyRing, address_ids: Iterable[int]
) -> dict[int, list[Witness]]:
    """The genuine witnesses of some addresses, by number."""
    ids = list(address_ids)
    found: dict[int, list[Witness]] = {address_id: [] for address_id in ids}
    statement = select(WITNESSES).where(WITNESSES.c.address_id.in_(ids)).order_by(WITNESSES.c.no)
    for row in await tx.execute(statement):
        if _is_genuine(row, keys):
            found[row.address_id].append(_to_witness(row))
    return found


async def all_witnesses(tx: Tx, keys: KeyRing) -> AsyncIterator[list[Witness]]:
    """The genuine witnesses of every address, in the order of the addresses: for an engine
    transaction."""
    statement = select(WITNESSES).order_by(WITNESSES.c.address_id, WITNESSES.c.no)
    gathered = list[Witness]()
    rows: AsyncIterable[Row[Any]] = await tx.stream(statement)
    async for row in rows:
        if gathered and row.address_id != gathered[0].address_id:
            yield gathered
            gathered = []
        if _is_genuine(row, keys):
            gathered.append(_to_witness(row))
    if gathered:
        yield gathered


def _is_genuine(row: Row[Any], keys: KeyRing) -> bool:
    """One that was altered witnesses nothing: its entry then stands without."""
    return seal_with(keys, witness_entry(row._mapping)) == (row.leaf, row.mac)  # noqa: SLF001


def _to_witness(row: Row[Any]) -> Witness:
    return Witness(
        organization_id=row.organization_id, address_id=row.address_id, no=row.no, hash=row.hash
    )


class WitnessSource:
    """Implements audit's `LeafSource` over `consent_witnesses`."""

    name = "consent_witnesses"

    def __init__(self, audit: AuditService) -> None:
        self._audit = audit

    async def leaves(self, tx: Tx, *, xid_from: int, xid_to: int | None) -> AsyncIterator[Leaf]:
        """Rows of the transactions asked for, by transaction and id."""
        statement = (
            select(WITNESSES)
            .where(WITNESSES.c.xid >= xid_from)
            .order_by(WITNESSES.c.xid, WITNESSES.c.id)
        )
        if xid_to is not None:
            statement = statement.where(WITNESSES.c.xid < xid_to)
        async for row in (await tx.stream(statement)).mappings():
            entry = witness_entry(row)
            yield Leaf(
                source=self.name,
                id=row["id"],
                organization_id=row["organization_id"],
                digest=row["leaf"],
                is_genuine=self._audit.is_genuine(entry, leaf=row["leaf"], mac=row["mac"]),
            )
