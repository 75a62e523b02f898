"""`/patients/{id}/restrictions`: how a patient is never to be reached."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from handbell.access.types import Caller, Scope
from handbell.directory.errors import InvalidAddress
from handbell.patients.restrictions.errors import RestrictionNotFound
from handbell.patients.restrictions.schemas import RestrictionIn, RestrictionOut
from handbell.patients.restrictions.service import RestrictionService
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PageParams, PathId, problems, require, set_page_headers
from handbell.preferences.errors import PatientNotFound

Reader = Annotated[Caller, require(Scope.PATIENTS_READ)]
Writer = Annotated[Caller, require(Scope.RESTRICTIONS_WRITE)]


def restrictions_router(restrictions: RestrictionService, clock: Clock) -> APIRouter:
    """People of the practice change them, no interface does."""
    router = APIRouter(prefix="/patients/{patient_id}/restrictions", tags=["patients"])

    @router.get("", responses=problems(*REFUSED, PatientNotFound))
    async def list_restrictions(
        patient_id: PathId, caller: Reader, page: PageParams, request: Request, response: Response
    ) -> list[RestrictionOut]:
        """The patient's restrictions, newest first, those that were lifted too."""
        found, total = await restrictions.page(
            caller.organization_id,
            patient_id,
            actor=caller.name,
            limit=page.limit,
            offset=page.offset,
            now=await clock.now(),
        )
        set_page_headers(request, response, page, total=total)
        return [RestrictionOut.of(one) for one in found]

    @router.post("", responses=problems(*REFUSED, PatientNotFound, InvalidAddress))
    async def set_restriction(
        patient_id: PathId, body: RestrictionIn, caller: Writer
    ) -> list[RestrictionOut]:
        """Never use the channel, or the address; a number is meant for SMS and WhatsApp."""
        now = await clock.now()
        made = await restrictions.restrict(
            caller.organization_id,
            patient_id,
            (body.channel, body.address),
            actor=caller.name,
            now=now,
        )
        return [RestrictionOut.of(one) for one in made]

    @router.delete(
        "/{restriction_id}", responses=problems(*REFUSED, PatientNotFound, RestrictionNotFound)
    )
    async def lift_restriction(
        patient_id: PathId, restriction_id: PathId, caller: Writer
    ) -> dict[str, Any]:
        """Let the way be used again; lifting it twice is fine."""
        now = await clock.now()
        await restrictions.lift(
            caller.organization_id, patient_id, restriction_id, actor=caller.name, now=now
        )
        return {}

    return router
