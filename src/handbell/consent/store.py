"""The ledger and the suppressions in the database; entries are only ever added."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.consent.tables import ConsentEntryRow, SuppressionRow
from handbell.consent.types import Decision, Entry, Words

# allow public-files: an opt-out locks the address row that it hangs on
from handbell.directory.tables import AddressRow
from handbell.platform.db import OrganizationId, Tx

ENTRIES: Final = ConsentEntryRow.__table__
SUPPRESSIONS: Final = SuppressionRow.__table__


async def lock_address(tx: Tx, address_id: int) -> tuple[str, bytes] | None:
    """Hold the address against other decisions; give its channel and keyed hash."""
    statement = (
        select(AddressRow.channel, AddressRow.address_hash)
        .where(AddressRow.id == address_id)
        .with_for_update(key_share=True)
    )
    row = (await tx.execute(statement)).one_or_none()
    return (row.channel, row.address_hash) if row else None


async def entries_of(tx: Tx, address_ids: Iterable[int]) -> dict[int, list[Entry]]:
    """The ledgers of some addresses, each in the order it was written."""
    ids = list(address_ids)
    ledgers: dict[int, list[Entry]] = {address_id: [] for address_id in ids}
    statement = select(ENTRIES).where(ENTRIES.c.address_id.in_(ids)).order_by(ENTRIES.c.no)
    for row in await tx.execute(statement):
        ledgers[row.address_id].append(_to_entry(row))
    return ledgers


async def all_ledgers(tx: Tx) -> AsyncIterator[tuple[int, int, list[Entry]]]:
    """Every ledger with its organisation and address, one at a time: for an engine transaction.

    The owner is the address's; an entry that says another one is not among its entries.
    """
    statement = (
        select(ENTRIES)
        .join(
            AddressRow,
            (AddressRow.id == ENTRIES.c.address_id)
            & (AddressRow.organization_id == ENTRIES.c.organization_id),
        )
        .order_by(ENTRIES.c.address_id, ENTRIES.c.no)
    )
    rows = await tx.stream(statement)
    async for rows_of_one in _by_address(rows):
        first = rows_of_one[0]
        yield first.organization_id, first.address_id, [_to_entry(row) for row in rows_of_one]


async def _by_address(rows: AsyncIterable[Row[Any]]) -> AsyncIterator[list[Row[Any]]]:
    """Rows that are ordered by address, address by address."""
    gathered = list[Row[Any]]()
    async for row in rows:
        if gathered and row.address_id != gathered[0].address_id:
            yield gathered
            gathered = []
        gathered.append(row)
    if gathered:
        yield gathered


async def append(tx: Tx, organization_id: OrganizationId, address_id: int, entry: Entry) -> None:
    """Write an entry; whoever does so has it witnessed in the same transaction."""
    await tx.execute(
        insert(ConsentEntryRow).values(
            organization_id=organization_id,
            address_id=address_id,
            no=entry.no,
            recorded_at=entry.recorded_at,
            hash=entry.hash,
            **asdict(entry.decision),
        )
    )


async def suppress(
    tx: Tx,
    organization_id: OrganizationId,
    address: tuple[str, bytes],
    *,
    since: datetime,
    lifted_at: datetime | None,
) -> None:
    """Enter a stop; an older one never overwrites what is known of a newer one."""
    channel, address_hash = address
    statement = insert(SuppressionRow).values(
        organization_id=organization_id,
        channel=channel,
        address_hash=address_hash,
        since=since,
        lifted_at=lifted_at,
    )
    known = func.coalesce(SUPPRESSIONS.c.lifted_at, SUPPRESSIONS.c.since)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id", "channel", "address_hash"],
            set_={"since": since, "lifted_at": lifted_at},
            where=known <= since,
        )
    )


async def lift(tx: Tx, address: tuple[str, bytes], *, at: datetime) -> None:
    """End a stop that began before `at`."""
    channel, address_hash = address
    await tx.execute(
        update(SuppressionRow)
        .where(
            SuppressionRow.channel == channel,
            SuppressionRow.address_hash == address_hash,
            SuppressionRow.since < at,
            SuppressionRow.lifted_at.is_(None),
        )
        .values(lifted_at=at)
    )


async def stopped_since(tx: Tx, address_id: int) -> datetime | None:
    """Since when the address is stopped, if its stop stands."""
    statement = (
        select(SuppressionRow.since)
        .join(
            AddressRow,
            (AddressRow.channel == SuppressionRow.channel)
            & (AddressRow.address_hash == SuppressionRow.address_hash)
            & (AddressRow.organization_id == SuppressionRow.organization_id),
        )
        .where(AddressRow.id == address_id, SuppressionRow.lifted_at.is_(None))
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def suppressed_hashes(tx: Tx, channel: str, hashes: Iterable[bytes]) -> set[bytes]:
    """Those of the hashes whose stop stands."""
    statement = select(SuppressionRow.address_hash).where(
        SuppressionRow.channel == channel,
        SuppressionRow.address_hash.in_(list(hashes)),
        SuppressionRow.lifted_at.is_(None),
    )
    return set((await tx.execute(statement)).scalars())


def _to_entry(row: Row[Any]) -> Entry:
    words = Words.read(row.kind, row.message_class, row.method)
    decision = Decision(
        kind=words.kind,
        message_class=words.message_class,
        method=words.method,
        source=row.source,
        actor=row.actor,
        at=row.at,
        text_version=row.text_version,
        evidence=row.evidence,
        ip=row.ip,
        details=row.details,
    )
    return Entry(
        no=row.no,
        decision=decision,
        recorded_at=row.recorded_at,
        hash=row.hash,
        is_readable=words.is_readable,
    )
