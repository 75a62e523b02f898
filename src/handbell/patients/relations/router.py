"""`/patients/{id}/relations`: who is told in a patient's place."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from handbell.access.types import Caller, Scope
from handbell.directory.errors import InvalidAddress
from handbell.patients.relations.errors import (
    InvalidRelation,
    NotAMinor,
    PermissionMissing,
    RelationNotFound,
    RelationStands,
)
from handbell.patients.relations.schemas import RelationIn, RelationOut
from handbell.patients.relations.service import RelationService
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PageParams, PathId, problems, require, set_page_headers
from handbell.preferences.errors import InvalidPreference, PatientNotFound

Reader = Annotated[Caller, require(Scope.PATIENTS_READ)]
Writer = Annotated[Caller, require(Scope.PATIENTS_WRITE)]
UNUSABLE = (
    InvalidRelation,
    NotAMinor,
    PermissionMissing,
    RelationStands,
    InvalidAddress,
    InvalidPreference,
)


def relations_router(relations: RelationService, clock: Clock) -> APIRouter:
    """Every read and change is in the audit log."""
    router = APIRouter(prefix="/patients/{patient_id}/relations", tags=["patients"])

    @router.get("", responses=problems(*REFUSED, PatientNotFound))
    async def list_relations(
        patient_id: PathId, caller: Reader, page: PageParams, request: Request, response: Response
    ) -> list[RelationOut]:
        """The patient's guardians and caregivers, newest first, those that ended too."""
        found, total = await relations.page(
            caller.organization_id,
            patient_id,
            actor=caller.name,
            limit=page.limit,
            offset=page.offset,
            now=await clock.now(),
        )
        set_page_headers(request, response, page, total=total)
        return [RelationOut.of(one) for one in found]

    @router.post("", responses=problems(*REFUSED, PatientNotFound, *UNUSABLE))
    async def add_relation(patient_id: PathId, body: RelationIn, caller: Writer) -> RelationOut:
        """Tell this person in the patient's place from now on, but of no confidential visit."""
        now = await clock.now()
        made = await relations.add(
            caller.organization_id, patient_id, body.to_relation(), actor=caller.name, now=now
        )
        return RelationOut.of(made)

    @router.delete(
        "/{relation_id}", responses=problems(*REFUSED, PatientNotFound, RelationNotFound)
    )
    async def end_relation(
        patient_id: PathId, relation_id: PathId, caller: Writer
    ) -> dict[str, Any]:
        """Tell the patient again; ending it twice is fine."""
        now = await clock.now()
        await relations.end(
            caller.organization_id, patient_id, relation_id, actor=caller.name, now=now
        )
        return {}

    return router
