"""Links in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from handbell.links.tables import ActionLinkRow
from handbell.links.types import Link, LinkKind
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.direct import Direct

LINKS: Final = ActionLinkRow.__table__
_FIND_ORGANIZATION: Final = "SELECT organization_id FROM action_links WHERE token_hash = $1"


async def insert_many(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Write all rows in one statement."""
    await tx.execute(insert(ActionLinkRow).values(list(rows)))


async def find_organization(direct: Direct, token_hash: bytes) -> OrganizationId | None:
    """Whose link it is, over all organisations."""
    rows = await direct.rows(_FIND_ORGANIZATION, token_hash)
    return OrganizationId(rows[0]["organization_id"]) if rows else None


async def find(tx: Tx, token_hash: bytes) -> Link | None:
    statement = select(LINKS).where(LINKS.c.token_hash == token_hash)
    row = (await tx.execute(statement)).one_or_none()
    return _to_link(row) if row else None


async def lock(tx: Tx, link_id: int) -> Link:
    """Hold a link that was found before; of clicks at once one acts at a time."""
    statement = select(LINKS).where(LINKS.c.id == link_id).with_for_update()
    return _to_link((await tx.execute(statement)).one())


async def spend(tx: Tx, link_id: int, used_for: str, *, now: datetime) -> Link:
    """Note what the link was used for; give it as it stands then."""
    statement = (
        update(ActionLinkRow)
        .where(ActionLinkRow.id == link_id)
        .values(
            used_at=func.coalesce(ActionLinkRow.used_at, now),
            used_for=func.array_append(ActionLinkRow.used_for, used_for),
        )
        .returning(LINKS)
    )
    return _to_link((await tx.execute(statement)).one())


def _to_link(row: Row[Any]) -> Link:
    return Link(
        id=row.id,
        organization_id=OrganizationId(row.organization_id),
        kind=LinkKind(row.kind),
        patient_id=row.patient_id,
        address_id=row.address_id,
        appointment_id=row.appointment_id,
        appointment_version=row.appointment_version,
        message_id=row.message_id,
        expires_at=row.expires_at,
        used_at=row.used_at,
        used_for=frozenset(row.used_for),
    )
