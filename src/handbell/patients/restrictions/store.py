"""Restrictions in the database; the gate reads them with its other facts."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel

# allow public-files: patients writes what stands beside the preferences
from handbell.preferences.tables import ContactRestrictionRow

TABLE = ContactRestrictionRow.__table__
SEALED_AS: Final = "contact_restrictions.address"


async def put(
    tx: Tx, organization_id: OrganizationId, values: dict[str, Any], *, actor: str, now: datetime
) -> None:
    """Set a restriction, unless the same one stands already."""
    await tx.execute(
        insert(ContactRestrictionRow)
        .values(organization_id=organization_id, set_at=now, set_by=actor, **values)
        .on_conflict_do_nothing(
            index_elements=["patient_id", "channel", "address_id"],
            index_where=TABLE.c.lifted_at.is_(None),
        )
    )


async def standing(tx: Tx, patient_id: int) -> list[Row[Any]]:
    """Every standing restriction of the patient."""
    statement = select(TABLE).where(TABLE.c.patient_id == patient_id, TABLE.c.lifted_at.is_(None))
    return list(await tx.execute(statement.order_by(TABLE.c.id)))


async def open_ones(
    tx: Tx, patient_id: int, channels: tuple[Channel, ...], address_ids: tuple[int | None, ...]
) -> list[Row[Any]]:
    """The standing restrictions of these channels and addresses."""
    listed = [one for one in address_ids if one is not None]
    fits = TABLE.c.address_id.in_(listed) if listed else TABLE.c.address_id.is_(None)
    statement = select(TABLE).where(
        TABLE.c.patient_id == patient_id,
        TABLE.c.channel.in_(channels),
        TABLE.c.lifted_at.is_(None),
        fits,
    )
    return list(await tx.execute(statement.order_by(TABLE.c.id)))


async def page(tx: Tx, patient_id: int, *, limit: int, offset: int) -> tuple[list[Row[Any]], int]:
    """The patient's restrictions, newest first, lifted ones too, with the number of all."""
    where = TABLE.c.patient_id == patient_id
    counted = select(func.count()).select_from(TABLE).where(where)
    total: int = (await tx.execute(counted)).scalar_one()
    statement = select(TABLE).where(where).order_by(TABLE.c.id.desc())
    return list(await tx.execute(statement.limit(limit).offset(offset))), total


async def find(tx: Tx, patient_id: int, restriction_id: int) -> Row[Any] | None:
    """One restriction, held until the transaction ends."""
    statement = select(TABLE).where(TABLE.c.patient_id == patient_id, TABLE.c.id == restriction_id)
    return (await tx.execute(statement.with_for_update())).one_or_none()


async def lift(tx: Tx, restriction_id: int, *, actor: str, now: datetime) -> None:
    await tx.execute(
        update(ContactRestrictionRow)
        .where(TABLE.c.id == restriction_id)
        .values(lifted_at=now, lifted_by=actor)
    )
