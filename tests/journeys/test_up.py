"""`handbell up`: one command, and after a kill everything is still there."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from handbell.entrypoints import embedded

PATIENT = {
    "specversion": "1.0",
    "id": "event-1",
    "source": "record-system",
    "type": "patient.registered",
    "data": {
        "id": "p-1",
        "first_name": "Ada",
        "contacts": [
            {"channel": "sms", "value": "+1 212 555 0123"},
            {"channel": "sms", "value": "555-0101"},
        ],
    },
}
VISIT = {
    "specversion": "1.0",
    "id": "event-2",
    "source": "record-system",
    "type": "appointment.booked",
    "data": {
        "id": "a-1",
        "patient_id": "p-1",
        "start": "2026-12-08T09:30:00",
        "timezone": "America/New_York",
    },
}


class Installation:
    """One home folder and the `handbell up` that runs in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.home / "run.json").unlink(missing_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HANDBELL_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "handbell.entrypoints.cli", "up", "--port", "18700"],
            env={**environment, "HANDBELL_HOME": str(self.home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + 60
        while not self.is_ready():
            assert time.monotonic() < give_up, "handbell up did not become ready in a minute"
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.run['api_url']}/health/ready", timeout=2).status_code == 200
        except (FileNotFoundError, httpx.HTTPError):
            return False

    @property
    def run(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.home / "run.json").read_text())
        return record

    def send(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        key = Path(self.run["admin_key_file"]).read_text()
        answer = httpx.post(
            f"{self.run['api_url']}/api/v1/events",
            content=json.dumps(events),
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/cloudevents-batch+json",
            },
        )
        assert answer.status_code == 202
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(timeout=40)


@pytest.fixture
def installation() -> Iterator[Installation]:
    installation = Installation(Path(tempfile.mkdtemp(prefix="handbell-up-")))
    yield installation
    if installation.process is not None and installation.process.poll() is None:
        installation.end(signal.SIGTERM)
    embedded.start(installation.home).stop()
    embedded.forget(installation.home)
    shutil.rmtree(installation.home, ignore_errors=True)


@pytest.mark.requirement("R1.1", "R8.1")
def test_a_patient_and_a_visit_are_still_known_after_a_kill(installation: Installation) -> None:
    installation.start()
    patient, visit = installation.send(PATIENT, VISIT)
    assert (patient["status"], visit["status"]) == ("accepted", "accepted")
    assert [one["field"] for one in patient["reasons"]] == ["contacts[1].value"]

    first = installation.run
    installation.end(signal.SIGKILL)
    installation.start()

    assert installation.run["database_url"] == first["database_url"]
    again = installation.send(PATIENT, VISIT)
    assert [one["status"] for one in again] == ["duplicate", "duplicate"]


def test_the_files_with_secrets_are_for_their_owner_only(installation: Installation) -> None:
    installation.start()
    for name in ("run.json", "secrets.json", "sandbox.json", "admin.key"):
        assert (installation.home / name).stat().st_mode & 0o077 == 0, name


def test_without_a_key_nothing_is_taken_and_the_answer_says_why(
    installation: Installation,
) -> None:
    installation.start()
    answer = httpx.post(f"{installation.run['api_url']}/api/v1/events", json=[PATIENT])
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "bearer_missing"


def test_without_a_provider_a_sandbox_plays_them(installation: Installation) -> None:
    installation.start()
    accounts = json.loads((installation.home / "sandbox.json").read_text())
    account = accounts["HANDBELL_TWILIO_ACCOUNT_SID"]
    sandbox = installation.run["sandbox_url"]
    form = {"To": "+12125550123", "From": accounts["HANDBELL_TWILIO_FROM"], "Body": "Hello"}
    with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
        sent = client.post(
            f"{sandbox}/twilio/2010-04-01/Accounts/{account}/Messages.json",
            data=form,
            auth=(account, accounts["HANDBELL_TWILIO_AUTH_TOKEN"]),
        )
        kept = client.get(f"{sandbox}/_sandbox/messages").text.splitlines()
    assert sent.status_code == 201
    assert [json.loads(line)["body"] for line in kept] == ["Hello"]
