"""Preferences at the four levels: for all, for the organisation, a provider, a patient."""

from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response

from handbell.access.types import FIRST_ORGANIZATION, Caller, Scope
from handbell.platform.clock import Clock
from handbell.platform.http import (
    REFUSED,
    PageParams,
    PathId,
    problems,
    require,
    set_page_headers,
)
from handbell.preferences.errors import (
    InvalidPreference,
    NotForThisOrganization,
    PatientNotFound,
    ProviderNotFound,
)
from handbell.preferences.levels import LevelService, Place
from handbell.preferences.schemas import ChangeOut, LevelIn, LevelOut
from handbell.preferences.types import Level, LevelChange

SettingsReader = Annotated[Caller, require(Scope.SETTINGS_READ)]
Administrator = Annotated[Caller, require(Scope.ADMIN)]


class Whose(StrEnum):
    """The levels of which there is one."""

    GLOBAL = "global"
    ORGANIZATION = "organization"


class _Doors:
    """What the four calls of every level have in common."""

    def __init__(self, levels: LevelService, clock: Clock) -> None:
        self.levels = levels
        self.clock = clock

    async def get(self, place: Place, caller: Caller) -> LevelOut:
        now = await self.clock.now()
        return LevelOut.of(await self.levels.get(place, actor=caller.name, now=now))

    async def put(self, place: Place, body: LevelIn, caller: Caller) -> LevelOut:
        said = LevelChange(
            level=place.level,
            level_id=place.level_id,
            fields=body.to_fields(),
            actor=caller.name,
        )
        view, _ = await self.levels.change(place, said, now=await self.clock.now())
        return LevelOut.of(view)

    async def delete(self, place: Place, caller: Caller) -> LevelOut:
        now = await self.clock.now()
        return LevelOut.of(await self.levels.clear(place, actor=caller.name, now=now))

    async def changes(
        self, place: Place, caller: Caller, page: Any, request: Request, response: Response
    ) -> list[ChangeOut]:
        found, total = await self.levels.changes(
            place,
            actor=caller.name,
            limit=page.limit,
            offset=page.offset,
            now=await self.clock.now(),
        )
        set_page_headers(request, response, page, total=total)
        return [ChangeOut.of(one) for one in found]


def levels_router(levels: LevelService, clock: Clock) -> APIRouter:
    """Each change is in the audit log, and each read of a patient's."""
    router = APIRouter(tags=["preferences"])
    doors = _Doors(levels, clock)
    _add_shared(router, doors)
    _add_own(
        router,
        doors,
        path="/comm/preferences/providers/{level_id}",
        level=Level.PROVIDER,
        scopes=(Scope.SETTINGS_READ, Scope.PROVIDERS_WRITE),
    )
    _add_own(
        router,
        doors,
        path="/patients/{level_id}/preferences",
        level=Level.PATIENT,
        scopes=(Scope.PATIENTS_READ, Scope.PATIENTS_WRITE),
    )
    return router


def _add_shared(router: APIRouter, doors: _Doors) -> None:
    path: Final = "/comm/preferences/{whose}"

    @router.get(path, responses=problems(*REFUSED))
    async def get_shared(whose: Whose, caller: SettingsReader) -> LevelOut:
        """What holds for everybody, or for the organisation."""
        return await doors.get(_shared(whose, caller), caller)

    @router.put(path, responses=problems(*REFUSED, InvalidPreference, NotForThisOrganization))
    async def put_shared(whose: Whose, body: LevelIn, caller: Administrator) -> LevelOut:
        """Change some fields; it reaches every patient who has not said otherwise at once."""
        return await doors.put(_changeable(whose, caller), body, caller)

    @router.delete(path, responses=problems(*REFUSED, InvalidPreference, NotForThisOrganization))
    async def delete_shared(whose: Whose, caller: Administrator) -> LevelOut:
        """Inherit every field again; of the global level, the built-in defaults hold."""
        return await doors.delete(_changeable(whose, caller), caller)

    @router.get(f"{path}/changes", responses=problems(*REFUSED))
    async def list_shared_changes(
        whose: Whose, caller: SettingsReader, page: PageParams, request: Request, answer: Response
    ) -> list[ChangeOut]:
        """What each write replaced, newest first."""
        return await doors.changes(_shared(whose, caller), caller, page, request, answer)


def _shared(whose: Whose, caller: Caller) -> Place:
    level = Level(whose)
    level_id = 0 if level is Level.GLOBAL else caller.organization_id
    return Place(organization_id=caller.organization_id, level=level, level_id=level_id)


def _changeable(whose: Whose, caller: Caller) -> Place:
    if whose is Whose.GLOBAL and caller.organization_id != FIRST_ORGANIZATION:
        raise NotForThisOrganization
    return _shared(whose, caller)


def _add_own(
    router: APIRouter, doors: _Doors, *, path: str, level: Level, scopes: tuple[Scope, Scope]
) -> None:
    """The calls of a level of which there are many."""
    missing = PatientNotFound if level is Level.PATIENT else ProviderNotFound
    reader, writer = require(scopes[0]), require(scopes[1])

    def place(level_id: int, caller: Caller) -> Place:
        return Place(organization_id=caller.organization_id, level=level, level_id=level_id)

    @router.get(path, name=f"get_{level}_preferences", responses=problems(*REFUSED, missing))
    async def get_own(level_id: PathId, caller: Caller = reader) -> LevelOut:
        """What is said at this level, what holds there, and where each field came from."""
        return await doors.get(place(level_id, caller), caller)

    @router.put(
        path,
        name=f"put_{level}_preferences",
        responses=problems(*REFUSED, missing, InvalidPreference),
    )
    async def put_own(level_id: PathId, body: LevelIn, caller: Caller = writer) -> LevelOut:
        """Change some fields of this level; the last write stands."""
        return await doors.put(place(level_id, caller), body, caller)

    @router.delete(path, name=f"delete_{level}_preferences", responses=problems(*REFUSED, missing))
    async def delete_own(level_id: PathId, caller: Caller = writer) -> LevelOut:
        """Inherit every field again."""
        return await doors.delete(place(level_id, caller), caller)

    @router.get(
        f"{path}/changes",
        name=f"list_{level}_preference_changes",
        responses=problems(*REFUSED, missing),
    )
    async def list_own_changes(
        level_id: PathId,
        page: PageParams,
        request: Request,
        answer: Response,
        caller: Caller = reader,
    ) -> list[ChangeOut]:
        """What each write replaced, newest first."""
        return await doors.changes(place(level_id, caller), caller, page, request, answer)
