"""`/delivery/pauses`: stop what leaves, see whether all has come to rest, let it go on."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from handbell.access.types import Caller, Scope
from handbell.channels.errors import LineNotFound
from handbell.delivery.pauses.errors import PauseEndsInThePast, PauseNotFound
from handbell.delivery.pauses.schemas import DrainOut, PauseIn, PauseOut
from handbell.delivery.pauses.service import PauseService
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PageParams, PathId, problems, require, set_page_headers

Reader = Annotated[Caller, require(Scope.SETTINGS_READ)]
Operator = Annotated[Caller, require(Scope.ADMIN)]


def pauses_router(pauses: PauseService, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/delivery/pauses", tags=["delivery"])

    @router.get("", responses=problems(*REFUSED))
    async def list_pauses(
        request: Request, response: Response, caller: Reader, page: PageParams
    ) -> list[PauseOut]:
        """The organisation's pauses and those of all organisations, newest first."""
        found, total = await pauses.list(
            caller.organization_id, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [PauseOut.of(one) for one in found]

    @router.post("", responses=problems(*REFUSED, LineNotFound, PauseEndsInThePast))
    async def pause(body: PauseIn, caller: Operator) -> PauseOut:
        """Stop what leaves. Nothing is lost: it waits, and goes when the pause is over."""
        new = body.to_new(caller.organization_id)
        made = await pauses.pause(new, actor=caller.name, now=await clock.now())
        return PauseOut.of(made)

    @router.get("/{pause_id}", responses=problems(*REFUSED, PauseNotFound))
    async def get_pause(pause_id: PathId, caller: Reader) -> DrainOut:
        """One pause; when `in_flight` is 0, everything that it covers has come to rest."""
        found, covered = await pauses.get(caller.organization_id, pause_id)
        return DrainOut(
            pause=PauseOut.of(found), in_flight=covered.in_flight, waiting=covered.waiting
        )

    @router.post("/{pause_id}/resume", responses=problems(*REFUSED, PauseNotFound))
    async def resume(pause_id: PathId, caller: Operator) -> PauseOut:
        """Let it go on; resuming twice is fine. A pause of all is the operator's to end."""
        now = await clock.now()
        ended = await pauses.resume(caller.organization_id, pause_id, actor=caller.name, now=now)
        return PauseOut.of(ended)

    return router
