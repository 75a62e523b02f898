"""STOP while real workers hold messages to the number: nothing arrives after it was answered."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx
import pytest
from tests.journeys.conftest import Installation, Patient, eventually, now
from tools.race.judging import Arrival, Trial, judge

STOP = "please stop texting me"
TRIALS = 16
LATENCY_MS = 300


def ordered(installation: Installation) -> Patient:
    patient = installation.patient()
    _, visit_id = installation.book(patient)
    installation.message(patient.address)
    due = (now() + timedelta(seconds=1)).isoformat()
    for _ in range(2):
        installation.order(patient, appointment_id=visit_id, send_at=due)
    return patient


def stop(installation: Installation, patient: Patient) -> Trial:
    sent_at = now()
    installation.write(patient.address, STOP)
    return Trial(number=patient.address, line="sms", sent_at=sent_at, answered_at=now())


@pytest.mark.requirement("R1.6", "R5.3")
def test_nothing_arrives_after_a_stop_was_acknowledged(installation: Installation) -> None:
    faults = f"{installation.sandbox_url}/_sandbox/faults"
    assert httpx.put(faults, json={"provider": "twilio", "latency_ms": LATENCY_MS}).is_success
    try:
        with ThreadPoolExecutor(4) as pool:
            patients = list(pool.map(lambda _: ordered(installation), range(TRIALS)))
            trials = list(pool.map(lambda one: stop(installation, one), patients))
        (verdict,) = judge(trials, confirmed(installation, patients))
    finally:
        httpx.put(faults, json={"provider": "twilio"})
    assert verdict.late == 0
    assert verdict.confirmed_once == TRIALS


def confirmed(installation: Installation, patients: list[Patient]) -> list[Arrival]:
    """What arrived, as soon as everybody has the confirmation."""
    purposes = (
        "SELECT a.token, m.purpose FROM message_attempts a JOIN messages m ON m.id = message_id"
    )

    def look() -> list[Arrival]:
        known = {row["token"]: row["purpose"] for row in installation.rows(purposes)}
        found = [
            Arrival(
                to=row["to"], at=datetime.fromisoformat(row["at"]), purpose=known[row["token"]]
            )
            for patient in patients
            for row in installation.received(patient.address)
            if row["token"] in known
        ]
        told = {one.to for one in found if one.purpose == "reply_optout"}
        return found if len(told) == len(patients) else []

    return eventually(look, what="a confirmation for everybody")
