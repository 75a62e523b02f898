"""Organisations come with settings, and a name belongs to one of them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from handbell.organizations.errors import OrganizationNameTaken, OrganizationNotFound
from handbell.organizations.service import OrganizationService
from handbell.platform.db import Database, OrganizationId

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)


async def test_a_new_organisation_has_the_default_settings(db: Database) -> None:
    service = OrganizationService(db)
    made = await service.create(name="Lakeside", now=NOON, phone="+12125550101")
    assert await service.get(made.id) == made
    async with db.transaction(made.id) as tx:
        ceiling = await tx.execute(text("SELECT sms_ceiling FROM organization_settings"))
        assert ceiling.scalar_one() == 1


async def test_a_name_is_taken_once(db: Database) -> None:
    service = OrganizationService(db)
    await service.create(name="Lakeside", now=NOON)
    with pytest.raises(OrganizationNameTaken):
        await service.create(name="Lakeside", now=NOON)


async def test_an_unknown_organisation_is_not_found(db: Database) -> None:
    with pytest.raises(OrganizationNotFound):
        await OrganizationService(db).get(OrganizationId(99))
