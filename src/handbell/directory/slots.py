"""Free slots of a clinician, as the record system gives them, and which patients asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.directory.tables import FreeSlotRow
from handbell.directory.types import NewSlot, Slot
from handbell.platform.db import OrganizationId, Tx


async def put_slots(
    tx: Tx,
    organization_id: OrganizationId,
    provider_id: int,
    slots: Sequence[NewSlot],
    *,
    now: datetime,
) -> None:
    """Let these be all the free slots of a clinician. One that a patient asked for stays asked
    for while it is still listed."""
    starts = [one.starts_at for one in slots]
    mine = FreeSlotRow.provider_id == provider_id
    await tx.execute(delete(FreeSlotRow).where(mine, FreeSlotRow.starts_at.not_in(starts)))
    if not slots:
        return
    rows = [
        {
            "organization_id": organization_id,
            "provider_id": provider_id,
            "starts_at": one.starts_at,
            "timezone": one.timezone,
            "location_id": one.location_id,
            "told_at": now,
        }
        for one in {one.starts_at: one for one in slots}.values()
    ]
    statement = insert(FreeSlotRow).values(rows)
    told = {name: statement.excluded[name] for name in ("timezone", "location_id", "told_at")}
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["provider_id", "starts_at"], set_=told)
    )


async def free_slots_in(
    tx: Tx, provider_id: int, *, after: datetime, location_id: int | None, limit: int
) -> list[Slot]:
    """The next slots that nobody asked for, at the place of the visit where one is known."""
    where = [
        FreeSlotRow.provider_id == provider_id,
        FreeSlotRow.starts_at > after,
        FreeSlotRow.wanted_for_id.is_(None),
    ]
    if location_id is not None:
        of_place = FreeSlotRow.location_id
        where.append(or_(of_place.is_(None), of_place == location_id))
    statement = select(FreeSlotRow.__table__).where(*where).order_by(FreeSlotRow.starts_at)
    return [_to_slot(row) for row in await tx.execute(statement.limit(limit))]


async def want_slot_in(
    tx: Tx, slot_id: int, *, provider_id: int, appointment_id: int, now: datetime
) -> Slot | None:
    """Ask for a slot on behalf of a visit; None where it is gone or somebody asked before. What
    was asked for earlier on behalf of the visit is free again."""
    let_go = update(FreeSlotRow).where(FreeSlotRow.wanted_for_id == appointment_id)
    await tx.execute(let_go.values(wanted_for_id=None))
    statement = (
        update(FreeSlotRow)
        .where(
            FreeSlotRow.id == slot_id,
            FreeSlotRow.provider_id == provider_id,
            FreeSlotRow.starts_at > now,
            FreeSlotRow.wanted_for_id.is_(None),
        )
        .values(wanted_for_id=appointment_id)
        .returning(FreeSlotRow.__table__)
    )
    row = (await tx.execute(statement)).one_or_none()
    return _to_slot(row) if row else None


def _to_slot(row: Any) -> Slot:
    return Slot(id=row.id, starts_at=row.starts_at, timezone=row.timezone)
