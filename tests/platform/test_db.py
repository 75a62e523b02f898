"""Organisations cannot see each other's rows, whatever the query."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from handbell.platform.db import Database, OrganizationId

NAMES = text("SELECT name FROM providers")
ADD = text("INSERT INTO providers (organization_id, name) VALUES (:id, 'Dr Gray')")


async def test_a_row_of_one_organisation_does_not_exist_for_the_other(
    db: Database, organization: OrganizationId, other_organization: OrganizationId
) -> None:
    async with db.transaction(organization) as tx:
        await tx.execute(ADD, {"id": organization})
    async with db.transaction(organization) as tx:
        assert (await tx.execute(NAMES)).scalars().all() == ["Dr Gray"]
    async with db.transaction(other_organization) as tx:
        assert (await tx.execute(NAMES)).scalars().all() == []


async def test_a_row_cannot_be_written_into_another_organisation(
    db: Database, organization: OrganizationId, other_organization: OrganizationId
) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.transaction(organization) as tx:
            await tx.execute(ADD, {"id": other_organization})


async def test_without_an_organisation_the_application_sees_nothing(
    db: Database, organization: OrganizationId
) -> None:
    async with db.transaction(organization) as tx:
        await tx.execute(ADD, {"id": organization})
    async with db.app_pool.begin() as tx:
        assert (await tx.execute(NAMES)).scalars().all() == []


async def test_the_organisation_does_not_leak_through_the_pool(
    db: Database, organization: OrganizationId
) -> None:
    for _ in range(5):
        async with db.transaction(organization) as tx:
            await tx.execute(ADD, {"id": organization})
        async with db.app_pool.begin() as tx:
            assert (await tx.execute(NAMES)).scalars().all() == []


async def test_the_engine_sees_all_organisations(
    db: Database, organization: OrganizationId, other_organization: OrganizationId
) -> None:
    for each in (organization, other_organization):
        async with db.transaction(each) as tx:
            await tx.execute(ADD, {"id": each})
    async with db.engine_transaction() as tx:
        assert len((await tx.execute(NAMES)).all()) == 2


async def test_an_error_undoes_the_whole_use_case(
    db: Database, organization: OrganizationId
) -> None:
    async def fails() -> None:
        async with db.transaction(organization) as tx:
            await tx.execute(ADD, {"id": organization})
            raise ValueError("stop here")

    with pytest.raises(ValueError, match="stop here"):
        await fails()
    async with db.transaction(organization) as tx:
        assert (await tx.execute(NAMES)).scalars().all() == []
