"""Leaves tasks for people and lists what is open."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from handbell.directory import service as directory
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.staff.errors import TaskNotFound
from handbell.staff.tables import StaffTaskRow
from handbell.staff.types import OpenTask, StaffTask, TaskKind

_CONTEXT: Final = "staff_tasks.note"
_TASKS: Final = StaffTaskRow.__table__


async def add_task_in(
    tx: Tx,
    organization_id: OrganizationId,
    keys: KeyRing,
    task: StaffTask,
    *,
    now: datetime,
) -> int:
    """Leave a task in the caller's transaction and give its id."""
    statement = (
        insert(StaffTaskRow)
        .values(
            organization_id=organization_id,
            kind=task.kind,
            patient_id=task.patient_id,
            appointment_id=task.appointment_id,
            inbound_message_id=task.inbound_message_id,
            note=await _seal(tx, keys, task),
            created_at=now,
        )
        .returning(StaffTaskRow.id)
    )
    task_id: int = (await tx.execute(statement)).scalar_one()
    return task_id


async def list_open_in(
    tx: Tx, keys: KeyRing, *, limit: int, offset: int
) -> tuple[list[OpenTask], int]:
    """The organisation's open tasks, oldest first, and how many there are in all."""
    is_open = StaffTaskRow.closed_at.is_(None)
    total = (
        await tx.execute(select(func.count()).select_from(StaffTaskRow).where(is_open))
    ).scalar_one()
    statement = select(_TASKS).where(is_open).order_by(StaffTaskRow.created_at, StaffTaskRow.id)
    rows = (await tx.execute(statement.limit(limit).offset(offset))).all()
    return [await _to_open_task(tx, keys, row) for row in rows], total


async def close_in(tx: Tx, task_id: int, *, now: datetime) -> bool:
    """Close a task; False when it was closed before. Raises `TaskNotFound`."""
    mine = StaffTaskRow.id == task_id
    closing = update(StaffTaskRow).where(mine, StaffTaskRow.closed_at.is_(None))
    closed = await tx.execute(closing.values(closed_at=now).returning(StaffTaskRow.id))
    if closed.one_or_none() is not None:
        return True
    if (await tx.execute(select(StaffTaskRow.id).where(mine))).one_or_none() is None:
        raise TaskNotFound(task_id)
    return False


async def _seal(tx: Tx, keys: KeyRing, task: StaffTask) -> bytes | None:
    if task.note is None:
        return None
    if task.patient_id is None:
        return keys.seal_raw(task.note.encode(), context=_CONTEXT)
    key = await directory.subject_key_in(tx, keys, task.patient_id)
    return key.encrypt(task.note, context=_CONTEXT)


async def _to_open_task(tx: Tx, keys: KeyRing, row: Row[Any]) -> OpenTask:
    task = StaffTask(
        kind=TaskKind(row.kind),
        patient_id=row.patient_id,
        appointment_id=row.appointment_id,
        inbound_message_id=row.inbound_message_id,
        note=await _unseal(tx, keys, row),
    )
    return OpenTask(id=row.id, task=task, created_at=row.created_at)


async def _unseal(tx: Tx, keys: KeyRing, row: Row[Any]) -> str | None:
    if row.note is None:
        return None
    if row.patient_id is None:
        return keys.unseal_raw(row.note, context=_CONTEXT).decode()
    key = await directory.subject_key_in(tx, keys, row.patient_id)
    return key.decrypt(row.note, context=_CONTEXT)
