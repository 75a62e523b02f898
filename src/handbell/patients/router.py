"""`/patients/{id}/comm-context` and `/comm-preferences`: how one patient is reached."""

from typing import Annotated, Final

from fastapi import APIRouter

from handbell.access.types import Caller, Scope
from handbell.directory.errors import InvalidAddress
from handbell.patients.context import Activities, PatientContextService
from handbell.patients.schemas import CommContextOut, CommPreferencesIn, CommPreferencesOut
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PathId, problems, require
from handbell.preferences.errors import InvalidPreference, PatientNotFound

Reader = Annotated[Caller, require(Scope.PATIENTS_READ)]
Writer = Annotated[Caller, require(Scope.PATIENTS_WRITE)]
REFUSED_OF_PATIENT: Final = (*REFUSED, PatientNotFound)


def patients_router(
    contexts: PatientContextService, activities: Activities, clock: Clock
) -> APIRouter:
    """Every read and change is in the audit log."""
    router = APIRouter(prefix="/patients", tags=["patients"])

    @router.get("/{patient_id}/comm-context", responses=problems(*REFUSED_OF_PATIENT))
    async def get_comm_context(patient_id: PathId, caller: Reader) -> CommContextOut:
        """How the patient is reached, when, in which language, and what was sent of late."""
        context = await contexts.get(
            caller.organization_id, patient_id, actor=caller.name, now=await clock.now()
        )
        activity = await activities.activity_of(caller.organization_id, patient_id)
        return CommContextOut.of(context, activity)

    @router.get("/{patient_id}/comm-preferences", responses=problems(*REFUSED_OF_PATIENT))
    async def get_comm_preferences(patient_id: PathId, caller: Reader) -> CommPreferencesOut:
        """What holds for the patient, as one flat object."""
        context = await contexts.get(
            caller.organization_id, patient_id, actor=caller.name, now=await clock.now()
        )
        return CommPreferencesOut.of(context)

    @router.put(
        "/{patient_id}/comm-preferences",
        responses=problems(*REFUSED_OF_PATIENT, InvalidPreference, InvalidAddress),
    )
    async def put_comm_preferences(
        patient_id: PathId, body: CommPreferencesIn, caller: Writer
    ) -> CommPreferencesOut:
        """Change some fields of the patient's own level; the answer is what holds then.

        A new address is consent for care on its channel. A marketing wish is no consent.
        """
        context = await contexts.change(
            caller.organization_id,
            patient_id,
            body.to_change(),
            actor=caller.name,
            now=await clock.now(),
        )
        return CommPreferencesOut.of(context)

    return router
