"""Leaves tasks for people and lists what is open."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.directory import service as directory
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.staff.errors import TaskNotFound
from handbell.staff.tables import StaffTaskRow
from handbell.staff.types import OpenTask, StaffTask, TaskKind

_CONTEXT: Final = "staff_tasks.note"
FIRST: Final = (TaskKind.CRISIS, TaskKind.URGENT_CALL, TaskKind.URGENT_UNDELIVERED)
"""Somebody may be in danger: these stand before all others."""
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


async def give_to_in(
    tx: Tx, keys: KeyRing, inbound_message_ids: Collection[int], patient_id: int
) -> None:
    """Make the tasks of an unknown sender a patient's: encrypted with the patient's key."""
    unknown = StaffTaskRow.inbound_message_id.in_(list(inbound_message_ids))
    statement = select(StaffTaskRow.id, StaffTaskRow.note).where(
        unknown, StaffTaskRow.patient_id.is_(None)
    )
    key = await directory.subject_key_in(tx, keys, patient_id)
    for row in (await tx.execute(statement)).all():
        note = row.note and keys.unseal_raw(row.note, context=_CONTEXT).decode()
        sealed = note and key.encrypt(note, context=_CONTEXT)
        given = update(StaffTaskRow).where(StaffTaskRow.id == row.id)
        await tx.execute(given.values(patient_id=patient_id, note=sealed or None))


async def kinds_left_in(tx: Tx, inbound_message_id: int) -> frozenset[TaskKind]:
    """What a patient's message has left to people."""
    statement = select(StaffTaskRow.kind).where(
        StaffTaskRow.inbound_message_id == inbound_message_id
    )
    return frozenset(TaskKind(kind) for kind in (await tx.execute(statement)).scalars())


async def list_open_in(
    tx: Tx, keys: KeyRing, *, limit: int, offset: int
) -> tuple[list[OpenTask], int]:
    """The organisation's open tasks, those of `FIRST` before all, then the oldest first, and how
    many in all."""
    is_open = StaffTaskRow.closed_at.is_(None)
    total = (
        await tx.execute(select(func.count()).select_from(StaffTaskRow).where(is_open))
    ).scalar_one()
    is_urgent = StaffTaskRow.kind.in_(FIRST)
    order = (is_urgent.desc(), StaffTaskRow.created_at, StaffTaskRow.id)
    statement = select(_TASKS).where(is_open).order_by(*order)
    rows = (await tx.execute(statement.limit(limit).offset(offset))).all()
    written = {row.patient_id for row in rows if row.note is not None} - {None}
    subject_keys = await directory.subject_keys_in(tx, keys, written) if written else {}
    return [_to_open_task(row, keys, subject_keys) for row in rows], total


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


def _to_open_task(
    row: Row[Any], keys: KeyRing, subject_keys: Mapping[int, SubjectKey]
) -> OpenTask:
    task = StaffTask(
        kind=TaskKind(row.kind),
        patient_id=row.patient_id,
        appointment_id=row.appointment_id,
        inbound_message_id=row.inbound_message_id,
        note=_unseal(row, keys, subject_keys),
    )
    return OpenTask(id=row.id, task=task, created_at=row.created_at)


def _unseal(row: Row[Any], keys: KeyRing, subject_keys: Mapping[int, SubjectKey]) -> str | None:
    if row.note is None:
        return None
    if row.patient_id is None:
        return keys.unseal_raw(row.note, context=_CONTEXT).decode()
    return subject_keys[row.patient_id].decrypt(row.note, context=_CONTEXT)


class StaffService:
    """Tasks as people work on them; every read and every closing is in the audit log."""

    def __init__(self, db: Database, keys: KeyRing, audit: AuditService) -> None:
        self.db = db
        self.keys = keys
        self.audit = audit

    async def list_open(
        self,
        organization_id: OrganizationId,
        *,
        actor: str,
        limit: int,
        offset: int,
        now: datetime,
    ) -> tuple[list[OpenTask], int]:
        """A page of the tasks that nobody has closed, oldest first, and how many there are."""
        async with self.db.transaction(organization_id) as tx:
            found, total = await list_open_in(tx, self.keys, limit=limit, offset=offset)
            patient_ids = {one.task.patient_id for one in found if one.task.patient_id is not None}
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="staff_tasks.listed",
                subject={
                    "task_ids": [one.id for one in found],
                    "patient_ids": sorted(patient_ids),
                },
            )
            await self.audit.record(tx, entry)
        return found, total

    async def close(
        self, organization_id: OrganizationId, task_id: int, *, actor: str, now: datetime
    ) -> None:
        """Somebody has seen to it; closing it twice is fine. Raises `TaskNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            if await close_in(tx, task_id, now=now):
                entry = AuditEntry(
                    organization_id=organization_id,
                    at=now,
                    actor=actor,
                    action="staff_task.closed",
                    subject={"task_id": task_id},
                )
                await self.audit.record(tx, entry)
