"""Events of a record system against the real database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from handbell.access.types import Caller, Role
from handbell.audit.service import AuditService
from handbell.audit.tables import AuditEntryRow
from handbell.directory.tables import AppointmentRow, ContactPointRow, PatientRow
from handbell.integrations.events.router import events_router
from handbell.integrations.events.service import EventService, EventStatus
from handbell.patients.service import PatientService
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform import outbox
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.preferences.service import PatientPreferenceService
from handbell.preferences.types import Level

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
BY_A_KEY: Any = {"actor": "key:0a1b2c3d", "now": NOW}


def event(kind: str, data: dict[str, Any], *, name: str, at: str = "09:00") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": "ehr",
        "type": kind,
        "time": f"2026-12-01T{at}:00Z",
        "data": data,
    }


PATIENT = event(
    "patient.registered",
    {
        "id": "p1",
        "first_name": "Ada",
        "contacts": [
            {"channel": "sms", "value": "(212) 555-0123"},
            {"channel": "email", "value": "not a mailbox"},
        ],
        "provider_id": "d1",
    },
    name="e1",
)
BOOKED = event(
    "appointment.booked",
    {"id": "a1", "patient_id": "p1", "provider_id": "d1", "start": "2026-12-09T09:00:00-05:00"},
    name="e2",
)


@pytest.fixture
def events(db: Database, keys: KeyRing) -> EventService:
    return EventService(
        db, PatientService(db, keys, InferredWhereabouts()), AuditService(db, keys)
    )


async def planned(db: Database) -> int:
    return len(await outbox.claim(db.direct, now=NOW))


@pytest.mark.requirement("R8.1", "R1.1")
async def test_a_booked_visit_is_left_to_be_planned_and_what_was_unusable_is_named(
    events: EventService, organization: OrganizationId, db: Database
) -> None:
    patient, visit = await events.take_all(organization, [PATIENT, BOOKED], **BY_A_KEY)
    assert patient.status is visit.status is EventStatus.ACCEPTED
    assert [(one.code, one.field) for one in patient.reasons] == [
        ("invalid_address", "contacts[1].value")
    ]
    work = await outbox.claim(db.direct, now=NOW)
    assert [(one.topic, one.args) for one in work] == [
        ("reminders.plan", {"appointment_id": visit.internal_id})
    ]


@pytest.mark.requirement("R8.1")
async def test_an_event_told_twice_changes_nothing(
    events: EventService, organization: OrganizationId, db: Database
) -> None:
    results = await events.take_all(organization, [PATIENT, BOOKED, BOOKED, PATIENT], **BY_A_KEY)
    assert [one.status for one in results][2:] == [EventStatus.DUPLICATE, EventStatus.DUPLICATE]
    assert await planned(db) == 1


@pytest.mark.requirement("R8.2")
async def test_the_newest_statement_of_a_visit_stands_whatever_the_order_of_arrival(
    events: EventService, organization: OrganizationId, db: Database
) -> None:
    data = BOOKED["data"]
    cancelled = event("appointment.cancelled", data, name="e4", at="12:00")
    moved = event("appointment.rescheduled", data, name="e3", at="11:00")
    results = await events.take_all(organization, [PATIENT, BOOKED, cancelled, moved], **BY_A_KEY)
    assert results[-1].status is EventStatus.STALE
    async with db.transaction(organization) as tx:
        row = (await tx.execute(select(AppointmentRow.status, AppointmentRow.version))).one()
    assert tuple(row) == ("cancelled", 2)
    assert await planned(db) == 2


async def test_a_rejected_event_says_why_costs_no_other_and_may_be_sent_again(
    events: EventService, organization: OrganizationId
) -> None:
    broken = event("appointment.booked", {"id": "a2"}, name="e9")
    nonsense: Any = "Ada Lovelace"
    results = await events.take_all(organization, [BOOKED, broken, nonsense, PATIENT], **BY_A_KEY)
    assert [(one.status, one.code, one.field) for one in results[:2]] == [
        (EventStatus.REJECTED, "unknown_patient", "data.patient_id"),
        (EventStatus.REJECTED, "invalid_missing", "data.patient_id"),
    ]
    assert results[2].status is EventStatus.REJECTED
    assert "Lovelace" not in repr(results)
    assert results[3].status is EventStatus.ACCEPTED
    assert (await events.take(organization, BOOKED, **BY_A_KEY)).status is EventStatus.ACCEPTED


@pytest.mark.requirement("R8.4", "R1.2")
async def test_a_providers_defaults_reach_patients_registered_before_them(
    events: EventService, organization: OrganizationId, db: Database
) -> None:
    settings = {"id": "d1", "name": "Dr. Grey", "defaults": {"language": "es"}}
    provider = event("provider.settings_updated", settings, name="e5")
    patient, _ = await events.take_all(organization, [PATIENT, provider], **BY_A_KEY)
    assert patient.internal_id is not None
    held = await PatientPreferenceService(db).resolve(organization, patient.internal_id)
    assert (held.language, held.levels["language"]) == ("es", Level.PROVIDER)


async def test_the_free_slots_of_a_provider_are_replaced_as_a_whole(
    events: EventService, organization: OrganizationId, db: Database
) -> None:
    told = [
        {"start": "2026-12-03T10:00:00", "timezone": "America/New_York"},
        {"start": "2026-12-04T15:00:00Z", "timezone": "America/New_York"},
    ]

    async def tell(name: str, version: int, slots: list[dict[str, str]]) -> EventStatus:
        data = {"id": "d1", "version": version, "slots": slots}
        answer = await events.take(
            organization, event("provider.slots_updated", data, name=name), **BY_A_KEY
        )
        return answer.status

    async def starts() -> list[str]:
        async with db.transaction(organization) as tx:
            query = text("SELECT starts_at FROM free_slots ORDER BY starts_at")
            return [f"{row.starts_at:%d %H:%M}" for row in await tx.execute(query)]

    assert await tell("s1", 1, told) is EventStatus.ACCEPTED
    assert await starts() == ["03 15:00", "04 15:00"]
    assert await tell("s2", 2, told[1:]) is EventStatus.ACCEPTED
    assert await tell("s3", 1, told) is EventStatus.STALE
    assert await starts() == ["04 15:00"]
    nowhere = [{"start": "2026-12-05T10:00:00"}]
    assert await tell("s4", 3, nowhere) is EventStatus.REJECTED
    assert await tell("s5", 3, []) is EventStatus.ACCEPTED
    assert await starts() == []


@pytest.mark.requirement("R7.7")
async def test_names_and_addresses_are_stored_as_ciphertext(
    events: EventService, organization: OrganizationId, db: Database
) -> None:
    await events.take(organization, PATIENT, **BY_A_KEY)
    async with db.transaction(organization) as tx:
        name = (await tx.execute(select(PatientRow.first_name))).scalar_one()
        address = (await tx.execute(select(ContactPointRow.address))).scalar_one()
    assert b"Ada" not in (name or b"")
    assert b"5550123" not in address


async def test_organisations_do_not_see_each_others_patients(
    events: EventService,
    organization: OrganizationId,
    other_organization: OrganizationId,
    db: Database,
) -> None:
    await events.take(organization, PATIENT, **BY_A_KEY)
    refused = await events.take(other_organization, BOOKED, **BY_A_KEY)
    assert refused.code == "unknown_patient"
    async with db.transaction(other_organization) as tx:
        assert (await tx.execute(select(func.count(PatientRow.id)))).scalar_one() == 0


@pytest.fixture
async def client(
    events: EventService, organization: OrganizationId, clock: FrozenClock
) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    caller = Caller(organization_id=organization, name="key:0a1b2c3d", role=Role.INTEGRATION)
    app.include_router(events_router(events, clock, lambda: caller))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_the_three_forms_of_cloudevents_are_taken(client: httpx.AsyncClient) -> None:
    structured = {"content-type": "application/cloudevents+json; charset=utf-8"}
    batch = {"content-type": "application/cloudevents-batch+json"}
    binary = {"content-type": "application/json"}
    binary |= {f"ce-{name}": value for name, value in PATIENT.items() if name != "data"}
    answers = [
        await client.post("/events", content=orjson.dumps(PATIENT["data"]), headers=binary),
        await client.post("/events", content=orjson.dumps(PATIENT), headers=structured),
        await client.post("/events", content=orjson.dumps([BOOKED, BOOKED]), headers=batch),
    ]
    assert {answer.status_code for answer in answers} == {202}
    statuses = [[one["status"] for one in answer.json()["results"]] for answer in answers]
    assert statuses == [["accepted"], ["duplicate"], ["accepted", "duplicate"]]


@pytest.mark.requirement("R1.2")
async def test_every_event_that_was_applied_is_in_the_audit_log_by_ids_alone(
    events: EventService, organization: OrganizationId, db: Database, keys: KeyRing
) -> None:
    unknown = event("nonsense", {"id": "x"}, name="e9")
    await events.take_all(organization, [PATIENT, BOOKED, BOOKED, unknown], **BY_A_KEY)
    async with db.transaction(organization) as tx:
        columns = (AuditEntryRow.actor, AuditEntryRow.action, AuditEntryRow.subject)
        rows = (await tx.execute(select(*columns).order_by(AuditEntryRow.id))).all()
    assert [(row.actor, row.action) for row in rows] == [("key:0a1b2c3d", "events.accepted")] * 2
    assert [set(row.subject) for row in rows] == [{"type", "id"}] * 2
    assert (await AuditService(db, keys).verify()).intact


async def test_the_example_in_the_description_is_an_event_that_is_taken(
    client: httpx.AsyncClient,
) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]["/events"]["post"]
    assert {"202", "401", "403", "422"} <= set(described["responses"])
    forms = described["requestBody"]["content"]
    media_type = "application/cloudevents-batch+json"
    await client.post(
        "/events", content=orjson.dumps([PATIENT]), headers={"content-type": media_type}
    )
    example = forms[media_type]["example"]
    example[0]["data"]["patient_id"] = PATIENT["data"]["id"]
    example[0]["source"] = PATIENT["source"]
    answer = await client.post(
        "/events", content=orjson.dumps(example), headers={"content-type": media_type}
    )
    assert [one["status"] for one in answer.json()["results"]] == ["accepted"]
