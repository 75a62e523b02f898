"""External ids and what they stand for."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.directory.tables import AddressRow, ContactPointRow, PatientRow
from handbell.directory.types import HeldFor, Origin, ThingKind
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Base, OrganizationId, Tx
from handbell.platform.tables import SubjectKeyRow

_LOCK: Final = "SELECT pg_advisory_xact_lock($1)"
_FIND: Final = """
SELECT internal_id, version, told_at FROM external_ids
WHERE organization_id = $1 AND source = $2 AND kind = $3 AND external_id = $4
"""
_RECORD: Final = """
INSERT INTO external_ids
    (organization_id, source, kind, external_id, internal_id, version, told_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (organization_id, source, kind, external_id) DO UPDATE SET
    version = coalesce(excluded.version, external_ids.version),
    told_at = greatest(excluded.told_at, external_ids.told_at)
"""


async def lock_external_id(
    tx: Tx, organization_id: OrganizationId, kind: ThingKind, origin: Origin
) -> Row[Any] | None:
    """Serialise on the source's id, known or not, until the transaction ends."""
    name = "\x1f".join((str(organization_id), origin.source, kind, origin.external_id))
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    await tx.exec_driver_sql(_LOCK, (key,))
    asked = (organization_id, origin.source, kind, origin.external_id)
    return (await tx.exec_driver_sql(_FIND, asked)).one_or_none()


async def find_id(
    tx: Tx, organization_id: OrganizationId, kind: ThingKind, source: str, external_id: str
) -> int | None:
    """Our id of the source's thing."""
    asked = (organization_id, source, kind, external_id)
    row = (await tx.exec_driver_sql(_FIND, asked)).one_or_none()
    return row.internal_id if row else None


async def record_external_id(
    tx: Tx, organization_id: OrganizationId, kind: ThingKind, origin: Origin, internal_id: int
) -> None:
    """Remember the newest statement taken; a missing version keeps the earlier one."""
    told = (organization_id, origin.source, kind, origin.external_id)
    newest = (internal_id, origin.version, origin.told_at)
    await tx.exec_driver_sql(_RECORD, (*told, *newest))


async def create(tx: Tx, row: type[Base], values: dict[str, Any]) -> int:
    statement = insert(row).values(**values).returning(row.__table__.c.id)
    created: int = (await tx.execute(statement)).scalar_one()
    return created


async def change(tx: Tx, row: type[Base], row_id: int, values: dict[str, Any]) -> bool:
    """Write values where they differ; say whether any did."""
    columns = row.__table__.c
    if not values:
        return False
    differs = [columns[name].is_distinct_from(value) for name, value in values.items()]
    statement = update(row).where(columns.id == row_id, or_(*differs)).values(**values)
    return bool((await tx.execute(statement.returning(columns.id))).all())


async def mark_wrong_number(
    tx: Tx, address_ids: Sequence[int], *, told_by: int, now: datetime
) -> set[int]:
    """Let nothing more go to addresses; when one was found wrong first stays. Give those that
    were not."""
    is_new = AddressRow.wrong_number_at.is_(None)
    wrong = {"wrong_number_at": now, "told_by": told_by}
    return await _change_addresses(tx, address_ids, is_new, wrong)


async def hold_addresses(
    tx: Tx, address_ids: Sequence[int], why: HeldFor, *, until: datetime, told_by: int
) -> set[int]:
    """Let addresses wait until a person has looked; one that waits longer already stays so. Give
    those that changed."""
    is_shorter = or_(AddressRow.held_until.is_(None), AddressRow.held_until < until)
    held = {"held_until": until, "held_for": why, "told_by": told_by}
    return await _change_addresses(tx, address_ids, is_shorter, held)


async def release_addresses(
    tx: Tx, address_ids: Sequence[int], why: HeldFor, *, by: datetime | None = None
) -> set[int]:
    """End the waiting for that reason, with `by` where its term is over by then; give the
    addresses that waited."""
    which = AddressRow.held_for == why
    if by is not None:
        which &= AddressRow.held_until <= by
    return await _change_addresses(tx, address_ids, which, _FREE)


async def forget_told(tx: Tx, address_id: int) -> set[int]:
    """Take back what a reply from the address said of it and of its number: it is right, and
    waits for nobody. Give the addresses that changed."""
    reply = select(AddressRow.told_by).where(AddressRow.id == address_id).scalar_subquery()
    told = select(AddressRow.id).where(AddressRow.told_by == reply)
    ids = list((await tx.execute(told)).scalars())
    which = AddressRow.told_by.is_not(None)
    return await _change_addresses(tx, ids, which, {**_FREE, "wrong_number_at": None})


async def held_for(tx: Tx, address_id: int) -> HeldFor | None:
    """Why the address waits, if it does."""
    statement = select(AddressRow.held_for).where(AddressRow.id == address_id)
    found = (await tx.execute(statement)).scalar_one_or_none()
    return HeldFor(found) if found else None


_FREE: Final[dict[str, Any]] = {"held_until": None, "held_for": None, "told_by": None}


async def _change_addresses(
    tx: Tx, address_ids: Sequence[int], which: ColumnElement[bool], values: dict[str, Any]
) -> set[int]:
    """The rows are taken in the order in which everybody takes them."""
    mine = select(AddressRow.id).where(AddressRow.id.in_(address_ids))
    await tx.execute(mine.order_by(AddressRow.id).with_for_update(key_share=True))
    statement = (
        update(AddressRow)
        .where(AddressRow.id.in_(address_ids), which)
        .values(**values)
        .returning(AddressRow.id)
    )
    return set((await tx.execute(statement)).scalars())


async def ensure_address(
    tx: Tx, organization_id: OrganizationId, channel: str, address_hash: bytes
) -> int:
    """The address's row, made if it is new; the unique constraint decides."""
    key = ["organization_id", "channel", "address_hash"]
    values = {
        "organization_id": organization_id,
        "channel": channel,
        "address_hash": address_hash,
    }
    await tx.execute(
        insert(AddressRow).values(**values).on_conflict_do_nothing(index_elements=key)
    )
    statement = select(AddressRow.id).where(
        AddressRow.organization_id == organization_id,
        AddressRow.channel == channel,
        AddressRow.address_hash == address_hash,
    )
    address_id: int = (await tx.execute(statement)).scalar_one()
    return address_id


async def patients_on_address(tx: Tx, address_id: int) -> list[int]:
    """The patients who are reached at the address now; several share a family's number."""
    statement = (
        select(ContactPointRow.patient_id)
        .where(ContactPointRow.address_id == address_id, ContactPointRow.is_current)
        .order_by(ContactPointRow.patient_id)
    )
    return list((await tx.execute(statement)).scalars())


async def subject_keys(tx: Tx, keys: KeyRing, patient_ids: Iterable[int]) -> dict[int, SubjectKey]:
    """The data keys of some patients, unwrapped."""
    statement = (
        select(PatientRow.id, SubjectKeyRow.wrapped_key, SubjectKeyRow.kek_version)
        .join(SubjectKeyRow, SubjectKeyRow.id == PatientRow.subject_key_id)
        .where(PatientRow.id.in_(list(patient_ids)))
    )
    rows = await tx.execute(statement)
    return {row.id: keys.unwrap(row.wrapped_key, row.kek_version) for row in rows}


async def subject_key(tx: Tx, keys: KeyRing, patient_id: int) -> SubjectKey:
    """The patient's data key, unwrapped."""
    return (await subject_keys(tx, keys, [patient_id]))[patient_id]
