"""`/inbound/{id}/undo`: a person takes back what a patient's message did to its number."""

from typing import Annotated, Any

from fastapi import APIRouter

from handbell.access.types import Caller, Scope
from handbell.inbound.errors import InboundMessageNotFound, NothingToUndo
from handbell.inbound.holds import HoldService
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PathId, problems, require

Writer = Annotated[Caller, require(Scope.RESTRICTIONS_WRITE)]


def inbound_router(holds: HoldService, clock: Clock) -> APIRouter:
    """People of the practice take back, no interface does."""
    router = APIRouter(prefix="/inbound", tags=["staff"])

    @router.post(
        "/{inbound_message_id}/undo",
        responses=problems(*REFUSED, InboundMessageNotFound, NothingToUndo),
    )
    async def undo_reply(inbound_message_id: PathId, caller: Writer) -> dict[str, Any]:
        """The number is the patient's after all, the patient lives, or nothing was to be stopped:
        messages go there again. An opt-out stays: only the patient's consent ends it."""
        now = await clock.now()
        await holds.undo(caller.organization_id, inbound_message_id, actor=caller.name, now=now)
        return {}

    return router
