"""`/blackouts`: when nothing leaves, whatever else would allow it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response

from handbell.access.types import Caller, Scope
from handbell.platform.clock import Clock
from handbell.platform.http import (
    GUARDED,
    REFUSED,
    InvalidRequest,
    PageParams,
    PathId,
    problems,
    require,
    set_page_headers,
)
from handbell.scheduling.blackouts.errors import (
    BlackoutHoldsEverywhere,
    BlackoutNotFound,
    InvalidBlackout,
)
from handbell.scheduling.blackouts.schemas import BlackoutIn, BlackoutOut
from handbell.scheduling.blackouts.service import BlackoutService

Reader = Annotated[Caller, require(Scope.SETTINGS_READ)]
Admin = Annotated[Caller, require(Scope.ADMIN)]


def blackouts_router(blackouts: BlackoutService, clock: Clock) -> APIRouter:
    """Everybody in the organisation may read them, administrators change their own."""
    router = APIRouter(prefix="/blackouts", tags=["blackouts"])

    @router.get("", responses=problems(*REFUSED))
    async def list_blackouts(
        request: Request, response: Response, caller: Reader, page: PageParams
    ) -> list[BlackoutOut]:
        """All that hold for the organisation, over or to come, the latest first."""
        found, total = await blackouts.list(
            caller.organization_id, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [BlackoutOut.of(one) for one in found]

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        responses=problems(*GUARDED, InvalidRequest, InvalidBlackout),
    )
    async def enter_blackout(body: BlackoutIn, caller: Admin) -> BlackoutOut:
        """Hold back what fits, from the next decision on: also what was planned before."""
        now = await clock.now()
        view = await blackouts.enter(
            caller.organization_id, body.to_draft(), actor=caller.name, now=now
        )
        return BlackoutOut.of(view)

    @router.get("/{blackout_id}", responses=problems(*REFUSED, BlackoutNotFound))
    async def get_blackout(blackout_id: PathId, caller: Reader) -> BlackoutOut:
        """One blackout."""
        return BlackoutOut.of(await blackouts.get(caller.organization_id, blackout_id))

    @router.put(
        "/{blackout_id}",
        responses=problems(*REFUSED, BlackoutNotFound, BlackoutHoldsEverywhere, InvalidBlackout),
    )
    async def change_blackout(blackout_id: PathId, body: BlackoutIn, caller: Admin) -> BlackoutOut:
        """Write it anew; what is left out means any."""
        now = await clock.now()
        view = await blackouts.change(
            caller.organization_id, blackout_id, body.to_draft(), actor=caller.name, now=now
        )
        return BlackoutOut.of(view)

    @router.delete(
        "/{blackout_id}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=problems(*REFUSED, BlackoutNotFound, BlackoutHoldsEverywhere),
    )
    async def remove_blackout(blackout_id: PathId, caller: Admin) -> None:
        """Take it away. What it has put off stays planned for its end."""
        now = await clock.now()
        await blackouts.remove(caller.organization_id, blackout_id, actor=caller.name, now=now)

    return router
