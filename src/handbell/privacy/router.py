"""`/patients/{id}/erase`: erase a patient for good."""

from typing import Annotated

from fastapi import APIRouter

from handbell.access.types import Caller, Scope
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PathId, problems, require
from handbell.preferences.errors import PatientNotFound
from handbell.privacy.schemas import ErasureIn, ErasureOut
from handbell.privacy.service import PrivacyService


def privacy_router(privacy: PrivacyService, clock: Clock) -> APIRouter:
    """An erasure is in the audit log, and so is a refused attempt."""
    router = APIRouter(prefix="/patients", tags=["patients"])

    @router.post("/{patient_id}/erase", responses=problems(*REFUSED, PatientNotFound))
    async def erase_patient(
        patient_id: PathId, body: ErasureIn, caller: Annotated[Caller, require(Scope.ADMIN)]
    ) -> ErasureOut:
        """Delete the patient's key, addresses and texts. It cannot be undone.

        The consent ledger, the audit log and the opt-outs stay: a number that said stop is
        stopped also when it is registered again.
        """
        done = await privacy.erase(
            caller.organization_id,
            patient_id,
            body.reason,
            actor=caller.name,
            now=await clock.now(),
        )
        return ErasureOut.of(done)

    return router
