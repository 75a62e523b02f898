"""`/comm/whatsapp-approvals`: what Meta says of registered templates."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from handbell.access.types import Caller, Scope
from handbell.platform.clock import Clock
from handbell.platform.http import (
    GUARDED,
    REFUSED,
    InvalidRequest,
    PageParams,
    problems,
    require,
    set_page_headers,
)
from handbell.platform.lines import Line
from handbell.templates.approvals.service import ApprovalService
from handbell.templates.approvals.types import Approval, ApprovalState

_EXAMPLE: dict[str, JsonValue] = {
    "name": "appt_reminder",
    "language": "en_US",
    "state": "rejected",
    "reason": "INCORRECT_CATEGORY",
}
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
Code = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(_[A-Za-z]{2,4})?$")]


class ApprovalIn(BaseModel):
    """What a person has read at Meta's; the webhook says the same by itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    language: Code
    state: ApprovalState
    reason: Line | None = None


class ApprovalOut(BaseModel):
    """The newest that is known of a template. Only `approved` is sent."""

    name: str
    language: str
    state: ApprovalState
    reason: str | None
    category: str | None
    changed_at: datetime
    changed_by: str


def approvals_router(approvals: ApprovalService, clock: Clock) -> APIRouter:
    """Authors of templates read the states, administrators may write them."""
    router = APIRouter(prefix="/comm/whatsapp-approvals", tags=["templates"])

    @router.get("", responses=problems(*REFUSED))
    async def list_approvals(
        request: Request,
        response: Response,
        caller: Annotated[Caller, require(Scope.TEMPLATES_READ)],
        page: PageParams,
    ) -> list[ApprovalOut]:
        """What is known of each registered template, by name and language."""
        found, total = await approvals.list(
            caller.organization_id, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [ApprovalOut.model_validate(one, from_attributes=True) for one in found]

    @router.put("", responses=problems(*GUARDED, InvalidRequest))
    async def put_approval(
        body: ApprovalIn, caller: Annotated[Caller, require(Scope.ADMIN)]
    ) -> ApprovalOut:
        """Record a state that was read at Meta's."""
        approval = Approval(
            name=body.name,
            language=body.language,
            state=body.state,
            reason=body.reason,
            changed_at=await clock.now(),
            changed_by=caller.name,
        )
        await approvals.record(caller.organization_id, approval)
        return ApprovalOut.model_validate(approval, from_attributes=True)

    return router
