"""Relations in the database; the gate reads them with its other facts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

# allow public-files: patients writes what directory keeps
from handbell.directory.tables import PatientRelationRow, PatientRow
from handbell.platform.db import OrganizationId, Tx

TABLE = PatientRelationRow.__table__


async def put(tx: Tx, organization_id: OrganizationId, values: Mapping[str, Any]) -> int | None:
    """Add a relation; None where the same one stands already."""
    statement = (
        insert(PatientRelationRow)
        .values(organization_id=organization_id, **values)
        .on_conflict_do_nothing(
            index_elements=["patient_id", "related_id", "kind"],
            index_where=TABLE.c.ended_at.is_(None),
        )
        .returning(TABLE.c.id)
    )
    made: int | None = (await tx.execute(statement)).scalar_one_or_none()
    return made


async def page(tx: Tx, patient_id: int, *, limit: int, offset: int) -> tuple[list[Row[Any]], int]:
    """The patient's relations, newest first, ended ones too, with the number of all."""
    where = TABLE.c.patient_id == patient_id
    counted = select(func.count()).select_from(TABLE).where(where)
    total: int = (await tx.execute(counted)).scalar_one()
    statement = _with_names().where(where).order_by(TABLE.c.id.desc())
    return list(await tx.execute(statement.limit(limit).offset(offset))), total


async def find(tx: Tx, patient_id: int, relation_id: int) -> Row[Any] | None:
    """One relation, with what is known of who is told."""
    statement = _with_names().where(TABLE.c.patient_id == patient_id, TABLE.c.id == relation_id)
    return (await tx.execute(statement)).one_or_none()


def _with_names() -> Any:
    return select(TABLE, PatientRow.first_name, PatientRow.last_name, PatientRow.is_contact).join(
        PatientRow, PatientRow.id == TABLE.c.related_id
    )


async def end(tx: Tx, relation_id: int, *, actor: str, now: datetime) -> bool:
    """End a relation; say whether it stood."""
    statement = (
        update(PatientRelationRow)
        .where(TABLE.c.id == relation_id, TABLE.c.ended_at.is_(None))
        .values(ended_at=now, ended_by=actor)
        .returning(TABLE.c.id)
    )
    return (await tx.execute(statement)).one_or_none() is not None


async def move_birthday(tx: Tx, patient_id: int, adult_on: date) -> None:
    """Let standing guardians end on the birthday that is known now."""
    await tx.execute(
        update(PatientRelationRow)
        .where(
            TABLE.c.patient_id == patient_id,
            TABLE.c.kind == "guardian",
            TABLE.c.ended_at.is_(None),
        )
        .values(adult_on=adult_on)
    )


async def birth_date(tx: Tx, patient_id: int) -> bytes | None:
    """The sealed date of birth."""
    statement = select(PatientRow.birth_date).where(PatientRow.id == patient_id)
    found: bytes | None = (await tx.execute(statement)).scalar_one_or_none()
    return found


async def is_a_patient(tx: Tx, patient_id: int) -> bool:
    statement = select(PatientRow.id).where(
        PatientRow.id == patient_id, PatientRow.is_contact.is_(False)
    )
    return (await tx.execute(statement)).one_or_none() is not None


async def name_contact(tx: Tx, person_id: int, names: Mapping[str, bytes]) -> None:
    """Make a fresh row somebody who is no patient."""
    await tx.execute(
        update(PatientRow).where(PatientRow.id == person_id).values(is_contact=True, **names)
    )
