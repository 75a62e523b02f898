"""Two organisations in one installation: neither finds anything of the other."""

from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from tests.journeys.conftest import Installation, Patient, Row, eventually, now

from handbell.platform.db import OrganizationId

OVER = {
    "starts_at": "2001-01-01T00:00:00Z",
    "ends_at": "2001-01-02T00:00:00Z",
    "reason": "It is long over.",
}
OURS = OrganizationId(1)
TENANT_TABLES = """
SELECT c.table_name AS name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND c.column_name = 'organization_id'
  AND t.table_type = 'BASE TABLE'
ORDER BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another organisation, made by the operator, with a key of role admin."""

    id: OrganizationId
    key: str


@pytest.fixture(scope="module")
def neighbour(running: Installation) -> Neighbour:
    made = running.handbell("organization", "create", "--name", "Hillside Clinic")
    key = running.handbell(
        *("api-key", "create", "--org", str(made["id"]), "--name", "theirs", "--role", "admin")
    )
    return Neighbour(id=OrganizationId(made["id"]), key=key["key"])


@pytest.fixture(scope="module")
def ours(running: Installation) -> tuple[Patient, int, Row]:
    """A patient of the first organisation who has confirmed, the visit and a pending reminder."""
    patient = running.patient()
    _, visit_id = running.book(patient)
    running.message(patient.address)
    running.write(patient.address, "R")
    running.message(patient.address, no=2)
    pending = next(one for one in running.jobs(patient) if one["lifecycle"] == "scheduled")
    return patient, visit_id, pending


Ours = tuple[Patient, int, Row]


def test_a_key_reads_and_changes_nothing_of_the_other_organisation(
    installation: Installation, neighbour: Neighbour, ours: Ours
) -> None:
    patient, _, job = ours
    storm = installation.call("POST", "/blackouts", json=OVER).json()["id"]
    calls: tuple[tuple[str, str, Any, str], ...] = (
        ("GET", f"/patients/{patient.id}/comm-context", None, "patient_not_found"),
        ("GET", f"/patients/{patient.id}/comm-preferences", None, "patient_not_found"),
        ("GET", f"/patients/{patient.id}/consents", None, "patient_not_found"),
        (
            "PUT",
            f"/patients/{patient.id}/comm-preferences",
            {"language": "es"},
            "patient_not_found",
        ),
        ("GET", f"/comm/jobs/{job['id']}", None, "message_not_found"),
        ("GET", f"/comm/jobs/{job['id']}/explain", None, "message_not_found"),
        ("POST", f"/comm/jobs/{job['id']}/cancel", None, "message_not_found"),
        ("GET", f"/blackouts/{storm}", None, "blackout_not_found"),
        ("PUT", f"/blackouts/{storm}", OVER, "blackout_not_found"),
        ("DELETE", f"/blackouts/{storm}", None, "blackout_not_found"),
        (
            "POST",
            "/comm/schedule",
            {"patient_id": patient.id, "purpose": "appt_reminder"},
            "patient_not_found",
        ),
    )
    for method, path, body, code in calls:
        answer = installation.call(method, path, key=neighbour.key, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, code), path
    listed = installation.call("GET", f"/comm/jobs?patient_id={patient.id}", key=neighbour.key)
    assert (listed.json(), listed.headers["X-Total-Count"]) == ([], "0")
    after = installation.get(f"/comm/jobs/{job['id']}")
    assert (after["lifecycle"], after["scheduled_at"]) == ("scheduled", job["scheduled_at"])
    preferences = installation.get(f"/patients/{patient.id}/comm-preferences")
    assert preferences["language"] == "en"


def test_a_message_cannot_be_about_the_other_organisations_visit(
    installation: Installation, neighbour: Neighbour, ours: Ours
) -> None:
    _, visit_id, _ = ours
    theirs = installation.patient(key=neighbour.key)
    body = {"patient_id": theirs.id, "purpose": "appt_reminder", "appointment_id": visit_id}
    answer = installation.call("POST", "/comm/schedule", key=neighbour.key, json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "appointment_not_found")


def test_the_same_ids_and_the_same_number_are_another_patient_there(
    installation: Installation, neighbour: Neighbour, ours: Ours
) -> None:
    patient, _, _ = ours
    their_id = installation.tell(
        "patient.registered",
        key=neighbour.key,
        id=patient.name,
        first_name="Grace",
        timezone=patient.zone,
        contacts=[{"channel": "sms", "value": patient.address}],
    )
    assert their_id != patient.id
    theirs = Patient(patient.name, patient.zone, their_id, patient.address)
    installation.book(theirs, key=neighbour.key)

    def refused() -> list[Row]:
        return installation.jobs(theirs, key=neighbour.key)

    for job in eventually(refused, what="the messages of the neighbour's visit"):
        assert (job["lifecycle"], "no_sender" in job["reasons"]) == ("refused", True)
    assert len(installation.received(patient.address)) == 2
    assert {one["patient_id"] for one in installation.jobs(patient)} == {patient.id}


@pytest.mark.usefixtures("ours")
def test_no_table_shows_or_gives_a_row_of_the_other_organisation_to_the_application(
    installation: Installation, neighbour: Neighbour
) -> None:
    tables = [row["name"] for row in installation.rows(TENANT_TABLES)]
    filled = {name for name in tables if has_rows(installation, name)}
    assert filled >= {"patients", "addresses", "appointments", "messages", "consent_entries"}
    assert filled >= {"audit_entries", "inbound_messages", "action_links", "message_attempts"}
    others = "organization_id <> $1"
    for name in tables:
        for statement in (
            f"SELECT 1 FROM {name} WHERE {others}",  # noqa: S608
            f"UPDATE {name} SET organization_id = $1 WHERE {others} RETURNING 1",  # noqa: S608
            f"DELETE FROM {name} WHERE {others} RETURNING 1",  # noqa: S608
        ):
            assert found_for(installation, neighbour.id, statement) == [], statement
        nobodys = f"SELECT 1 FROM {name} WHERE organization_id IS NOT NULL"  # noqa: S608
        assert found_for(installation, None, nobodys) == [], name
    assert (
        found_for(installation, neighbour.id, "SELECT 1 FROM organizations WHERE id <> $1") == []
    )


def has_rows(installation: Installation, table: str) -> bool:
    query = f"SELECT 1 FROM {table} WHERE organization_id = $1 LIMIT 1"  # noqa: S608
    return bool(installation.rows(query, OURS))


def found_for(
    installation: Installation, organization_id: OrganizationId | None, statement: str
) -> list[Row]:
    """Rows that the application gets, with the setting of one organisation or of none."""
    arguments = () if organization_id is None else (organization_id,)
    try:
        return installation.rows_as_app(organization_id, statement, *arguments)
    except asyncpg.InsufficientPrivilegeError:
        return []


def test_the_application_cannot_make_a_row_for_the_other_organisation(
    installation: Installation, neighbour: Neighbour
) -> None:
    statement = (
        "INSERT INTO staff_tasks (organization_id, kind, created_at)"
        " VALUES ($1, 'unclear_reply', $2) RETURNING id"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        installation.rows_as_app(neighbour.id, statement, OURS, now())
