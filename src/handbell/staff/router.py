"""`/staff/tasks`: what is left to people, until somebody has seen to it."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from handbell.access.types import Caller, Scope
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PageParams, PathId, problems, require, set_page_headers
from handbell.staff.errors import TaskNotFound
from handbell.staff.schemas import TaskOut
from handbell.staff.service import StaffService

Reader = Annotated[Caller, require(Scope.PATIENTS_READ)]
Writer = Annotated[Caller, require(Scope.PATIENTS_WRITE)]


def staff_router(staff: StaffService, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/staff/tasks", tags=["staff"])

    @router.get("", responses=problems(*REFUSED))
    async def list_tasks(
        request: Request, response: Response, caller: Reader, page: PageParams
    ) -> list[TaskOut]:
        """The tasks that nobody has closed yet, oldest first."""
        found, total = await staff.list_open(
            caller.organization_id,
            actor=caller.name,
            limit=page.limit,
            offset=page.offset,
            now=await clock.now(),
        )
        set_page_headers(request, response, page, total=total)
        return [TaskOut.of(one) for one in found]

    @router.post("/{task_id}/close", responses=problems(*REFUSED, TaskNotFound))
    async def close_task(task_id: PathId, caller: Writer) -> dict[str, Any]:
        """Somebody has seen to it; closing it twice is fine."""
        now = await clock.now()
        await staff.close(caller.organization_id, task_id, actor=caller.name, now=now)
        return {}

    return router
