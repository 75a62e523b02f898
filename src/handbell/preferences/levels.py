"""What each level says and what holds there, read and changed by people; every act is recorded."""

from dataclasses import dataclass
from datetime import datetime

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.preferences import changes, store
from handbell.preferences import service as preferences
from handbell.preferences.errors import PatientNotFound, ProviderNotFound
from handbell.preferences.policy import check_opt_ins
from handbell.preferences.shapes import STORED
from handbell.preferences.types import Change, Level, LevelChange, LevelSettings, Preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """What a level says of its own, and what holds there with the levels above it."""

    said: LevelSettings
    held: Preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One level of one organisation. `level_id` is 0 for the global level, the organisation's
    id for the organisation."""

    organization_id: OrganizationId
    level: Level
    level_id: int


class LevelService:
    """Preferences at each of the four levels, as people see them."""

    def __init__(self, db: Database, audit: AuditService) -> None:
        self.db = db
        self.audit = audit

    async def get(self, place: Place, *, actor: str, now: datetime) -> LevelView:
        """What the level says and what holds there. Raises `PatientNotFound`,
        `ProviderNotFound`."""
        async with self.db.transaction(place.organization_id) as tx:
            view = await _view(tx, place)
            if place.level is Level.PATIENT:
                await self.audit.record(tx, _read(place, actor=actor, now=now))
        return view

    async def change(
        self, place: Place, said: LevelChange, *, now: datetime
    ) -> tuple[LevelView, Change | None]:
        """Write the fields that are spoken of, and record what they replaced.

        Raises `InvalidPreference`, `PatientNotFound` or `ProviderNotFound`; then nothing changed.
        """
        check_opt_ins(place.level, said.fields)
        async with preferences.writing(self.db, place.organization_id, place.level) as tx:
            await _check(tx, place)
            change = await preferences.change_in(tx, place.organization_id, said, now=now)
            if change is not None:
                await self.audit.record(
                    tx, preferences.entry_of(place.organization_id, said, change)
                )
            return await _view(tx, place), change

    async def clear(self, place: Place, *, actor: str, now: datetime) -> LevelView:
        """Let the level inherit every field again; doing it twice is fine."""
        said = LevelChange(
            level=place.level,
            level_id=place.level_id,
            fields=dict.fromkeys(STORED),
            actor=actor,
        )
        return (await self.change(place, said, now=now))[0]

    async def changes(
        self, place: Place, *, actor: str, limit: int, offset: int, now: datetime
    ) -> tuple[list[Change], int]:
        """A page of what was changed at the level, newest first, with the number of all."""
        owner = None if place.level is Level.GLOBAL else place.organization_id
        async with self.db.transaction(place.organization_id) as tx:
            await _check(tx, place)
            if place.level is Level.PATIENT:
                await self.audit.record(tx, _read(place, actor=actor, now=now))
            return await changes.page(
                tx, owner, place.level, place.level_id, limit=limit, offset=offset
            )


async def _view(tx: Tx, place: Place) -> LevelView:
    await _check(tx, place)
    where = (tx, place.organization_id, place.level, place.level_id)
    return LevelView(said=await preferences.get_in(*where), held=await preferences.held_in(*where))


async def _check(tx: Tx, place: Place) -> None:
    """A level exists with whom it is about; the other two always do."""
    if place.level is Level.PATIENT and not await store.has_patient(tx, place.level_id):
        raise PatientNotFound("There is no such patient.", patient_id=place.level_id)
    if place.level is Level.PROVIDER and not await store.has_provider(tx, place.level_id):
        raise ProviderNotFound("There is no such provider.", provider_id=place.level_id)


def _subject(place: Place) -> dict[str, str | int | list[int]]:
    if place.level is Level.PATIENT:
        return {"level": place.level.value, "patient_ids": [place.level_id]}
    return {"level": place.level.value, "level_id": place.level_id}


def _read(place: Place, *, actor: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        organization_id=place.organization_id,
        at=now,
        actor=actor,
        action="preferences.read",
        subject=_subject(place),
    )
