"""Creates organisations and tells what is known of one."""

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from handbell.organizations.errors import OrganizationNameTaken, OrganizationNotFound
from handbell.organizations.tables import OrganizationRow, OrganizationSettingsRow
from handbell.organizations.types import Organization
from handbell.platform.db import Database, OrganizationId


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
        statement = select(OrganizationRow.__table__).where(OrganizationRow.id == organization_id)
        async with self._db.transaction(organization_id) as tx:
            row = (await tx.execute(statement)).mappings().one_or_none()
        if row is None:
            raise OrganizationNotFound(
                "There is no such organisation.", organization_id=organization_id
            )
        return _to_organization(row["id"], {name: row[name] for name in _SHOWN})


_SHOWN = ("name", "phone", "postal_address", "support_email")


def _to_organization(organization_id: int, facts: dict[str, str | None]) -> Organization:
    return Organization(
        id=OrganizationId(organization_id),
        name=facts["name"] or "",
        phone=facts["phone"],
        postal_address=facts["postal_address"],
        support_email=facts["support_email"],
    )
