"""`POST /comm/templates/{id}/preview`: a text with a real patient's data."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from handbell.access.types import Caller, Scope
from handbell.messages.errors import AppointmentNotFound
from handbell.messages.previews.service import PreviewOrder, PreviewService
from handbell.messages.schemas import RowId
from handbell.platform.clock import Clock
from handbell.platform.http import GUARDED, InvalidRequest, PathId, problems, require
from handbell.platform.lines import Line
from handbell.preferences.errors import PatientNotFound
from handbell.templates.errors import MissingVariable, TemplateNotFound, UnusableLink
from handbell.templates.service import Preview

Name = Annotated[str, Field(pattern=r"^[a-z_]{1,64}$")]


class PreviewIn(BaseModel):
    """Whose data to fill in; without `appointment_id` the next visit's."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"patient_id": 12, "variables": {}}]}
    )

    patient_id: RowId
    appointment_id: RowId | None = None
    variables: Annotated[dict[Name, Line], Field(max_length=50)] = {}


def preview_router(previews: PreviewService, clock: Clock) -> APIRouter:
    """What patients would read holds their data: each preview is in the audit log."""
    router = APIRouter(prefix="/comm/templates", tags=["templates"])

    @router.post(
        "/{template_id}/preview",
        responses=problems(
            *GUARDED,
            TemplateNotFound,
            PatientNotFound,
            AppointmentNotFound,
            MissingVariable,
            UnusableLink,
            InvalidRequest,
        ),
    )
    async def preview_template(
        template_id: PathId,
        body: PreviewIn,
        caller: Annotated[Caller, require(Scope.PATIENTS_READ)],
    ) -> Preview:
        """The draft, or what is published, as this patient would read it. Nothing is sent."""
        order = PreviewOrder(
            template_id=template_id,
            patient_id=body.patient_id,
            appointment_id=body.appointment_id,
            variables=body.variables,
        )
        now = await clock.now()
        return await previews.preview(caller.organization_id, order, actor=caller.name, now=now)

    return router
