"""The words that patients were shown, by version: published once, never changed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert

from handbell.consent.errors import WordingDiffers
from handbell.consent.tables import ConsentWordingRow
from handbell.consent.types import Wording
from handbell.platform.db import OrganizationId, Tx

TABLE = ConsentWordingRow.__table__


async def publish(tx: Tx, organization_id: OrganizationId, wording: Wording) -> Wording:
    """Store the words of a version; the unique version decides. Raises `WordingDiffers`."""
    await tx.execute(
        insert(ConsentWordingRow)
        .values(
            organization_id=organization_id,
            version=wording.version,
            language=wording.language,
            text=wording.text,
            created_at=wording.created_at,
            created_by=wording.created_by,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "version"])
    )
    stands = (await of_versions(tx, [wording.version]))[wording.version]
    if (stands.language, stands.text) != (wording.language, wording.text):
        raise WordingDiffers("This version is published with other words.", field="version")
    return stands


async def of_versions(tx: Tx, versions: Iterable[str]) -> dict[str, Wording]:
    """The published wordings of those versions; unknown ones are left out."""
    statement = select(TABLE).where(TABLE.c.version.in_(list(versions)))
    return {row.version: _to_wording(row) for row in await tx.execute(statement)}


async def list_all(tx: Tx, *, limit: int, offset: int) -> tuple[list[Wording], int]:
    """A page, oldest first, and how many there are."""
    total = (await tx.execute(select(func.count()).select_from(TABLE))).scalar_one()
    page = select(TABLE).order_by(TABLE.c.id).limit(limit).offset(offset)
    return [_to_wording(row) for row in await tx.execute(page)], total


def _to_wording(row: Row[Any]) -> Wording:
    return Wording(
        version=row.version,
        language=row.language,
        text=row.text,
        created_at=row.created_at,
        created_by=row.created_by,
    )
