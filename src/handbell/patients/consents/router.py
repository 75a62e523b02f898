"""`/patients/{id}/consents`: what the patient agreed to, and the entries that prove it."""

from typing import Annotated

from fastapi import APIRouter

from handbell.access.types import Caller, Scope
from handbell.patients.consents.schemas import AddressProofOut
from handbell.patients.consents.service import ConsentProofService
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PathId, problems, require
from handbell.preferences.errors import PatientNotFound


def consents_router(proofs: ConsentProofService, clock: Clock) -> APIRouter:
    """Every read is in the audit log."""
    router = APIRouter(prefix="/patients", tags=["patients"])

    @router.get("/{patient_id}/consents", responses=problems(*REFUSED, PatientNotFound))
    async def get_consents(
        patient_id: PathId, caller: Annotated[Caller, require(Scope.PATIENTS_READ)]
    ) -> list[AddressProofOut]:
        """Each address that the patient has or had, with what holds and every decision."""
        found = await proofs.get(
            caller.organization_id, patient_id, actor=caller.name, now=await clock.now()
        )
        return [AddressProofOut.of(one) for one in found]

    return router
