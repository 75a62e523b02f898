"""Organisations cannot see each other's rows, whatever the query."""

import asyncio
from contextlib import AsyncExitStack
from time import monotonic

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import create_async_engine

from handbell.platform.db import Database, OrganizationId, Pool, PoolUse, async_url
from handbell.platform.direct import SIZE

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


async def test_a_single_statement_is_committed_by_itself(
    db: Database, organization: OrganizationId
) -> None:
    added = "INSERT INTO providers (organization_id, name) VALUES ($1, 'Dr Gray')"
    await db.direct.rows(added, organization)
    async with db.transaction(organization) as tx:
        assert (await tx.execute(NAMES)).scalars().all() == ["Dr Gray"]


async def test_single_statements_go_on_when_the_server_has_ended_their_connections(
    db: Database, owner_url: str
) -> None:
    assert (await db.direct.rows("SELECT $1::jsonb AS told", {"no": 7}))[0]["told"] == {"no": 7}
    owner = await asyncpg.connect(owner_url)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'handbell_engine'"
    )
    await owner.close()
    await asyncio.sleep(0.1)
    assert [row["one"] for row in await db.direct.rows("SELECT 1 AS one")] == [1]


async def test_single_statements_run_beside_each_other(db: Database) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.TaskGroup() as group:
        for _ in range(2 * SIZE):
            group.create_task(db.direct.rows("SELECT pg_sleep(0.2)"))
    assert loop.time() - begun < 0.2 * SIZE


@pytest.mark.requirement("R9.8")
async def test_a_pool_that_is_exhausted_refuses_at_once_until_a_connection_is_free(
    owner_url: str,
) -> None:
    connections = create_async_engine(
        async_url(owner_url), pool_size=1, max_overflow=1, pool_timeout=0.5
    )
    pool = Pool("app", connections)
    async with pool.begin(), AsyncExitStack() as second:
        await second.enter_async_context(pool.begin())
        waited = [await _refused(pool) for _ in range(3)]
        assert waited[0] >= 0.5
        assert max(waited[1:]) < 0.1
        assert pool.use() == PoolUse(name="app", in_use=2, size=2, refused=3)
        await second.aclose()
        async with pool.begin() as tx:
            assert (await tx.execute(text("SELECT 1"))).scalar_one() == 1
    assert pool.use().in_use == 0
    await pool.dispose()


async def _refused(pool: Pool) -> float:
    """How long somebody waited who then was refused."""
    began = monotonic()
    with pytest.raises(NoConnectionFree):
        await pool.begin().__aenter__()
    return monotonic() - began
