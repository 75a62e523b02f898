"""One number of one organisation, and a ledger to write into."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import pytest

from handbell.consent.service import ConsentService
from handbell.consent.types import Decision, Entry, Kind, Method
from handbell.directory import service as directory
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import MessageClass

NOW: Final = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
NUMBER: Final = "+12125550123"
GRANT: Final = Decision(
    kind=Kind.GRANT,
    message_class=MessageClass.CARE,
    method=Method.WEB_FORM,
    source="portal",
    actor="patient",
    at=NOW - timedelta(days=9),
    text_version="care-1",
    evidence="form/7",
    ip="192.0.2.7",
)


@dataclass
class Ledger:
    """The ledger of one number."""

    service: ConsentService
    organization: OrganizationId
    address: int
    owner_url: str

    async def write(self, count: int) -> list[Entry]:
        """Grants for care, an hour apart."""
        return [
            await self.service.grant(
                self.organization,
                self.address,
                replace(GRANT, at=GRANT.at + timedelta(hours=no)),
                now=NOW + timedelta(minutes=no),
            )
            for no in range(count)
        ]

    async def tamper(self, statement: str, *values: Any) -> None:
        """Change the database behind the engine's back, as its owner can."""
        owner = await asyncpg.connect(self.owner_url)
        await owner.execute(statement, *values)
        await owner.close()


async def number_of(
    db: Database, keys: KeyRing, organization: OrganizationId, number: str = NUMBER
) -> int:
    """The address row of a number."""
    async with db.transaction(organization) as tx:
        return await directory.ensure_address(
            tx, organization, "sms", keys.address_hash("sms", number)
        )


@pytest.fixture
async def ledger(
    db: Database, keys: KeyRing, organization: OrganizationId, owner_url: str
) -> Ledger:
    return Ledger(
        service=ConsentService(db, keys),
        organization=organization,
        address=await number_of(db, keys, organization),
        owner_url=owner_url,
    )
