"""Reads, writes and resolves preferences; the only way to them from outside."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime

from handbell.audit.types import AuditEntry
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.preferences import changes, policy, resolving, shapes, store
from handbell.preferences.errors import PatientNotFound
from handbell.preferences.policy import merged, resolve, sanitise
from handbell.preferences.types import (
    Change,
    Level,
    LevelChange,
    LevelSettings,
    Preferences,
    Settings,
)

canonical_language = policy.canonical_language
canonical_zone = policy.canonical_zone
create_inherited = store.put_inherited
resolution = store.resolution
resolve_many_in = resolving.resolve_many
to_preferences = store.to_preferences


async def change_in(
    tx: Tx, organization_id: OrganizationId, said: LevelChange, *, now: datetime
) -> Change | None:
    """Write the fields that are spoken of inside another use case; None in one is inherited.

    The level is locked first: of two writes at once the later stands, and neither loses a field
    that the other did not speak of. Gives what was replaced, None where nothing was. Raises
    `InvalidPreference`.
    """
    owner = _owner(organization_id, said.level)
    before = await store.lock(tx, owner, said.level, said.level_id, now=now)
    held = await held_in(tx, organization_id, said.level, said.level_id)
    settings = sanitise(merged(before.settings, said.fields, held))
    if settings == before.settings:
        return None
    after = replace(before, settings=settings, changed_by=said.actor)
    after = replace(after, version=await store.write(tx, owner, after, now=now))
    return await changes.record(tx, owner, after, before=before.settings, now=now)


def entry_of(organization_id: OrganizationId, said: LevelChange, change: Change) -> AuditEntry:
    """The audit entry of a change; old and new stand in the record of changes that it names."""
    is_patient = said.level is Level.PATIENT
    whose = {"patient_ids": [said.level_id]} if is_patient else {"level_id": said.level_id}
    return AuditEntry(
        organization_id=organization_id,
        at=change.changed_at,
        actor=change.changed_by,
        action="preferences.changed",
        subject={
            "level": said.level.value,
            **whose,
            "fields": ",".join(change.fields),
            **told(change),
        },
    )


def told(change: Change | None) -> dict[str, str | int]:
    """What an audit entry says of a change: where old and new stand, and their digest."""
    return {"change_id": change.id, "sha256": change.digest} if change else {}


async def held_in(
    tx: Tx, organization_id: OrganizationId, level: Level, level_id: int
) -> Preferences:
    """What holds at a level: for a patient, or for whom a level is responsible."""
    if level is Level.PATIENT:
        said = await store.levels_of(tx, organization_id, level_id)
        if said is None:
            raise PatientNotFound("There is no such patient.", patient_id=level_id)
        return resolve(said)
    return resolve(await store.levels_from(tx, organization_id, level, level_id))


def _owner(organization_id: OrganizationId, level: Level) -> OrganizationId | None:
    return None if level is Level.GLOBAL else organization_id


async def settings_in(
    tx: Tx, organization_id: OrganizationId, level: Level, level_id: int
) -> Settings:
    """What one level says, inside another use case; a level that is silent says nothing."""
    found = await store.find(tx, _owner(organization_id, level), level, level_id)
    return found.settings if found else Settings()


class PatientPreferenceService:
    """Preferences of one organisation's patients, providers, itself, and of everybody."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(
        self, organization_id: OrganizationId, level: Level, level_id: int
    ) -> LevelSettings:
        """What one level says. A level that never spoke inherits every field, version 0."""
        async with self.db.transaction(organization_id) as tx:
            return await get_in(tx, organization_id, level, level_id)

    async def put(
        self, organization_id: OrganizationId, said: LevelSettings, *, now: datetime
    ) -> LevelSettings:
        """Replace what one level says; the last write stands. Raises `InvalidPreference`."""
        change = LevelChange(
            level=said.level,
            level_id=said.level_id,
            fields={name: getattr(said.settings, name) for name in shapes.STORED},
            actor=said.changed_by,
        )
        async with writing(self.db, organization_id, said.level) as tx:
            await change_in(tx, organization_id, change, now=now)
        return await self.get(organization_id, said.level, said.level_id)

    async def resolve(self, organization_id: OrganizationId, patient_id: int) -> Preferences:
        """What holds for one patient, in one statement. Raises `PatientNotFound`."""
        found = await resolving.resolve_one(self.db.direct, organization_id, patient_id)
        if found is None:
            raise PatientNotFound("There is no such patient.", patient_id=patient_id)
        return found

    async def resolve_many(
        self, organization_id: OrganizationId, patient_ids: Iterable[int]
    ) -> dict[int, Preferences]:
        """What holds for many, in one statement; unknown ids are left out."""
        async with self.db.transaction(organization_id) as tx:
            return await resolving.resolve_many(tx, organization_id, patient_ids)


async def get_in(
    tx: Tx, organization_id: OrganizationId, level: Level, level_id: int
) -> LevelSettings:
    """What one level says, inside another use case."""
    found = await store.find(tx, _owner(organization_id, level), level, level_id)
    return found or LevelSettings(
        level=level,
        level_id=level_id,
        settings=Settings(),
        version=0,
        changed_at=None,
        changed_by="",
    )


def writing(
    db: Database, organization_id: OrganizationId, level: Level
) -> AbstractAsyncContextManager[Tx]:
    """The global row is out of the application's reach: only the engine may write it."""
    if level is Level.GLOBAL:
        return db.engine_transaction()
    return db.transaction(organization_id)
