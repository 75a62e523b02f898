"""Creates organisations and tells what is known of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.exc import IntegrityError

from handbell.organizations.errors import OrganizationNameTaken, OrganizationNotFound
from handbell.organizations.tables import OrganizationRow, OrganizationSettingsRow
from handbell.organizations.types import Organization, OrganizationSettings, StopScope
from handbell.platform.db import Database, OrganizationId, Tx

Values = Mapping[str, Any]
"""Columns and what they shall hold."""


class OrganizationService:
    """Tenants and their settings."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(
        self,
        *,
        name: str,
        now: datetime,
        phone: str | None = None,
        postal_address: str | None = None,
        support_email: str | None = None,
    ) -> Organization:
        """Create an organisation with the default settings, or raise `OrganizationNameTaken`."""
        facts = {
            "name": name,
            "phone": phone,
            "postal_address": postal_address,
            "support_email": support_email,
        }
        statement = (
            insert_or_not(OrganizationRow)
            .values(created_at=now, **facts)
            .on_conflict_do_nothing(constraint="uq_organizations_name")
            .returning(OrganizationRow.id)
        )
        async with self._db.engine_transaction() as tx:
            created = (await tx.execute(statement)).scalar_one_or_none()
            if created is None:
                raise OrganizationNameTaken("Another organisation bears this name.")
            await tx.execute(insert(OrganizationSettingsRow).values(organization_id=created))
        return _to_organization(created, facts)

    async def get(self, organization_id: OrganizationId) -> Organization:
        """Give the organisation, or raise `OrganizationNotFound`."""
        async with self._db.transaction(organization_id) as tx:
            return await organization_in(tx, organization_id)


async def organization_in(tx: Tx, organization_id: OrganizationId) -> Organization:
    """The organisation, inside another use case; raises `OrganizationNotFound`."""
    statement = select(OrganizationRow.__table__).where(OrganizationRow.id == organization_id)
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        raise OrganizationNotFound(
            "There is no such organisation.", organization_id=organization_id
        )
    return _to_organization(row["id"], {name: row[name] for name in _SHOWN})


async def ids_in(tx: Tx) -> Sequence[OrganizationId]:
    """All that there are, the oldest first; as the engine."""
    found = await tx.execute(select(OrganizationRow.id).order_by(OrganizationRow.id))
    return [OrganizationId(one) for one in found.scalars()]


async def settings_in(tx: Tx, organization_id: OrganizationId) -> OrganizationSettings:
    """What the organisation has decided, inside another use case."""
    statement = select(OrganizationSettingsRow.__table__).where(
        OrganizationSettingsRow.organization_id == organization_id
    )
    row = (await tx.execute(statement)).one()
    return OrganizationSettings(
        informs_at_intake=row.informs_at_intake,
        whatsapp_us_enabled=row.whatsapp_us_enabled,
        sms_ceiling=row.sms_ceiling,
        stop_scope=StopScope(row.stop_scope),
        care_per_day=row.care_per_day,
        max_segments=row.max_segments,
    )


async def change_in(
    tx: Tx, organization_id: OrganizationId, *, facts: Values, decisions: Values
) -> None:
    """Write the named columns of the organisation and of its settings, inside another use case.

    Holds the organisation's row from the start, so that two changes follow one another. Raises
    `OrganizationNameTaken`.
    """
    own = select(OrganizationRow.id).where(OrganizationRow.id == organization_id)
    await tx.execute(own.with_for_update(key_share=True))
    if facts:
        await _write_facts(tx, organization_id, facts)
    if decisions:
        where = OrganizationSettingsRow.organization_id == organization_id
        await tx.execute(update(OrganizationSettingsRow).where(where).values(**decisions))


async def _write_facts(tx: Tx, organization_id: OrganizationId, facts: Values) -> None:
    where = OrganizationRow.id == organization_id
    try:
        await tx.execute(update(OrganizationRow).where(where).values(**facts))
    except IntegrityError as taken:
        raise OrganizationNameTaken("Another organisation bears this name.") from taken


_SHOWN = ("name", "phone", "postal_address", "support_email")


def _to_organization(organization_id: int, facts: dict[str, str | None]) -> Organization:
    return Organization(
        id=OrganizationId(organization_id),
        name=facts["name"] or "",
        phone=facts["phone"],
        postal_address=facts["postal_address"],
        support_email=facts["support_email"],
    )
