"""`/delivery/breakers`: which provider accounts are not called for now, and why."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from handbell.access.types import Caller, Scope
from handbell.delivery.breakers.errors import BreakersUnavailable
from handbell.delivery.breakers.schemas import BreakerOut
from handbell.delivery.breakers.service import BreakerService
from handbell.platform.http import REFUSED, PageParams, problems, require, set_page_headers

Reader = Annotated[Caller, require(Scope.SETTINGS_READ)]


def breakers_router(breakers: BreakerService) -> APIRouter:
    """No patient's data stands here, so reading leaves no audit entry."""
    router = APIRouter(prefix="/delivery/breakers", tags=["delivery"])

    @router.get("", responses=problems(*REFUSED, BreakersUnavailable))
    async def list_breakers(
        request: Request, response: Response, caller: Reader, page: PageParams
    ) -> list[BreakerOut]:
        """The breaker of each of the organisation's accounts."""
        found, total = await breakers.list(
            caller.organization_id, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [BreakerOut.of(one) for one in found]

    return router
