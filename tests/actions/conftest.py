"""A practice with one visit tomorrow, links to it, and the pages behind them over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from handbell.actions.router import links_router
from handbell.actions.service import ActionService
from handbell.audit.service import AuditService
from handbell.consent import service as consent
from handbell.consent.types import Decision
from handbell.directory import service as directory
from handbell.directory.types import (
    AppointmentChange,
    AppointmentStatus,
    Location,
    Origin,
    Provider,
)
from handbell.links import service as links
from handbell.links.types import LinkKind, LinkOrder
from handbell.messages.service import PrivateText
from handbell.messages.types import Admission, Lifecycle, MessageId, SendOrder, VisitRef
from handbell.patients.service import PatientService
from handbell.patients.types import Contact, Registration
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.http import SecurityHeaders, install_problems
from handbell.platform.vocabulary import Channel
from handbell.staff import service as staff
from handbell.staff.types import StaffTask

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
STARTS_AT = datetime(2026, 12, 2, 16, 30, tzinfo=UTC)
TABLES = ("action_links", "appointments", "staff_tasks", "outbox", "consent_entries", "messages")


@dataclass
class FakeMessages:
    """Admits every order unless told to refuse; the order key decides, as in the real one."""

    lifecycle: Lifecycle = Lifecycle.SCHEDULED
    orders: dict[str, SendOrder] = field(default_factory=dict)
    public_url: str = "https://m.example.org"

    async def admit(
        self, organization_id: OrganizationId, order: SendOrder, *, now: datetime
    ) -> Admission:
        assert organization_id
        self.orders.setdefault(order.order_key, order)
        return Admission(
            message_id=MessageId(1),
            lifecycle=self.lifecycle,
            channel=Channel.SMS,
            scheduled_at=now,
            reasons=(),
        )

    async def other_visits_in(self, tx: Tx, message_id: int) -> tuple[VisitRef, ...]:
        """No message here tells of several visits."""
        assert tx is not None
        assert message_id
        return ()

    async def private_text_in(self, tx: Tx, message_id: int) -> PrivateText | None:
        """No link here has a message."""
        assert tx is not None
        assert message_id
        return None

    async def order_again_in(
        self, tx: Tx, message_id: int, *, key: str, now: datetime
    ) -> SendOrder:
        raise LookupError(message_id, key, tx, now)


@dataclass
class FakeDelivery:
    """Writes the stop into the ledger; nothing is ever in flight."""

    keys: KeyRing
    settled: list[list[int]] = field(default_factory=list)

    async def opt_out_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        address_ids: list[int],
        decision: Decision,
        *,
        now: datetime,
    ) -> None:
        for address_id in address_ids:
            await consent.record(
                tx, organization_id, address_id, decision, keys=self.keys, now=now
            )

    async def settle(self, organization_id: OrganizationId, address_ids: list[int]) -> int:
        assert organization_id
        self.settled.append(address_ids)
        return 0


@dataclass
class Practice:
    """One organisation with a patient and a visit; `link` gives paths to click on."""

    db: Database
    keys: KeyRing
    organization_id: OrganizationId
    language: str = "en"
    first_name: str = "Ada"
    provider: str = "Dr. Grey"
    location: str = "Main Street Clinic"
    sensitive: bool = False
    patient_id: int = 0
    appointment_id: int = 0
    address_id: int = 0
    mailbox_id: int = 0

    async def open(self) -> "Practice":
        registered = await PatientService(self.db, self.keys, InferredWhereabouts()).register(
            self.organization_id,
            Registration(
                origin=_told("p1", 1),
                first_name=self.first_name,
                language=self.language,
                contacts=(
                    Contact(channel="sms", value="+12125550123"),
                    Contact(channel="email", value="ada@example.org"),
                ),
            ),
            now=NOW,
        )
        self.patient_id = registered.patient_id
        async with self.db.transaction(self.organization_id) as tx:
            self.address_id = await self._address(tx, Channel.SMS, "+12125550123")
            self.mailbox_id = await self._address(tx, Channel.EMAIL, "ada@example.org")
        await self.tell(version=1)
        return self

    async def _address(self, tx: Tx, channel: Channel, value: str) -> int:
        address_hash = self.keys.address_hash(channel, value)
        return await directory.ensure_address(tx, self.organization_id, channel, address_hash)

    async def tell(
        self,
        *,
        version: int,
        status: AppointmentStatus = AppointmentStatus.BOOKED,
        starts_at: datetime = STARTS_AT,
    ) -> None:
        """Let the record system say how the visit stands."""
        async with self.db.transaction(self.organization_id) as tx:
            place = Location(
                name=self.location,
                timezone="America/New_York",
                phone=None,
                sensitive=self.sensitive,
            )
            location = await directory.upsert_location(
                tx, self.organization_id, _told("l1", version), place
            )
            provider = await directory.upsert_provider(
                tx, self.organization_id, _told("d1", version), Provider(name=self.provider)
            )
            change = AppointmentChange(
                status=status,
                patient_id=self.patient_id,
                provider_id=provider.internal_id,
                location_id=location.internal_id,
                starts_at=starts_at,
                timezone="America/New_York",
                duration_minutes=30,
                kind=None,
            )
            taken = await directory.upsert_appointment(
                tx, self.organization_id, _told("a1", version), change, now=NOW
            )
        self.appointment_id = taken.internal_id

    async def link(self, kind: LinkKind, *, version: int = 1, now: datetime = NOW) -> str:
        is_care = kind is not LinkKind.UNSUBSCRIBE
        order = LinkOrder(
            kind=kind,
            patient_id=self.patient_id,
            address_id=self.address_id if is_care else self.mailbox_id,
            appointment_id=self.appointment_id if is_care else None,
            appointment_version=version if is_care else None,
        )
        async with self.db.transaction(self.organization_id) as tx:
            (path,) = await links.mint_in(tx, self.organization_id, self.keys, [order], now=now)
        return path

    async def status(self) -> str:
        async with self.db.transaction(self.organization_id) as tx:
            visit = await directory.find_visit_in(tx, self.appointment_id)
        assert visit is not None
        return f"{visit.status} {visit.version}"

    async def tasks(self) -> list[StaffTask]:
        async with self.db.transaction(self.organization_id) as tx:
            found, _ = await staff.list_open_in(tx, self.keys, limit=50, offset=0)
        return [one.task for one in found]

    async def audited(self) -> list[str]:
        """The actions in the log, in the order they were written."""
        async with self.db.transaction(self.organization_id) as tx:
            rows = await tx.execute(text("SELECT action FROM audit_entries ORDER BY id"))
            return list(rows.scalars())

    async def rows(self) -> dict[str, Any]:
        """Everything that a click could change."""
        async with self.db.engine_transaction() as tx:
            return {
                table: (
                    await tx.execute(
                        text(f"SELECT array_agg(t::text ORDER BY t.id) FROM {table} t")  # noqa: S608
                    )
                ).scalar_one()
                for table in TABLES
            }


def _told(name: str, version: int) -> Origin:
    told_at = NOW - timedelta(days=9) + timedelta(minutes=version)
    return Origin(source="ehr", external_id=name, version=version, told_at=told_at)


@pytest.fixture
def open_practice(db: Database, keys: KeyRing) -> Callable[..., Awaitable[Practice]]:
    """Opens a practice; facts of the patient and the visit may be given by name."""

    async def open_one(organization_id: OrganizationId, **facts: Any) -> Practice:
        return await Practice(db, keys, organization_id, **facts).open()

    return open_one


@pytest.fixture
async def practice(
    open_practice: Callable[..., Awaitable[Practice]], organization: OrganizationId
) -> Practice:
    return await open_practice(organization)


@pytest.fixture
def messages() -> FakeMessages:
    return FakeMessages()


@pytest.fixture
def delivery(keys: KeyRing) -> FakeDelivery:
    return FakeDelivery(keys=keys)


@pytest.fixture
def actions(
    db: Database, keys: KeyRing, messages: FakeMessages, delivery: FakeDelivery
) -> ActionService:
    return ActionService(db, keys, AuditService(db, keys), messages, delivery)


@pytest.fixture
async def client(actions: ActionService, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    app.add_middleware(SecurityHeaders)
    app.include_router(links_router(actions, clock))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
