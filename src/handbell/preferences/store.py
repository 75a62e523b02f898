"""Preferences in the database: one sparse row per level, and the resolution in SQL."""

from collections.abc import Iterable, Mapping
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
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

# allow public-files: inheritance follows the patient's provider in the same statement
from handbell.directory.tables import PatientRow
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences.tables import PreferenceSettingsRow
from handbell.preferences.types import (
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
    statement = select(TABLE).where(
        TABLE.c.organization_id.is_not_distinct_from(organization_id),
        TABLE.c.level == level,
        TABLE.c.level_id == level_id,
    )
    row = (await tx.execute(statement)).one_or_none()
    return _to_level_settings(row) if row else None


async def put(
    tx: Tx, organization_id: OrganizationId | None, said: LevelSettings, *, now: datetime
) -> None:
    """Write all fields of one level; what already stands unchanged keeps its version."""
    values = _to_values(said.settings)
    statement = insert(PreferenceSettingsRow).values(
        organization_id=organization_id,
        level=said.level,
        level_id=said.level_id,
        changed_at=now,
        changed_by=said.changed_by,
        **values,
    )
    new = statement.excluded
    changed = or_(*(TABLE.c[field].is_distinct_from(new[field]) for field in FIELDS))
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=LEVEL_KEY,
            set_={
                **{field: new[field] for field in FIELDS},
                "version": TABLE.c.version + 1,
                "changed_at": new.changed_at,
                "changed_by": new.changed_by,
            },
            where=changed,
        )
    )


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
    statement = select(TABLE).where(tuple_(TABLE.c.level, TABLE.c.level_id).in_(keys))
    rows = (await tx.execute(statement)).all()
    return {Level(row.level): _to_settings(row) for row in rows}


async def resolve_many(
    tx: Tx, organization_id: OrganizationId, patient_ids: Iterable[int]
) -> dict[int, Preferences]:
    """Resolve any number of patients in one statement; unknown ids are left out."""
    asked = {"organization_id": organization_id, "patient_ids": list(patient_ids)}
    rows = await tx.execute(_resolution_of_some(), asked)
    return {row.patient_id: to_preferences(row) for row in rows}


@cache
def _resolution_of_some() -> Select[Any]:
    some = bindparam("patient_ids", expanding=True, type_=BigInteger())
    return resolution().where(PatientRow.id.in_(some))


@cache
def resolution() -> Select[Any]:
    """What holds for each patient of the bound `organization_id`: `patient_id`, every field,
    and every `<field>_level`. It is long, so it is built once."""
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
        default = literal(_to_values(DEFAULTS)[field], TABLE.c[field].type)
        columns.append(func.coalesce(*(cell for _, cell in cells), default).label(field))
        whence = case(
            *((cell.is_not(None), literal(level.value)) for level, cell in cells),
            else_=literal(Level.GLOBAL.value),
        )
        columns.append(whence.label(f"{field}_level"))
    return columns


def _to_values(settings: Settings) -> dict[str, Any]:
    values = {field: getattr(settings, field) for field in FIELDS}
    if settings.channel_order is not None:
        values["channel_order"] = [channel.value for channel in settings.channel_order]
    return values


def _fields(row: Row[Any]) -> dict[str, Any]:
    values = {field: getattr(row, field) for field in FIELDS}
    if row.channel_order is not None:
        values["channel_order"] = tuple(Channel(name) for name in row.channel_order)
    return values


def _to_settings(row: Row[Any]) -> Settings:
    return Settings(**_fields(row))


def to_preferences(row: Row[Any]) -> Preferences:
    """Read a row that holds the columns of `resolution`."""
    levels = {field: Level(getattr(row, f"{field}_level")) for field in FIELDS}
    return Preferences(**_fields(row), levels=levels)


def _to_level_settings(row: Row[Any]) -> LevelSettings:
    return LevelSettings(
        level=Level(row.level),
        level_id=row.level_id,
        settings=_to_settings(row),
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )
