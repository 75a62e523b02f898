"""`/comm/settings/organization`: what an organisation has decided."""

from typing import Annotated, Final

from fastapi import APIRouter

from handbell.access.types import Caller, Scope
from handbell.directory.errors import InvalidAddress
from handbell.organizations.errors import OrganizationNameTaken
from handbell.patients.settings.errors import ConsentIsRequired, InvalidSetting
from handbell.patients.settings.schemas import OrganizationSettingsIn, OrganizationSettingsOut
from handbell.patients.settings.service import SettingsService
from handbell.platform.clock import Clock
from handbell.platform.http import GUARDED, InvalidRequest, problems, require
from handbell.preferences.errors import InvalidPreference

UNUSABLE: Final = (
    InvalidRequest,
    InvalidSetting,
    InvalidAddress,
    InvalidPreference,
    ConsentIsRequired,
)


def organization_router(settings: SettingsService, clock: Clock) -> APIRouter:
    """Everybody in the organisation may read its settings, administrators change them."""
    router = APIRouter(prefix="/comm/settings", tags=["settings"])

    @router.get("/organization", responses=problems(*GUARDED))
    async def get_settings(
        caller: Annotated[Caller, require(Scope.SETTINGS_READ)],
    ) -> OrganizationSettingsOut:
        """What holds for the organisation."""
        return OrganizationSettingsOut.of(await settings.get(caller.organization_id))

    @router.put("/organization", responses=problems(*GUARDED, OrganizationNameTaken, *UNUSABLE))
    async def put_settings(
        body: OrganizationSettingsIn, caller: Annotated[Caller, require(Scope.ADMIN)]
    ) -> OrganizationSettingsOut:
        """Change some settings; the answer is all that holds then."""
        view = await settings.change(
            caller.organization_id, body.to_change(), actor=caller.name, now=await clock.now()
        )
        return OrganizationSettingsOut.of(view)

    return router
