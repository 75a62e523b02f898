"""A practice with a database of its own, links to click on, and the pages over HTTP."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from handbell.actions.router import links_router
from handbell.actions.service import ActionService
from handbell.audit.service import AuditService
from handbell.channels.service import EnvironmentAccount, ensure_accounts
from handbell.channels.types import Baa, NewLine
from handbell.channels.types import Provider as Account
from handbell.delivery.service import DeliveryService
from handbell.directory import service as directory
from handbell.directory.types import (
    AppointmentChange,
    AppointmentStatus,
    Location,
    NewSlot,
    Origin,
    Provider,
)
from handbell.entrypoints import embedded
from handbell.links import service as links
from handbell.links.types import LinkKind, LinkOrder
from handbell.messages.service import MessageService
from handbell.messages.types import SendOrder, VisitRef
from handbell.migrations.service import migrate
from handbell.organizations.service import OrganizationService
from handbell.patients.service import PatientService
from handbell.patients.types import Contact, Registration
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, urls_for
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At
from handbell.staff import service as staff
from handbell.templates.service import library_texts

KEY: Final = "a key for this stage only"
NOW: Final = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
STARTS_AT: Final = NOW + timedelta(hours=23, minutes=30)
ZONE: Final = "America/New_York"
BORN: Final = date(1970, 5, 17)
ACCOUNTS: Final = (
    EnvironmentAccount(
        provider=Account.TWILIO,
        reference="AC1",
        baa=Baa.SIGNED,
        lines=(NewLine(address="+12125550100"),),
    ),
    EnvironmentAccount(
        provider=Account.SENDGRID,
        reference="SG1",
        baa=Baa.SIGNED,
        lines=(NewLine(address="us@example.org"),),
    ),
)
_NAMES: Final = {
    "en": ("Ada", "Dr. Sam Grey", "Main Street Clinic"),
    "es": ("María del Carmen", "Dra. Rosa Núñez", "Consultorio Santa Rosa"),
    "hi": ("आशा", "डॉ. मीरा शर्मा", "मेन स्ट्रीट क्लिनिक"),
}


@dataclass(kw_only=True)
class Stage:
    """The product's own services on a real database; the clock is moved by hand."""

    db: Database
    keys: KeyRing
    clock: FrozenClock
    app: FastAPI
    messages: MessageService
    actors: int = 0

    def browser(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://stage.test")

    async def practice(self, name: str) -> OrganizationId:
        """A new organisation that can write by SMS and e-mail."""
        made = await OrganizationService(self.db).create(
            name=name, now=NOW, phone="212-555-0100", postal_address="1 Main St, Albany, NY 12207"
        )
        async with self.db.engine_transaction() as tx:
            await ensure_accounts(tx, made.id, ACCOUNTS, now=NOW)
        return made.id

    async def patient(
        self, organization_id: OrganizationId, *, language: str = "en", visits: int = 1
    ) -> "Actor":
        """A new patient with one visit tomorrow, or several on that day."""
        self.actors += 1
        actor = Actor(
            stage=self, organization_id=organization_id, no=self.actors, language=language
        )
        await actor.enter(visits)
        return actor


@dataclass(kw_only=True)
class Actor:
    """A patient; `link` gives paths to click on."""

    stage: Stage
    organization_id: OrganizationId
    no: int
    language: str
    patient_id: int = 0
    address_ids: dict[Channel, int] = field(default_factory=dict)
    visit_ids: list[int] = field(default_factory=list)

    async def enter(self, visits: int) -> None:
        stage, first_name = self.stage, _NAMES[self.language][0]
        number, mailbox = f"+1212555{self.no % 100 + 100:04}", f"p{self.no}@example.org"
        service = PatientService(stage.db, stage.keys, InferredWhereabouts())
        registered = await service.register(
            self.organization_id,
            Registration(
                origin=self._told("patient", 1),
                first_name=first_name,
                birth_date=BORN,
                language=self.language,
                contacts=(
                    Contact(channel="sms", value=number),
                    Contact(channel="email", value=mailbox),
                ),
            ),
            now=NOW,
        )
        self.patient_id = registered.patient_id
        async with stage.db.transaction(self.organization_id) as tx:
            for channel, value in ((Channel.SMS, number), (Channel.EMAIL, mailbox)):
                hashed = stage.keys.address_hash(channel, value)
                self.address_ids[channel] = await directory.ensure_address(
                    tx, self.organization_id, channel, hashed
                )
        for no in range(visits):
            self.visit_ids.append(await self.tell(no, version=1))

    async def tell(
        self,
        no: int = 0,
        *,
        version: int,
        starts_at: datetime | None = None,
        status: AppointmentStatus = AppointmentStatus.BOOKED,
    ) -> int:
        """Let the record system say how one of the visits stands."""
        _, clinician, place = _NAMES[self.language]
        async with self.stage.db.transaction(self.organization_id) as tx:
            location = await directory.upsert_location(
                tx,
                self.organization_id,
                self._told("place", version),
                Location(name=place, timezone=ZONE, phone=None, sensitive=False),
            )
            provider = await directory.upsert_provider(
                tx, self.organization_id, self._told("doctor", version), Provider(name=clinician)
            )
            change = AppointmentChange(
                status=status,
                patient_id=self.patient_id,
                provider_id=provider.internal_id,
                location_id=location.internal_id,
                starts_at=starts_at or STARTS_AT + timedelta(hours=2 * no),
                timezone=ZONE,
                duration_minutes=30,
                kind=None,
            )
            taken = await directory.upsert_appointment(
                tx, self.organization_id, self._told(f"visit{no}", version), change, now=NOW
            )
        return taken.internal_id

    async def free(self, starts: Sequence[datetime]) -> None:
        """Let the record system give free slots of the clinician of the visit."""
        async with self.stage.db.transaction(self.organization_id) as tx:
            visit = await directory.find_visit_in(tx, self.visit_ids[0])
            if visit is None or visit.provider_id is None:
                raise LookupError("the visit has no clinician")
            slots = [NewSlot(starts_at=at, timezone=ZONE, location_id=None) for at in starts]
            await directory.put_slots(tx, self.organization_id, visit.provider_id, slots, now=NOW)

    async def link(
        self,
        kind: LinkKind,
        *,
        message_id: int | None = None,
        channel: Channel = Channel.SMS,
        now: datetime = NOW,
        version: int = 1,
    ) -> str:
        """A link about the first visit, or, to a message about none, a secure message."""
        has_visit = kind is not LinkKind.UNSUBSCRIBE and bool(self.visit_ids)
        is_stop = kind is LinkKind.UNSUBSCRIBE
        order = LinkOrder(
            kind=kind,
            patient_id=self.patient_id,
            address_id=self.address_ids[Channel.EMAIL if is_stop else channel],
            appointment_id=self.visit_ids[0] if has_visit else None,
            appointment_version=version if has_visit else None,
            message_id=message_id,
        )
        stage = self.stage
        async with stage.db.transaction(self.organization_id) as tx:
            (path,) = await links.mint_in(tx, self.organization_id, stage.keys, [order], now=now)
        return path

    async def message(self, purpose: Purpose, *, channel: Channel = Channel.SMS) -> int:
        """A message to the patient through the gate; one about visits tells of all of them."""
        refs = [
            VisitRef(appointment_id=one, version=1, starts_at=STARTS_AT + timedelta(hours=2 * no))
            for no, one in enumerate(self.visit_ids)
        ]
        order = SendOrder(
            patient_id=self.patient_id,
            purpose=purpose,
            anchor=At(NOW),
            order_key=f"stage:{self.no}:{purpose}",
            ordered_by="stage",
            channel=channel,
            appointment_id=refs[0].appointment_id if refs else None,
            appointment_version=1 if refs else None,
            others=tuple(refs[1:]),
        )
        admitted = await self.stage.messages.admit(self.organization_id, order, now=NOW)
        return admitted.message_id

    async def statuses(self) -> list[str]:
        async with self.stage.db.transaction(self.organization_id) as tx:
            found = [await directory.find_visit_in(tx, one) for one in self.visit_ids]
        return [f"{one.status} v{one.version}" for one in found if one is not None]

    async def tasks(self) -> list[str]:
        """What staff have been left to do about this patient."""
        async with self.stage.db.transaction(self.organization_id) as tx:
            found, _ = await staff.list_open_in(tx, self.stage.keys, limit=500, offset=0)
        return [
            f"{one.task.kind}: {one.task.note}"
            for one in found
            if one.task.patient_id == self.patient_id
        ]

    async def audited(self) -> list[str]:
        """What the log says that the patient did by links, in the order it was written."""
        statement = text(
            "SELECT action FROM audit_entries WHERE actor = 'patient'"
            " AND subject->>'patient_id' = :id ORDER BY id"
        )
        async with self.stage.db.transaction(self.organization_id) as tx:
            return list((await tx.execute(statement, {"id": str(self.patient_id)})).scalars())

    async def queued(self) -> list[dict[str, Any]]:
        """The fresh messages that were ordered by links."""
        statement = text(
            "SELECT id, channel, address_id, appointment_id, appointment_version, lifecycle,"
            " purpose FROM messages WHERE patient_id = :id AND ordered_by = 'link' ORDER BY id"
        )
        async with self.stage.db.transaction(self.organization_id) as tx:
            rows = await tx.execute(statement, {"id": self.patient_id})
            return [dict(row) for row in rows.mappings()]

    def _told(self, name: str, version: int) -> Origin:
        told_at = NOW - timedelta(days=9) + timedelta(minutes=version)
        return Origin(
            source="stage", external_id=f"{name}-{self.no}", version=version, told_at=told_at
        )


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """A stage on a PostgreSQL of its own, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="handbell-links-"))
    server = embedded.start_postgres(home, durable=False)
    try:
        await migrate(server.database_url, encryption_key=KEY)
        async with stage_on(server.database_url) as stage:
            yield stage
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def stage_on(database_url: str, *, key: str = KEY) -> AsyncIterator[Stage]:
    """A stage on a database that is migrated."""
    library_texts()
    db = Database.open(urls_for(database_url, key))
    keys = KeyRing(encryption_key=key, lookup_key="a look-up key for this stage only")
    clock = FrozenClock(NOW)
    audit = AuditService(db, keys)
    messages = MessageService(db, keys, audit, public_url="https://m.example.org")
    delivery = DeliveryService(db, messages, clock)
    app = FastAPI()
    app.include_router(links_router(ActionService(db, keys, audit, messages, delivery), clock))
    try:
        yield Stage(db=db, keys=keys, clock=clock, app=app, messages=messages)
    finally:
        await db.close()
