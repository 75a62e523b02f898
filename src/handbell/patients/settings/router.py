"""`/comm/settings`: what an organisation, and what a clinician, has decided."""

from typing import Annotated, Final

from fastapi import APIRouter

from handbell.access.types import Caller, Scope
from handbell.directory.errors import InvalidAddress
from handbell.organizations.errors import OrganizationNameTaken
from handbell.patients.settings.errors import ConsentIsRequired, InvalidSetting
from handbell.patients.settings.providers import ProviderSettingsService
from handbell.patients.settings.schemas import (
    OrganizationSettingsIn,
    OrganizationSettingsOut,
    ProviderSettingsIn,
    ProviderSettingsOut,
)
from handbell.patients.settings.service import SettingsService
from handbell.platform.clock import Clock
from handbell.platform.http import (
    GUARDED,
    REFUSED,
    InvalidRequest,
    PathId,
    problems,
    require,
)
from handbell.preferences.errors import InvalidPreference, ProviderNotFound

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


SettingsReader = Annotated[Caller, require(Scope.SETTINGS_READ)]
ProviderWriter = Annotated[Caller, require(Scope.PROVIDERS_WRITE)]
CHANGES_OF_PROVIDER: Final = (*REFUSED, ProviderNotFound, InvalidSetting, InvalidPreference)


def provider_router(settings: ProviderSettingsService, clock: Clock) -> APIRouter:
    """A clinician's own, for whom a token of the platform speaks, or any one's by id."""
    router = APIRouter(prefix="/comm/settings/provider", tags=["settings"])

    async def put(
        provider_id: int, body: ProviderSettingsIn, caller: Caller
    ) -> ProviderSettingsOut:
        view = await settings.change(
            caller.organization_id,
            provider_id,
            body.to_change(),
            actor=caller.name,
            now=await clock.now(),
        )
        return ProviderSettingsOut.of(view)

    @router.get("", responses=problems(*GUARDED, ProviderNotFound))
    async def get_own(caller: SettingsReader) -> ProviderSettingsOut:
        """What the clinician who asks has decided."""
        provider_id = await settings.own_id(caller.organization_id, caller.name)
        return ProviderSettingsOut.of(await settings.get(caller.organization_id, provider_id))

    @router.put("", responses=problems(*CHANGES_OF_PROVIDER))
    async def put_own(body: ProviderSettingsIn, caller: ProviderWriter) -> ProviderSettingsOut:
        """Change some of them; the answer is all that holds then."""
        provider_id = await settings.own_id(caller.organization_id, caller.name)
        return await put(provider_id, body, caller)

    @router.get("/{provider_id}", responses=problems(*REFUSED, ProviderNotFound))
    async def get_provider(provider_id: PathId, caller: SettingsReader) -> ProviderSettingsOut:
        """What a clinician has decided."""
        return ProviderSettingsOut.of(await settings.get(caller.organization_id, provider_id))

    @router.put("/{provider_id}", responses=problems(*CHANGES_OF_PROVIDER))
    async def put_provider(
        provider_id: PathId, body: ProviderSettingsIn, caller: ProviderWriter
    ) -> ProviderSettingsOut:
        """Change some settings of a clinician; the answer is all that holds then."""
        return await put(provider_id, body, caller)

    return router
