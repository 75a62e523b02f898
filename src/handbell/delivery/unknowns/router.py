"""`/unknown-attempts`: what nobody knows yet, and a person who has looked."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from handbell.access.types import Caller, Scope
from handbell.delivery.unknowns.errors import AttemptAlreadySettled, UnknownAttemptNotFound
from handbell.delivery.unknowns.schemas import SettledOut, SettleIn, UnknownAttemptOut
from handbell.delivery.unknowns.service import UnknownService
from handbell.delivery.unknowns.types import Settlement
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PageParams, PathId, problems, require, set_page_headers

Reader = Annotated[Caller, require(Scope.MESSAGES_READ)]
Writer = Annotated[Caller, require(Scope.MESSAGES_WRITE)]


def unknowns_router(unknowns: UnknownService, clock: Clock) -> APIRouter:
    """Every read and every settlement is in the audit log."""
    router = APIRouter(prefix="/unknown-attempts", tags=["delivery"])

    @router.get("", responses=problems(*REFUSED))
    async def list_unknown(
        request: Request,
        response: Response,
        caller: Reader,
        page: PageParams,
        settlement: Annotated[Settlement | None, Query()] = None,
    ) -> list[UnknownAttemptOut]:
        """Those that nobody has settled, or those settled in one way; the soonest visit
        first."""
        now = await clock.now()
        found, total = await unknowns.list_unknown(
            caller.organization_id,
            settlement,
            (page.limit, page.offset),
            actor=caller.name,
            now=now,
        )
        set_page_headers(request, response, page, total=total)
        return [UnknownAttemptOut.of(one, now=now) for one in found]

    @router.post(
        "/{attempt_id}/settle",
        responses=problems(*REFUSED, UnknownAttemptNotFound, AttemptAlreadySettled),
    )
    async def settle_unknown(attempt_id: PathId, body: SettleIn, caller: Writer) -> SettledOut:
        """Say what became of it: `sent` ends the doubt, `not_sent` sends it once more, through
        the gate."""
        settlement = await unknowns.settle_by_hand(
            caller.organization_id,
            attempt_id,
            body.verdict,
            actor=caller.name,
            now=await clock.now(),
        )
        return SettledOut(id=attempt_id, settlement=settlement)

    return router
