"""The revisions build what the tables say, and can take it away again."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from handbell.migrations import service
from handbell.migrations.metadata import metadata
from handbell.platform.db import async_url

TABLES = text(
    "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)


async def test_the_migrated_database_equals_the_tables_in_code(owner_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata()))

    engine = create_async_engine(async_url(owner_url))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


@pytest.mark.own_database
async def test_going_down_and_up_again_leaves_every_table_once(owner_url: str) -> None:
    engine = create_async_engine(async_url(owner_url))
    async with engine.connect() as connection:
        before = (await connection.execute(TABLES)).scalar_one()
    await service.downgrade(owner_url, revision="base")
    async with engine.connect() as connection:
        assert (await connection.execute(TABLES)).scalar_one() == 0
    await service.migrate(owner_url, encryption_key="a key for tests only")
    async with engine.connect() as connection:
        assert (await connection.execute(TABLES)).scalar_one() == before
    await engine.dispose()


async def test_every_table_with_an_organisation_is_under_row_level_security(
    owner_url: str,
) -> None:
    unprotected = text(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind = 'r' AND a.attname = 'organization_id' AND NOT c.relrowsecurity"
    )
    engine = create_async_engine(async_url(owner_url))
    async with engine.connect() as connection:
        assert (await connection.execute(unprotected)).scalars().all() == []
    await engine.dispose()


@pytest.mark.parametrize("rights", ["UPDATE", "DELETE"])
@pytest.mark.parametrize("role", ["handbell_app", "handbell_engine"])
@pytest.mark.parametrize("ledger", ["audit_entries", "consent_entries"])
@pytest.mark.requirement("R7.5")
async def test_a_ledger_can_only_grow(owner_url: str, role: str, rights: str, ledger: str) -> None:
    engine = create_async_engine(async_url(owner_url))
    async with engine.connect() as connection:
        allowed = await connection.execute(
            text("SELECT has_table_privilege(:role, :ledger, :rights)"),
            {"role": role, "ledger": ledger, "rights": rights},
        )
        assert allowed.scalar_one() is False
    await engine.dispose()
