"""An erased patient is gone from every table, and what they said no to stays said."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.conftest import NOON
from tests.delivery.desk import Desk
from tests.http_client import serving

from handbell.consent import service as consent
from handbell.consent.service import ConsentService, WitnessSource
from handbell.consent.types import Decision, Kind, Method
from handbell.messages.leaves import AttemptSource
from handbell.messages.types import Lifecycle, Reason, SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import MessageClass, Purpose
from handbell.preferences.errors import PatientNotFound
from handbell.privacy.router import privacy_router
from handbell.privacy.service import PrivacyService
from handbell.privacy.types import ErasureReason
from handbell.scheduling.types import At

NUMBER = ("sms", "+12125550123")
MAILBOX = ("email", "ada@example.org")
KEPT = {
    "addresses": {"address_hash"},
    "suppressions": {"address_hash"},
    "consent_entries": {"hash"},
    "consent_witnesses": {"hash", "leaf", "mac"},
    "audit_entries": {"leaf", "mac"},
    "audit_blocks": {"root", "hash"},
    "message_attempts": {"body_digest", "leaf", "mac"},
    "receipt_parts": {"digest"},
    "template_versions": {"digest"},
    "webhook_deliveries": {"digest"},
}
"""Hashes and macs: the only bytes that are left anywhere when the only patient is erased."""


@pytest.fixture
def desk(practice: Any, clock: FrozenClock) -> Desk:
    practice.audit.add_source(AttemptSource(practice.audit))
    practice.audit.add_source(WitnessSource(practice.audit))
    return Desk(practice, clock)


@pytest.fixture
def privacy(desk: Desk) -> PrivacyService:
    return PrivacyService(desk.practice.db, desk.practice.keys, desk.delivery)


async def erase(privacy: PrivacyService, practice: Any, patient: int) -> None:
    await privacy.erase(
        practice.id, patient, ErasureReason.PATIENT_REQUEST, actor="tests", now=NOON
    )


@pytest.mark.requirement("R7.4", "R7.11")
async def test_registered_stopped_erased_and_imported_again_is_still_stopped(
    desk: Desk, privacy: PrivacyService
) -> None:
    practice = desk.practice
    first = await practice.patient(NUMBER, id="ehr-7")
    await desk.stop([await desk.address()])
    await erase(privacy, practice, first)
    again = await practice.patient(NUMBER, id="ehr-7")
    assert again != first
    order = SendOrder(
        patient_id=again,
        purpose=Purpose.LAB_READY,
        anchor=At(NOON),
        order_key="again",
        ordered_by="tests",
    )
    admitted = await practice.messages.admit(practice.id, order, now=NOON)
    assert admitted.lifecycle is Lifecycle.REFUSED
    assert Reason.OPTED_OUT in admitted.reasons
    assert desk.sender.sent == []


@pytest.mark.requirement("R7.11", "R7.7")
async def test_no_bytes_of_an_erased_patient_are_left_in_any_column_of_any_table(
    desk: Desk, privacy: PrivacyService
) -> None:
    practice = desk.practice
    patient = await practice.patient(
        NUMBER, MAILBOX, last_name="Lovelace", birth_date="1980-05-17"
    )
    message = await desk.order(
        patient, variables={"provider": "Dr. Grey"}, **await desk.booked(patient)
    )
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.ACCEPTED
    await practice.execute(
        "INSERT INTO inbound_messages (organization_id, channel, patient_id, provider,"
        " provider_ref, key, body, received_at, intent, matcher_version)"
        " VALUES (:org, 'sms', :patient, 'twilio', 'SM9', 'SM9', 'ciphertext', :at, 'other', '1')",
        org=practice.id,
        patient=patient,
        at=NOON,
    )
    await practice.execute(
        "INSERT INTO staff_tasks (organization_id, kind, patient_id, note, created_at)"
        " VALUES (:org, 'unclear_reply', :patient, 'ciphertext', :at)",
        org=practice.id,
        patient=patient,
        at=NOON,
    )
    await erase(privacy, practice, patient)

    left = await _bytes_left(practice)
    assert left == {name: columns for name, columns in KEPT.items() if name in left}
    empty = "SELECT count(*) FROM {} WHERE patient_id = :id"
    for table in ("contact_points", "appointments", "conditions", "action_links"):
        assert await practice.value(empty.format(table), id=patient) == 0, table
    assert await practice.value("SELECT count(*) FROM external_ids WHERE kind = 'patient'") == 0
    assert await practice.value("SELECT count(*) FROM subject_keys") == 0
    job = await desk.job(message)
    assert (job.recipient, job.subject, job.body, job.variables) == (None, None, None, {})
    assert job.lifecycle is Lifecycle.ACCEPTED


async def _bytes_left(practice: Any) -> dict[str, set[str]]:
    """Tables and their columns of bytes that hold any for the one organisation."""
    columns = await practice.rows(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c"
        " JOIN information_schema.columns o ON o.table_name = c.table_name"
        " AND o.column_name = 'organization_id'"
        " WHERE c.table_schema = 'public' AND c.data_type IN ('bytea')"
    )
    left: dict[str, set[str]] = {}
    for table, column in columns:
        query = (
            f"SELECT count(*) FROM {table}"  # noqa: S608 - names from the catalogue
            f" WHERE length({column}) > 0 AND organization_id = :org"
        )
        if await practice.value(query, org=practice.id):
            left.setdefault(table, set()).add(column)
    return left


@pytest.mark.requirement("R7.11", "R7.5")
async def test_audit_log_and_ledger_still_verify_and_tell_of_the_erasure(
    desk: Desk, privacy: PrivacyService
) -> None:
    practice = desk.practice
    patient = await practice.patient(NUMBER)
    await desk.order(patient, **await desk.booked(patient))
    await desk.run()
    await practice.audit.seal_once(now=NOON)
    await erase(privacy, practice, patient)
    await practice.audit.seal_once(now=NOON)
    assert (await practice.audit.verify()).intact
    assert (await ConsentService(practice.db, practice.keys).verify_all()).flaws == ()
    told = "SELECT actor, subject FROM audit_entries WHERE action = 'patient.erased'"
    assert [tuple(row) for row in await practice.rows(told)] == [
        ("tests", {"patient_ids": [patient], "reason": "patient_request", "callbacks": 0})
    ]


@pytest.mark.requirement("R7.11")
async def test_what_is_planned_is_cancelled_and_no_new_order_is_taken(
    desk: Desk, privacy: PrivacyService
) -> None:
    practice = desk.practice
    patient = await practice.patient(NUMBER)
    message = await desk.order(patient, **await desk.booked(patient))
    await erase(privacy, practice, patient)
    assert (await desk.job(message)).lifecycle is Lifecycle.CANCELLED
    await desk.run()
    assert desk.sender.sent == []
    with pytest.raises(PatientNotFound):
        await desk.order(patient, "another")


@pytest.mark.requirement("R7.11")
async def test_marketing_consent_ends_with_the_patient_unless_another_has_the_number(
    desk: Desk, privacy: PrivacyService
) -> None:
    practice = desk.practice
    alone = await practice.patient(NUMBER)
    shared = await practice.patient(MAILBOX)
    await practice.patient(MAILBOX)
    points = await practice.rows("SELECT DISTINCT channel, address_id FROM contact_points")
    ids = {row.channel: row.address_id for row in points}
    billing = Decision(
        kind=Kind.GRANT,
        message_class=MessageClass.BILLING_ADMIN,
        method=Method.VERBAL,
        source="desk",
        actor="tests",
        at=NOON - timedelta(days=1),
    )
    ledger = ConsentService(practice.db, practice.keys)
    for address in ids.values():
        await ledger.grant(practice.id, address, billing, now=NOON)
    for patient in (alone, shared):
        await erase(privacy, practice, patient)
    phone = await ledger.states(practice.id, ids["sms"])
    assert (phone[MessageClass.BILLING_ADMIN].granted, phone[MessageClass.CARE].granted) == (
        False,
        True,
    )
    mailbox = await ledger.states(practice.id, ids["email"])
    assert mailbox[MessageClass.BILLING_ADMIN].granted
    async with practice.db.transaction(practice.id) as tx:
        assert await consent.stopped_since(tx, ids["sms"]) is None


@pytest.mark.requirement("R7.11")
async def test_a_callback_that_names_the_address_is_emptied_and_others_stay(
    desk: Desk, privacy: PrivacyService
) -> None:
    practice = desk.practice
    patient = await practice.patient(NUMBER, MAILBOX)
    bodies = {
        b"1" * 32: b"MessageSid=SM1&From=%2B12125550123&Body=hello",
        b"2" * 32: b"MessageSid=SM2&From=%2B12125550124&Body=hello",
        b"3" * 32: b'[{"email": "Ada@Example.org", "event": "open"}]',
        b"4" * 32: b"MessageSid=SM3&From=%2B12125550123&Body=STOP",
    }
    for digest, raw in bodies.items():
        sealed = practice.keys.seal_raw(raw, context=f"webhook_deliveries.raw/{digest.hex()}")
        await practice.execute(
            "INSERT INTO webhook_deliveries"
            " (organization_id, provider, kind, digest, raw, received_at, applied_at)"
            " VALUES (:org, 'twilio', 'twilio_inbound', :digest, :raw, :at, :applied)",
            org=practice.id,
            digest=digest,
            raw=sealed,
            at=NOON,
            applied=None if digest.startswith(b"4") else NOON,
        )
    await erase(privacy, practice, patient)
    left = await practice.rows(
        "SELECT digest FROM webhook_deliveries WHERE raw <> '' ORDER BY digest"
    )
    assert [row.digest for row in left] == [b"2" * 32, b"4" * 32]


@pytest.mark.requirement("R7.11")
async def test_after_a_restore_the_list_erases_again_and_says_how_many(
    desk: Desk, privacy: PrivacyService
) -> None:
    practice = desk.practice
    gone, kept = await practice.patient(NUMBER), await practice.patient(MAILBOX)
    await erase(privacy, practice, gone)
    listed = await privacy.list_erasures(practice.id)
    assert [one.patient_id for one in listed] == [gone]
    assert await privacy.replay(practice.id, listed, now=NOON) == 0
    back = [*listed, *(_as_if_erased(listed[0], kept),)]
    assert await privacy.replay(practice.id, back, now=NOON) == 1
    assert [one.patient_id for one in await privacy.list_erasures(practice.id)] == [gone, kept]


def _as_if_erased(erasure: Any, patient: int) -> Any:
    """The backup was made before this patient was erased."""
    return replace(erasure, patient_id=patient)


@pytest.mark.requirement("R7.11")
async def test_only_an_admin_erases_with_a_reason_and_a_second_time_is_the_first(
    desk: Desk, privacy: PrivacyService, clock: FrozenClock, other_organization: int
) -> None:
    practice = desk.practice
    patient = await practice.patient(NUMBER)
    path = f"/patients/{patient}/erase"
    reason = {"reason": "patient_request"}
    async with serving(privacy_router(privacy, clock), clock) as client:

        async def ask(who: str, body: dict[str, str]) -> Any:
            headers = {"authorization": f"Bearer {who}"}
            return await client.post(path, json=body, headers=headers)

        assert (await ask(f"staff@{practice.id}", reason)).status_code == 403
        assert (await ask(f"admin@{other_organization}", reason)).status_code == 404
        assert (await ask(f"admin@{practice.id}", {})).status_code == 422
        assert (await ask(f"admin@{practice.id}", {"reason": "Ada asked"})).status_code == 422
        first = await ask(f"admin@{practice.id}", reason)
        clock.advance(timedelta(days=1))
        second = await ask(f"admin@{practice.id}", {"reason": "court_order"})
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert first.json()["reason"] == "patient_request"


async def test_erasures_can_only_be_added(desk: Desk) -> None:
    async with desk.practice.db.engine_transaction() as tx:
        for role in ("handbell_app", "handbell_engine"):
            for rights in ("UPDATE", "DELETE"):
                allowed = await tx.execute(
                    text("SELECT has_table_privilege(:role, 'erasures', :rights)"),
                    {"role": role, "rights": rights},
                )
                assert allowed.scalar_one() is False
