"""The ledger: what holds, what stops an address, and that nobody rewrites it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import ENCRYPTION_KEY

from handbell.consent import service as consent
from handbell.consent.errors import GrantNeedsClass, RegistrationCoversCareOnly
from handbell.consent.service import ConsentService
from handbell.consent.types import Decision, Intact, Kind, Method
from handbell.directory import service as directory
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import MessageClass

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
KEYS = KeyRing(encryption_key=ENCRYPTION_KEY, lookup_key="a look-up key for tests only")
NUMBER = "+12125550123"
HASH = KEYS.address_hash("sms", NUMBER)
GRANT = Decision(
    kind=Kind.GRANT,
    message_class=MessageClass.CARE,
    method=Method.WEB_FORM,
    source="portal",
    actor="patient",
    at=NOW - timedelta(days=9),
)
STOP = replace(
    GRANT,
    kind=Kind.REVOKE,
    message_class=None,
    method=Method.KEYWORD,
    at=NOW - timedelta(days=5),
)


@pytest.fixture
async def address(db: Database, organization: OrganizationId) -> int:
    async with db.transaction(organization) as tx:
        return await directory.ensure_address(tx, organization, "sms", HASH)


async def is_suppressed(db: Database, organization: OrganizationId) -> bool:
    async with db.transaction(organization) as tx:
        return bool(await consent.suppressed_hashes(tx, "sms", [HASH]))


async def came_in_again(db: Database, organization: OrganizationId, address: int) -> None:
    async with db.transaction(organization) as tx:
        await consent.record_registration(
            tx, organization, address, source="ehr", at=NOW, keys=KEYS, now=NOW
        )


@pytest.mark.requirement("R7.8")
async def test_an_address_given_at_registration_is_consent_for_care_and_nothing_else(
    db: Database, organization: OrganizationId, address: int
) -> None:
    await came_in_again(db, organization, address)
    await came_in_again(db, organization, address)
    states = await ConsentService(db, KEYS).states(organization, address)
    assert [one for one, state in states.items() if state.granted] == [MessageClass.CARE]
    assert len(await ConsentService(db, KEYS).history(organization, address)) == 1
    wider = replace(
        GRANT,
        method=Method.PROVIDED_AT_REGISTRATION,
        message_class=MessageClass.MARKETING,
    )
    with pytest.raises(RegistrationCoversCareOnly):
        await ConsentService(db, KEYS).grant(organization, address, wider, now=NOW)
    with pytest.raises(GrantNeedsClass):
        await ConsentService(db, KEYS).grant(
            organization, address, replace(GRANT, message_class=None), now=NOW
        )


@pytest.mark.requirement("R7.4")
async def test_a_stop_survives_coming_in_again_and_is_lifted_only_by_a_later_grant(
    db: Database, organization: OrganizationId, address: int
) -> None:
    service = ConsentService(db, KEYS)
    await service.revoke(organization, address, STOP, now=NOW)
    await came_in_again(db, organization, address)
    await service.grant(organization, address, GRANT, now=NOW)
    assert await is_suppressed(db, organization)
    assert not (await service.states(organization, address))[MessageClass.CARE].granted
    later = replace(GRANT, at=STOP.at + timedelta(days=1))
    await service.grant(organization, address, later, now=NOW)
    assert not await is_suppressed(db, organization)
    states = await service.states(organization, address)
    assert states[MessageClass.CARE].granted
    assert not states[MessageClass.MARKETING].granted


@pytest.mark.requirement("R7.4")
async def test_a_stop_heard_of_late_does_not_undo_a_newer_grant(
    db: Database, organization: OrganizationId, address: int
) -> None:
    service = ConsentService(db, KEYS)
    later = replace(GRANT, at=STOP.at + timedelta(days=1))
    await service.grant(organization, address, later, now=NOW)
    await service.revoke(organization, address, STOP, now=NOW)
    assert not await is_suppressed(db, organization)
    assert (await service.states(organization, address))[MessageClass.CARE].granted


@pytest.mark.requirement("R7.5")
async def test_decisions_made_at_once_make_one_chain_and_a_repeated_one_makes_no_entry(
    db: Database, organization: OrganizationId, address: int
) -> None:
    service = ConsentService(db, KEYS)
    decisions = [replace(GRANT, at=GRANT.at + timedelta(hours=no % 5)) for no in range(10)]
    await asyncio.gather(
        *(service.grant(organization, address, one, now=NOW) for one in decisions)
    )
    assert await service.verify(organization, address) == Intact(entries=5)
