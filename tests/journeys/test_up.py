"""`handbell up`: one command, and after a kill everything is still there."""

import json
import os
import signal

import httpx
import pytest
from tests.journeys.conftest import Installation, eventually

HELLO = "+19175550100"


@pytest.mark.requirement("R1.1", "R8.1")
def test_what_was_told_and_planned_outlives_a_kill_and_what_comes_next_is_sent(
    installation: Installation,
) -> None:
    event = {
        "specversion": "1.0",
        "id": "kept",
        "source": "record-system",
        "type": "patient.registered",
        "data": {"id": "p-kept", "contacts": [{"channel": "sms", "value": "555-0101"}]},
    }
    (registered,) = installation.send(event)
    assert registered["status"] == "accepted"
    assert [one["field"] for one in registered["reasons"]] == ["contacts[0].value", "contacts"]
    patient = installation.patient()
    _, visit_id = installation.book(patient)
    installation.message(patient.address)
    before = installation.jobs(patient)
    assert [one["lifecycle"] for one in before[1:]] == ["scheduled", "scheduled"]

    run = installation.run
    installation.end(signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, run["pids"].values())), what="the children's end")
    installation.start()

    assert installation.run["database_url"] == run["database_url"]
    assert [one["status"] for one in installation.send(event)] == ["duplicate"]
    after = installation.jobs(patient)
    planned = [(one["id"], one["scheduled_at"], "scheduled") for one in before[1:]]
    assert [(one["id"], one["scheduled_at"], one["lifecycle"]) for one in after[1:]] == planned
    installation.write(patient.address, "C")
    thanks = installation.message(patient.address)
    assert "you are confirmed" in thanks["body"]
    assert installation.visit_status(visit_id) == "confirmed"


@pytest.mark.parametrize("name", ["worker-care", "dispatcher"])
def test_a_process_that_was_killed_comes_back_and_sends_on(
    installation: Installation, name: str
) -> None:
    killed = installation.run["pids"][name]
    os.kill(killed, signal.SIGKILL)
    patient = installation.patient()
    installation.book(patient)
    assert "please confirm" in installation.message(patient.address)["body"]
    assert installation.run["pids"][name] != killed


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_files_with_secrets_are_for_their_owner_only(installation: Installation) -> None:
    for name in ("run.json", "secrets.json", "sandbox.json", "admin.key"):
        assert (installation.home / name).stat().st_mode & 0o077 == 0, name


def test_without_a_key_nothing_is_taken_and_the_answer_says_why(
    installation: Installation,
) -> None:
    answer = httpx.post(f"{installation.api_url}/api/v1/events", json=[])
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "bearer_missing"


def test_without_a_provider_a_sandbox_plays_them(installation: Installation) -> None:
    accounts = json.loads((installation.home / "sandbox.json").read_text())
    account = accounts["HANDBELL_TWILIO_ACCOUNT_SID"]
    form = {"To": HELLO, "From": accounts["HANDBELL_TWILIO_FROM"], "Body": "Hello"}
    sent = httpx.post(
        f"{installation.sandbox_url}/twilio/2010-04-01/Accounts/{account}/Messages.json",
        data=form,
        auth=(account, accounts["HANDBELL_TWILIO_AUTH_TOKEN"]),
    )
    assert sent.status_code == 201
    assert [one["body"] for one in installation.received(HELLO)] == ["Hello"]
