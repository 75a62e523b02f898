"""`/staff/tasks`: what is left to people, until somebody has seen to it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from handbell.access.errors import CredentialRefused
from handbell.access.types import Caller, Scope
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.platform.clock import Clock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database
from handbell.platform.http import (
    BearerMissing,
    InvalidRequest,
    PageParams,
    ScopeMissing,
    problems,
    require,
    set_page_headers,
)
from handbell.staff import service as staff
from handbell.staff.errors import TaskNotFound
from handbell.staff.schemas import TaskOut

Reader = Annotated[Caller, require(Scope.PATIENTS_READ)]
Writer = Annotated[Caller, require(Scope.PATIENTS_WRITE)]
TaskId = Annotated[int, Path(ge=1, le=2**63 - 1)]
REFUSED: Final = (BearerMissing, CredentialRefused, ScopeMissing, InvalidRequest)


def staff_router(db: Database, keys: KeyRing, audit: AuditService, clock: Clock) -> APIRouter:
    """Every read and every closing is in the audit log."""
    router = APIRouter(prefix="/staff/tasks", tags=["staff"])

    @router.get("", responses=problems(*REFUSED))
    async def list_tasks(
        request: Request, response: Response, caller: Reader, page: PageParams
    ) -> list[TaskOut]:
        """The tasks that nobody has closed yet, oldest first."""
        now = await clock.now()
        async with db.transaction(caller.organization_id) as tx:
            found, total = await staff.list_open_in(tx, keys, limit=page.limit, offset=page.offset)
            entry = AuditEntry(
                organization_id=caller.organization_id,
                at=now,
                actor=caller.name,
                action="staff_tasks.listed",
                subject={
                    "task_ids": [one.id for one in found],
                    "patient_ids": sorted(
                        {one.task.patient_id for one in found if one.task.patient_id is not None}
                    ),
                },
            )
            await audit.record(tx, entry)
        set_page_headers(request, response, page, total=total)
        return [TaskOut.of(one) for one in found]

    @router.post("/{task_id}/close", responses=problems(*REFUSED, TaskNotFound))
    async def close_task(task_id: TaskId, caller: Writer) -> dict[str, Any]:
        """Somebody has seen to it; closing it twice is fine."""
        now = await clock.now()
        async with db.transaction(caller.organization_id) as tx:
            if await staff.close_in(tx, task_id, now=now):
                entry = AuditEntry(
                    organization_id=caller.organization_id,
                    at=now,
                    actor=caller.name,
                    action="staff_task.closed",
                    subject={"task_id": task_id},
                )
                await audit.record(tx, entry)
        return {}

    return router
