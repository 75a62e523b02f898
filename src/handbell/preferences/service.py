"""Reads, writes and resolves preferences; the only way to them from outside."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from handbell.platform.db import Database, OrganizationId, Tx
from handbell.preferences import policy, store
from handbell.preferences.errors import PatientNotFound
from handbell.preferences.policy import resolve, sanitise
from handbell.preferences.types import Level, LevelSettings, Preferences, Settings

canonical_language = policy.canonical_language
canonical_zone = policy.canonical_zone
create_inherited = store.put_inherited
resolution = store.resolution
resolve_many_in = store.resolve_many
to_preferences = store.to_preferences


async def put_in(
    tx: Tx,
    organization_id: OrganizationId,
    said: LevelSettings,
    *,
    now: datetime,
) -> None:
    """Write one level inside another use case, sanitised."""
    clean = LevelSettings(
        level=said.level,
        level_id=said.level_id,
        settings=sanitise(said.settings),
        version=said.version,
        changed_at=said.changed_at,
        changed_by=said.changed_by,
    )
    owner = None if said.level is Level.GLOBAL else organization_id
    await store.put(tx, owner, clean, now=now)


async def settings_in(
    tx: Tx, organization_id: OrganizationId, level: Level, level_id: int
) -> Settings:
    """What one level says, inside another use case; a level that is silent says nothing."""
    owner = None if level is Level.GLOBAL else organization_id
    found = await store.find(tx, owner, level, level_id)
    return found.settings if found else Settings()


class PatientPreferenceService:
    """Preferences of one organisation's patients, providers, itself, and of everybody."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(
        self, organization_id: OrganizationId, level: Level, level_id: int
    ) -> LevelSettings:
        """What one level says. A level that never spoke inherits every field, version 0."""
        owner = None if level is Level.GLOBAL else organization_id
        async with self.db.transaction(organization_id) as tx:
            found = await store.find(tx, owner, level, level_id)
        return found or LevelSettings(
            level=level,
            level_id=level_id,
            settings=Settings(),
            version=0,
            changed_at=None,
            changed_by="",
        )

    async def put(
        self, organization_id: OrganizationId, said: LevelSettings, *, now: datetime
    ) -> LevelSettings:
        """Replace what one level says; the last write stands. Raises `InvalidPreference`."""
        async with self._writing(organization_id, said.level) as tx:
            await put_in(tx, organization_id, said, now=now)
        return await self.get(organization_id, said.level, said.level_id)

    def _writing(
        self, organization_id: OrganizationId, level: Level
    ) -> AbstractAsyncContextManager[Tx]:
        """The global row is out of the application's reach: only the engine may write it."""
        if level is Level.GLOBAL:
            return self.db.engine_transaction()
        return self.db.transaction(organization_id)

    async def resolve(self, organization_id: OrganizationId, patient_id: int) -> Preferences:
        """What holds for one patient. Raises `PatientNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            said = await store.levels_of(tx, organization_id, patient_id)
        if said is None:
            raise PatientNotFound("There is no such patient.", patient_id=patient_id)
        return resolve(said)

    async def resolve_many(
        self, organization_id: OrganizationId, patient_ids: Iterable[int]
    ) -> dict[int, Preferences]:
        """What holds for many, in one statement; unknown ids are left out."""
        async with self.db.transaction(organization_id) as tx:
            return await store.resolve_many(tx, organization_id, patient_ids)
