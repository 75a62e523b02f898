"""Preferences in the database: one sparse row per level, and the resolution in SQL."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

# allow public-files: inheritance follows the patient's provider in the same statement
from handbell.directory.tables import PatientRow, ProviderRow
from handbell.platform.db import OrganizationId, Tx
from handbell.preferences.policy import fold_choices
from handbell.preferences.shapes import choices_from_json, fields_of, from_row, to_values
from handbell.preferences.tables import PreferenceSettingsRow
from handbell.preferences.types import (
    CHOICES,
    DEFAULTS,
    FIELDS,
    Level,
    LevelSettings,
    Preferences,
    Settings,
)

TABLE: Final = PreferenceSettingsRow.__table__
LEVEL_KEY: Final = ["organization_id", "level", "level_id"]


async def find(
    tx: Tx, organization_id: OrganizationId | None, level: Level, level_id: int
) -> LevelSettings | None:
    """What one level says; the global level has no organisation."""
    statement = _level(organization_id, level, level_id)
    row = (await tx.execute(statement)).one_or_none()
    return _to_level_settings(row) if row else None


async def lock(
    tx: Tx, organization_id: OrganizationId | None, level: Level, level_id: int, *, now: datetime
) -> LevelSettings:
    """What one level says, held until the transaction ends. A level that never spoke gets a row
    in which everything is inherited, version 0: of two first writes one waits for the other."""
    silent = {"changed_at": now, "changed_by": "", "version": 0}
    await tx.execute(
        insert(PreferenceSettingsRow)
        .values(organization_id=organization_id, level=level, level_id=level_id, **silent)
        .on_conflict_do_nothing(index_elements=LEVEL_KEY)
    )
    row = (await tx.execute(_level(organization_id, level, level_id).with_for_update())).one()
    return _to_level_settings(row)


def _level(organization_id: OrganizationId | None, level: Level, level_id: int) -> Select[Any]:
    return select(TABLE).where(
        TABLE.c.organization_id.is_not_distinct_from(organization_id),
        TABLE.c.level == level,
        TABLE.c.level_id == level_id,
    )


async def write(
    tx: Tx, organization_id: OrganizationId | None, said: LevelSettings, *, now: datetime
) -> int:
    """Write all fields of a locked level; give its new version."""
    at_level = (
        TABLE.c.organization_id.is_not_distinct_from(organization_id),
        TABLE.c.level == said.level,
        TABLE.c.level_id == said.level_id,
    )
    statement = (
        update(PreferenceSettingsRow)
        .where(*at_level)
        .values(
            version=TABLE.c.version + 1,
            changed_at=now,
            changed_by=said.changed_by,
            **to_values(said.settings),
        )
        .returning(TABLE.c.version)
    )
    version: int = (await tx.execute(statement)).scalar_one()
    return version


async def put_inherited(
    tx: Tx, organization_id: OrganizationId, patient_id: int, *, now: datetime
) -> None:
    """Give a patient a row in which every field is inherited, unless there is one."""
    await tx.execute(
        insert(PreferenceSettingsRow)
        .values(
            organization_id=organization_id,
            level=Level.PATIENT,
            level_id=patient_id,
            changed_at=now,
            changed_by="registration",
        )
        .on_conflict_do_nothing(index_elements=LEVEL_KEY)
    )


async def levels_of(
    tx: Tx, organization_id: OrganizationId, patient_id: int
) -> Mapping[Level, Settings] | None:
    """Everything said for one patient at any level, or None without such a patient."""
    patient = select(PatientRow.provider_id).where(PatientRow.id == patient_id)
    found = (await tx.execute(patient)).one_or_none()
    if found is None:
        return None
    keys = [(Level.PATIENT.value, patient_id), (Level.PROVIDER.value, found.provider_id or 0)]
    keys += [(Level.ORGANIZATION.value, organization_id), (Level.GLOBAL.value, 0)]
    return await _said_at(tx, keys)


async def levels_from(
    tx: Tx, organization_id: OrganizationId, level: Level, level_id: int
) -> Mapping[Level, Settings]:
    """What a level above the patients' says, and every level above it."""
    ids = {Level.PROVIDER: level_id, Level.ORGANIZATION: organization_id, Level.GLOBAL: 0}
    order = list(Level)
    above = order[order.index(level) :]
    return await _said_at(tx, [(one.value, ids[one]) for one in above])


async def _said_at(tx: Tx, keys: list[tuple[str, int]]) -> Mapping[Level, Settings]:
    statement = select(TABLE).where(tuple_(TABLE.c.level, TABLE.c.level_id).in_(keys))
    rows = (await tx.execute(statement)).all()
    return {Level(row.level): from_row(row) for row in rows}


@cache
def resolution() -> Select[Any]:
    """What holds for each patient of the bound `organization_id`: `patient_id`, every field,
    every `<field>_level`, and the choices of each level. It is long, so it is built once."""
    organization_id = bindparam("organization_id", None, type_=BigInteger())
    ids: dict[Level, Any] = {
        Level.PATIENT: PatientRow.id,
        Level.PROVIDER: PatientRow.provider_id,
        Level.ORGANIZATION: organization_id,
        Level.GLOBAL: 0,
    }
    said = {level: aliased(PreferenceSettingsRow, name=f"said_{level}") for level in Level}
    statement = select(PatientRow.id.label("patient_id"), *_columns(said)).select_from(PatientRow)
    for level, row in said.items():
        is_global = level is Level.GLOBAL
        own = row.organization_id == organization_id
        at_level = and_(
            row.organization_id.is_(None) if is_global else own,
            row.level == level,
            row.level_id == ids[level],
        )
        statement = statement.outerjoin(row, at_level)
    return statement


def _columns(said: Mapping[Level, Any]) -> list[ColumnElement[Any]]:
    columns: list[ColumnElement[Any]] = []
    for field in FIELDS:
        cells = [(level, getattr(row, field)) for level, row in said.items()]
        default = literal(to_values(DEFAULTS)[field], TABLE.c[field].type)
        columns.append(func.coalesce(*(cell for _, cell in cells), default).label(field))
        whence = case(
            *((cell.is_not(None), literal(level.value)) for level, cell in cells),
            else_=literal(Level.GLOBAL.value),
        )
        columns.append(whence.label(f"{field}_level"))
    columns += [row.choices.label(f"{CHOICES}_{level}") for level, row in said.items()]
    return columns


def to_preferences(row: Row[Any]) -> Preferences:
    """Read a row that holds the columns of `resolution`."""
    levels = {field: Level(getattr(row, f"{field}_level")) for field in FIELDS}
    choices, choice_levels = fold_choices(
        {level: choices_from_json(getattr(row, f"{CHOICES}_{level}")) for level in Level}
    )
    return Preferences(**fields_of(row), choices=choices, levels=levels | choice_levels)


def _to_level_settings(row: Row[Any]) -> LevelSettings:
    return LevelSettings(
        level=Level(row.level),
        level_id=row.level_id,
        settings=from_row(row),
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


async def has_patient(tx: Tx, patient_id: int) -> bool:
    statement = select(PatientRow.id).where(PatientRow.id == patient_id)
    return (await tx.execute(statement)).one_or_none() is not None


async def has_provider(tx: Tx, provider_id: int) -> bool:
    statement = select(ProviderRow.id).where(ProviderRow.id == provider_id)
    return (await tx.execute(statement)).one_or_none() is not None
