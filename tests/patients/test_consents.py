"""Proof of consent over HTTP: what the patient agreed to, and whether it was altered since."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from tests.http_client import serving

from handbell.patients.consents.router import consents_router
from handbell.patients.consents.service import ConsentProofService
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId


@pytest.fixture
async def client(practice: Any, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:
    proofs = ConsentProofService(practice.db, practice.keys, practice.audit)
    async with serving(consents_router(proofs, clock), clock) as made:
        yield made


async def ask(
    client: httpx.AsyncClient, patient: int, who: str, *, expected: int = 200
) -> list[dict[str, Any]]:
    answer = await client.get(
        f"/patients/{patient}/consents", headers={"authorization": f"Bearer {who}"}
    )
    assert answer.status_code == expected, answer.text
    told: list[dict[str, Any]] = answer.json()
    return told


@pytest.mark.requirement("R7.5", "R7.6")
async def test_the_proof_names_every_decision_and_the_read_is_recorded(
    client: httpx.AsyncClient, practice: Any
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"), ("email", "Ada@Example.org"))
    sms, email = await ask(client, patient, f"staff@{practice.id}")
    assert (sms["channel"], sms["address"]) == ("sms", "+12125550123")
    assert (email["channel"], email["address"]) == ("email", "ada@example.org")
    assert sms["is_current"] is sms["is_intact"] is True
    (entry,) = sms["entries"]
    assert (entry["no"], entry["kind"], entry["message_class"]) == (1, "grant", "care")
    assert entry["method"] == "provided_at_registration"
    assert set(sms["states"]) == {"care"}
    assert sms["states"]["care"]["entry_no"] == 1
    assert sms["states"]["care"]["is_written"] is False
    query = "SELECT actor, subject FROM audit_entries WHERE action = 'consents.read'"
    assert [tuple(row) for row in await practice.rows(query)] == [
        ("key:staff", {"patient_ids": [patient]})
    ]


@pytest.mark.requirement("R7.5")
async def test_an_altered_entry_shows_in_the_proof(
    client: httpx.AsyncClient, practice: Any, owner_url: str
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"))
    owner = await asyncpg.connect(owner_url)
    await owner.execute("UPDATE consent_entries SET source = 'someone else'")
    await owner.close()
    (sms,) = await ask(client, patient, f"staff@{practice.id}")
    assert (sms["is_intact"], sms["first_altered"]) == (False, 1)


async def test_nobody_reads_the_proof_of_another_organisation_s_patient(
    client: httpx.AsyncClient, practice: Any, other_organization: OrganizationId
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"))
    await ask(client, patient, f"staff@{other_organization}", expected=404)
    await ask(client, patient, f"marketing@{practice.id}", expected=403)
