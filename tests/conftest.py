"""One real PostgreSQL for the test session, with a fresh database for each test.

Commits are real and row-level security is on: a test's database is as the migrations made it.
Sockets go to loopback only.
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
from typing import Any

import asyncpg
import hypothesis
import pytest
import pytest_socket
from sqlalchemy import text
from tests.databases import ReusedDatabase

from handbell.audit.service import AuditService
from handbell.channels.service import EnvironmentAccount, ensure_accounts
from handbell.channels.types import Baa, NewLine, Provider
from handbell.entrypoints import embedded
from handbell.integrations.events.service import EventService
from handbell.messages.service import MessageService
from handbell.migrations.service import migrate
from handbell.patients.service import PatientService
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, urls_for
from handbell.templates.approvals.service import ApprovalService
from handbell.templates.service import library_texts

hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

ENCRYPTION_KEY = "a key for tests only"
NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
_numbers = count(1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("live") is not None:
        return
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


@pytest.fixture(scope="session")
async def reused(cluster: Cluster) -> AsyncIterator[ReusedDatabase]:
    admin = await asyncpg.connect(cluster.admin_url)
    await admin.execute("CREATE DATABASE reused TEMPLATE template_for_tests")
    await admin.close()
    database = await ReusedDatabase.open(cluster.url("reused"))
    yield database
    await database.close()


@pytest.fixture
async def owner_url(
    request: pytest.FixtureRequest, cluster: Cluster, reused: ReusedDatabase
) -> AsyncIterator[str]:
    """The owner's address of a database as the migrations made it: for tampering with it."""
    if request.node.get_closest_marker("own_database") is None:
        await reused.reset()
        yield reused.url
        return
    admin = await asyncpg.connect(cluster.admin_url)
    await admin.execute("CREATE DATABASE own TEMPLATE template_for_tests")
    yield cluster.url("own")
    await admin.execute("DROP DATABASE own WITH (FORCE)")
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


class Practice:
    """One organisation with accounts for all channels, told of patients and visits by events."""

    def __init__(self, db: Database, keys: KeyRing, organization_id: OrganizationId) -> None:
        self.db = db
        self.keys = keys
        self.id = organization_id
        self.audit = AuditService(db, keys)
        patients = PatientService(db, keys, InferredWhereabouts())
        self.events = EventService(db, patients, self.audit)
        self.messages = MessageService(db, keys, self.audit, public_url="https://m.example.org")

    async def tell(self, kind: str, *, now: datetime = NOON, **data: Any) -> int:
        """Send one event; give our id of the thing."""
        event = {
            "specversion": "1.0",
            "id": f"event-{next(_numbers)}",
            "source": "tests",
            "type": kind,
            "time": now.isoformat(),
            "data": data,
        }
        taken = await self.events.take(self.id, event, actor="tests", now=now)
        assert taken.status == "accepted", taken
        assert taken.internal_id is not None
        return taken.internal_id

    async def patient(self, *contacts: tuple[str, str], now: datetime = NOON, **more: Any) -> int:
        """A patient in New York; without contacts, with one mobile number."""
        told = {
            "id": f"p-{next(_numbers)}",
            "first_name": "Ada",
            "timezone": "America/New_York",
            "contacts": [
                {"channel": channel, "value": value}
                for channel, value in contacts or (("sms", "+12125550123"),)
            ],
        }
        return await self.tell("patient.registered", now=now, **(told | more))

    async def visit(
        self, patient_id: int, start: datetime, *, now: datetime = NOON, **more: Any
    ) -> int:
        """A visit of a patient made here; say `id` to tell of the same one again."""
        told = {
            "id": f"a-{next(_numbers)}",
            "patient_id": await self._external_id(patient_id),
            "start": start.isoformat(),
            "timezone": "America/New_York",
        }
        kind = more.pop("kind", "appointment.booked")
        return await self.tell(kind, now=now, **(told | more))

    async def _external_id(self, patient_id: int) -> str:
        query = "SELECT external_id FROM external_ids WHERE kind = 'patient' AND internal_id = :id"
        return str(await self.value(query, id=patient_id))

    async def value(self, query: str, **params: Any) -> Any:
        """The single value that a query gives."""
        async with self.db.engine_transaction() as tx:
            return (await tx.execute(text(query), params)).scalar_one()

    async def rows(self, query: str, **params: Any) -> list[Any]:
        async with self.db.engine_transaction() as tx:
            return list((await tx.execute(text(query), params)).all())

    async def senders(self, sender: Any) -> dict[int, Any]:
        """The same sender for each account of the practice."""
        query = "SELECT id FROM provider_accounts WHERE organization_id = :id"
        return {row.id: sender for row in await self.rows(query, id=self.id)}

    async def execute(self, statement: str, **params: Any) -> None:
        async with self.db.engine_transaction() as tx:
            await tx.execute(text(statement), params)


@pytest.fixture
async def practice(db: Database, keys: KeyRing, organization: OrganizationId) -> Practice:
    """A practice that can send on all three channels."""
    made = Practice(db, keys, organization)
    accounts = (
        EnvironmentAccount(
            provider=provider,
            reference=f"{provider}-account",
            baa=Baa.NOT_REQUIRED,
            lines=(NewLine(address=line),),
        )
        for provider, line in (
            (Provider.TWILIO, "+12025550100"),
            (Provider.WHATSAPP, "+12025550199"),
            (Provider.SENDGRID, "care@practice.example.org"),
        )
    )
    async with db.engine_transaction() as tx:
        await ensure_accounts(tx, organization, accounts, now=NOON)
    approvals = ApprovalService(db, made.audit)
    await approvals.approve_all(organization, library_texts(), actor="tests", now=NOON)
    async with db.engine_transaction() as tx:
        await tx.execute(
            text(
                "UPDATE organizations SET phone = '212-555-0100',"
                " postal_address = '1 Main St, Albany, NY 12207' WHERE id = :id"
            ),
            {"id": organization},
        )
    return made
