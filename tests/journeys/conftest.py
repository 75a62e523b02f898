"""A running installation: `handbell up` in a home folder of its own, real processes and all.

All journeys share it, since starting seven processes is what takes long: each makes patients of
its own, and one that kills brings it up again.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
import httpx
import pytest

from handbell.entrypoints import embedded
from handbell.platform.clock import SystemClock
from handbell.platform.db import OrganizationId, urls_for

CLI: Final = (sys.executable, "-m", "handbell")
AREA_CODES: Final = ("212", "305", "312", "404", "503", "602", "617", "702", "713", "808")
FIRST_PORT: Final = 18700
"""Parts of a test run that stand beside each other look for free ports ten apart."""
PATIENCE_SECONDS: Final = 30.0
START_SECONDS: Final = 90.0

Found = TypeVar("Found")
Row = dict[str, Any]

_numbers = count()


def eventually(look: Callable[[], Found], *, what: str) -> Found:
    """Look until there is something to see."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < give_up, f"not in {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(0.05)
    return found


def an_hour_from_noon(now: datetime) -> str:
    """A zone without summer time in which it is between 12:00 and 13:00: texts may leave."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def a_number() -> str:
    """A telephone number that nobody has, and no other test."""
    no = next(_numbers)
    return f"+1{AREA_CODES[no // 100]}55501{no % 100:02d}"


class Patient:
    """A patient as the record system knows it, and our id."""

    def __init__(self, name: str, zone: str, own_id: int, address: str) -> None:
        self.name = name
        self.zone = zone
        self.id = own_id
        self.address = address


class Installation:
    """One home folder and the `handbell up` that runs in it."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    # The processes

    def start(self) -> None:
        (self.home / "run.json").unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*CLI, "up", "--port", str(self.port)],
                env={**_clean_environment(), "HANDBELL_HOME": str(self.home)},
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + START_SECONDS
        while not self.is_ready():
            assert self.process.poll() is None, self.log_path.read_text()
            assert time.monotonic() < give_up, "handbell up did not become ready"
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """Whether everything runs and answers, the sandbox too."""
        try:
            pages = (f"{self.api_url}/health/ready", f"{self.sandbox_url}/_sandbox/next")
            answers = [httpx.get(page, timeout=2).status_code for page in pages]
        except (FileNotFoundError, httpx.HTTPError):
            return False
        return answers == [200, 200] and len(self.run["pids"]) >= 7

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(timeout=40)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log_path(self) -> Path:
        return self.home / "up.log"

    def last_errors(self) -> str:
        """The last lines of the log that speak of an error."""
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join([line for line in lines if "rror" in line][-20:])

    @property
    def run(self) -> Row:
        record: Row = json.loads((self.home / "run.json").read_text())
        return record

    @property
    def api_url(self) -> str:
        return str(self.run["api_url"])

    @property
    def sandbox_url(self) -> str:
        return str(self.run["sandbox_url"])

    def handbell(self, *arguments: str) -> Any:
        """Run one of the operator's commands; its answer."""
        run = self.run
        secrets: dict[str, str] = json.loads((self.home / "secrets.json").read_text())
        servers = {
            "HANDBELL_DATABASE_URL": run["database_url"],
            "HANDBELL_REDIS_URL": run["redis_url"],
        }
        done = subprocess.run(
            [*CLI, *arguments, "--json"],
            env={**_clean_environment(), **secrets, **servers},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    # The API

    def call(self, method: str, path: str, *, key: str | None = None, **more: Any) -> Any:
        """One request under `/api/v1`, as the administrator unless another key is given."""
        bearer = key or Path(self.run["admin_key_file"]).read_text()
        headers = {"Authorization": f"Bearer {bearer}", **more.pop("headers", {})}
        url = f"{self.api_url}/api/v1{path}"
        return httpx.request(method, url, headers=headers, timeout=30, **more)

    def get(self, path: str, **more: Any) -> Any:
        answer = self.call("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, *events: Row, key: str | None = None) -> list[Row]:
        answer = self.call(
            "POST",
            "/events",
            key=key,
            content=json.dumps(events),
            headers={"Content-Type": "application/cloudevents-batch+json"},
        )
        assert answer.status_code == 202, answer.text
        results: list[Row] = answer.json()["results"]
        return results

    def tell(self, kind: str, *, key: str | None = None, **data: Any) -> int:
        """Send one event; our id of the thing."""
        event = {
            "specversion": "1.0",
            "id": f"event-{next(_numbers)}",
            "source": "record-system",
            "type": kind,
            "data": data,
        }
        (result,) = self.send(event, key=key)
        assert result["status"] == "accepted", result
        return int(result["internal_id"])

    def patient(
        self, *channels: str, address: str | None = None, key: str | None = None
    ) -> Patient:
        """A new patient for whom it is noon, with one number for the channels."""
        name, value = f"p-{next(_numbers)}", address or a_number()
        zone = an_hour_from_noon(now())
        contacts = [{"channel": channel, "value": value} for channel in channels or ("sms",)]
        told = {"id": name, "first_name": "Ada", "timezone": zone, "contacts": contacts}
        own_id = self.tell("patient.registered", key=key, **told)
        return Patient(name, zone, own_id, value)

    def book(self, patient: Patient, *, days: int = 90, key: str | None = None) -> tuple[str, int]:
        """A visit in so many days, at half past ten: its name and our id."""
        name = f"a-{next(_numbers)}"
        return name, self.tell("appointment.booked", key=key, **visit(name, patient, days=days))

    def jobs(self, patient: Patient, *, key: str | None = None) -> list[Row]:
        """The patient's messages, oldest first."""
        found: list[Row] = self.get(f"/comm/jobs?patient_id={patient.id}", key=key)
        return found[::-1]

    def order(self, patient: Patient, **more: Any) -> Row:
        """Order a message; what became of it."""
        body = {"patient_id": patient.id, "purpose": "appt_reminder", **more}
        answer = self.call("POST", "/comm/schedule", json=body)
        assert answer.status_code == 200, answer.text
        admission: Row = answer.json()
        return admission

    # The sandbox

    def received(self, address: str) -> list[Row]:
        """What the patient's provider has taken for the address."""
        answer = httpx.get(f"{self.sandbox_url}/_sandbox/messages", params={"to": address})
        return [json.loads(line) for line in answer.text.splitlines()]

    def message(self, address: str, *, no: int = 1) -> Row:
        """The first message to the address, or a later one, as soon as it is there."""

        def look() -> list[Row]:
            return self.received(address)[no - 1 :]

        return eventually(look, what=f"message {no} to a patient")[0]

    def write(self, address: str, text: str, *, channel: str = "sms") -> None:
        """The patient writes; the webhook has been answered when this returns."""
        body = {"channel": channel, "from": address, "body": text}
        answer = httpx.post(f"{self.sandbox_url}/_sandbox/replies", json=body, timeout=30)
        assert answer.json() == {"delivered": True}

    # The database

    def rows(self, query: str, *arguments: Any) -> list[Row]:
        """What a query finds for the owner, who sees everything."""
        return asyncio.run(_rows(self.run["database_url"], query, arguments))

    def rows_as_app(
        self, organization_id: OrganizationId | None, query: str, *arguments: Any
    ) -> list[Row]:
        """What a query finds for the application at work for one organisation."""
        secrets: dict[str, str] = json.loads((self.home / "secrets.json").read_text())
        urls = urls_for(self.run["database_url"], secrets["HANDBELL_ENCRYPTION_KEY"])
        return asyncio.run(_rows(urls.app, query, arguments, organization_id))

    def visit_status(self, visit_id: int) -> str:
        (row,) = self.rows("SELECT status FROM appointments WHERE id = $1", visit_id)
        return str(row["status"])


def now() -> datetime:
    return asyncio.run(SystemClock().now())


def visit(name: str, patient: Patient, *, days: int) -> Row:
    """What the record system says of a visit; local time in the patient's zone."""
    day = (now() + timedelta(days=days)).date()
    return {
        "id": name,
        "patient_id": patient.name,
        "start": f"{day}T10:30:00",
        "timezone": patient.zone,
    }


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HANDBELL_")}


async def _rows(
    url: str,
    query: str,
    arguments: tuple[Any, ...],
    organization_id: OrganizationId | None = None,
) -> list[Row]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            if organization_id is not None:
                setting = "SELECT set_config('handbell.organization_id', $1, true)"
                await connection.execute(setting, str(organization_id))
            return [dict(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys come last: their processes run for them alone, and are started once."""
    here = Path(__file__).parent
    items.sort(key=lambda item: here in item.path.parents)


@contextmanager
def installed(port: int) -> Iterator[Installation]:
    """`handbell up`, the servers too; all of it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="handbell-up-"))
    installation = Installation(home, port)
    try:
        installation.start()
        yield installation
    finally:
        if installation.is_running:
            installation.end(signal.SIGTERM)
        embedded.start(home).stop()
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def running() -> Iterator[Installation]:
    """The installation of all journeys, for the fixtures of a module."""
    part = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    with installed(FIRST_PORT + 10 * int(part)) as installation:
        yield installation


@pytest.fixture
def installation(running: Installation) -> Installation:
    """The running installation; started again should a test have left it dead."""
    if not running.is_running:
        running.start()
    return running
