"""Registration against the real database."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from handbell.consent.service import ConsentService
from handbell.consent.types import Kind
from handbell.directory.tables import ContactPointRow, PatientRow
from handbell.directory.types import Origin
from handbell.patients.service import PatientService
from handbell.patients.types import Contact, Registration, ToldConsent, Unusable
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.preferences.service import PatientPreferenceService
from handbell.preferences.types import Level

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
ORIGIN = Origin(source="ehr", external_id="p1", version=None, told_at=NOW - timedelta(days=1))
ADA = Registration(
    origin=ORIGIN,
    first_name="Ada",
    timezone="America/Denver",
    contacts=(Contact(channel="sms", value="+1 212 555 0123"),),
)


@pytest.fixture
def patients(db: Database, keys: KeyRing) -> PatientService:
    return PatientService(db, keys, InferredWhereabouts())


@pytest.mark.requirement("R8.3")
async def test_an_empty_zone_or_language_is_left_out_and_reported(
    patients: PatientService, organization: OrganizationId
) -> None:
    told = await patients.register(organization, replace(ADA, timezone="", language=""), now=NOW)
    assert [one.code for one in told.reasons] == [
        Unusable.UNKNOWN_TIMEZONE,
        Unusable.UNKNOWN_LANGUAGE,
    ]


@pytest.mark.requirement("R8.3", "R1.4")
async def test_a_new_number_replaces_the_old_one_which_is_kept_and_the_zone_flows_in(
    patients: PatientService, organization: OrganizationId, db: Database
) -> None:
    first = await patients.register(organization, ADA, now=NOW)
    moved = replace(
        ADA,
        origin=replace(ORIGIN, told_at=NOW),
        contacts=(Contact(channel="sms", value="+1 303 555 0123"),),
        timezone="Mars/Olympus",
    )
    second = await patients.register(organization, moved, now=NOW)
    assert second.patient_id == first.patient_id
    assert [one.code for one in second.reasons] == [Unusable.UNKNOWN_TIMEZONE]
    async with db.transaction(organization) as tx:
        statement = select(ContactPointRow.is_current, ContactPointRow.zones)
        points = (await tx.execute(statement.order_by(ContactPointRow.id))).all()
    assert [tuple(one) for one in points] == [
        (False, ["America/New_York"]),
        (True, ["America/Denver"]),
    ]
    held = await PatientPreferenceService(db).resolve(organization, first.patient_id)
    assert (held.timezone, held.levels["timezone"]) == ("America/Denver", Level.PATIENT)


async def test_an_older_statement_changes_nothing(
    patients: PatientService, organization: OrganizationId, db: Database
) -> None:
    await patients.register(organization, ADA, now=NOW)
    old = replace(ADA, origin=replace(ORIGIN, told_at=NOW - timedelta(days=2)), contacts=())
    assert (await patients.register(organization, old, now=NOW)).is_stale
    async with db.transaction(organization) as tx:
        assert (await tx.execute(select(ContactPointRow.is_current))).scalar_one()


async def test_one_patient_registered_many_times_at_once_is_one_patient(
    patients: PatientService, organization: OrganizationId, db: Database
) -> None:
    registered = await asyncio.gather(
        *(patients.register(organization, ADA, now=NOW) for _ in range(8))
    )
    assert len({one.patient_id for one in registered}) == 1
    async with db.transaction(organization) as tx:
        assert (await tx.execute(select(func.count(PatientRow.id)))).scalar_one() == 1


@pytest.mark.requirement("R7.4")
async def test_a_revocation_that_is_not_understood_is_taken_in_its_widest_sense(
    patients: PatientService, organization: OrganizationId, db: Database
) -> None:
    told = ToldConsent(
        channel=Channel.SMS,
        message_class="newsletters",
        kind=Kind.REVOKE,
        method="pigeon",
        text_version=None,
        at=None,
    )
    registered = await patients.register(organization, replace(ADA, consents=(told,)), now=NOW)
    assert [one.code for one in registered.reasons] == [
        Unusable.UNKNOWN_CLASS,
        Unusable.UNKNOWN_METHOD,
    ]
    async with db.transaction(organization) as tx:
        address_id = (await tx.execute(select(ContactPointRow.address_id))).scalar_one()
    states = await ConsentService(db, patients.keys).states(organization, address_id)
    assert not states[MessageClass.CARE].granted
