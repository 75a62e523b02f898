"""One real PostgreSQL for the test session, and a database of its own for each test.

Commits are real and row-level security is on: a test's database is cloned from a migrated
template and dropped afterwards. Sockets go to loopback only.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import pytest_socket
from sqlalchemy import text

from handbell.entrypoints import embedded
from handbell.migrations.service import migrate
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, urls_for

ENCRYPTION_KEY = "a key for tests only"
NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
_numbers = count(1)


def pytest_runtest_setup() -> None:
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The reference folder beside the checkout; a user's clone does not have it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference folder is not beside this checkout")
    return folder


@dataclass(frozen=True)
class Cluster:
    """A running server and the database that the tests' databases are cloned from."""

    admin_url: str

    def url(self, database: str) -> str:
        return re.sub(r"/[^/]*$", f"/{database}", self.admin_url)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    home = Path(tempfile.mkdtemp(prefix="handbell-tests-"))
    server = embedded.start_postgres(home, durable=False)
    try:
        cluster = Cluster(server.database_url)
        asyncio.run(_prepare(cluster))
        yield cluster
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


async def _prepare(cluster: Cluster) -> None:
    admin = await asyncpg.connect(cluster.admin_url)
    await admin.execute("CREATE DATABASE template_for_tests")
    await admin.close()
    await migrate(cluster.url("template_for_tests"), encryption_key=ENCRYPTION_KEY)


@pytest.fixture
async def owner_url(cluster: Cluster) -> AsyncIterator[str]:
    """The owner's address of a fresh, migrated database: for tampering and for migrations."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(cluster.admin_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template_for_tests")
    yield cluster.url(name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def db(owner_url: str) -> AsyncIterator[Database]:
    """The application's and the engine's pools on a fresh database."""
    database = Database.open(urls_for(owner_url, ENCRYPTION_KEY))
    yield database
    await database.close()


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing(encryption_key=ENCRYPTION_KEY, lookup_key="a look-up key for tests only")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOON)


@pytest.fixture
async def organization(db: Database) -> OrganizationId:
    return await _organization(db, "Riverside Health")


@pytest.fixture
async def other_organization(db: Database) -> OrganizationId:
    return await _organization(db, "Hillside Clinic")


async def _organization(db: Database, name: str) -> OrganizationId:
    async with db.engine_transaction() as tx:
        result = await tx.execute(
            text("INSERT INTO organizations (name, created_at) VALUES (:name, :at) RETURNING id"),
            {"name": name, "at": NOON},
        )
        organization_id: int = result.scalar_one()
        await tx.execute(
            text("INSERT INTO organization_settings (organization_id) VALUES (:id)"),
            {"id": organization_id},
        )
    return OrganizationId(organization_id)
