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


async def count_tries(tx: Tx, patient_id: int, *, since: datetime, now: datetime) -> int:
    """Wrong answers on all of a patient's links. Holds the living ones, so that of many answers
    at once each is counted before the next is heard."""
    held = select(LINKS.c.id).where(LINKS.c.patient_id == patient_id, LINKS.c.expires_at > now)
    await tx.execute(held.order_by(LINKS.c.id).with_for_update())
    counted = select(func.coalesce(func.sum(LINKS.c.wrong_tries), 0)).where(
        LINKS.c.patient_id == patient_id, LINKS.c.wrong_at > since
    )
    tries: int = (await tx.execute(counted)).scalar_one()
    return tries


async def add_try(tx: Tx, link_id: int, *, now: datetime) -> None:
    """Count one more wrong answer."""
    statement = update(ActionLinkRow).where(ActionLinkRow.id == link_id)
    await tx.execute(statement.values(wrong_tries=ActionLinkRow.wrong_tries + 1, wrong_at=now))


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
