"""What the two measurements of the lanes share: an installation that is spoken to through the
product's own services, and how they tell their figures."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any, Final

import asyncpg
import httpx
from tests.journeys.conftest import Installation, a_number, an_hour_from_noon, now

from bench.world import NotAsExpected
from handbell.entrypoints.bootstrap import Runtime, open_runtime
from handbell.platform.settings import Settings

_AGREED: Final = {"channel": "email", "class": "marketing", "granted": True, "method": "web_form"}
_WISH: Final = {"allow_email": True, "marketing_opt_in_email": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A patient of ours, with a mobile number and a mailbox."""

    id: int
    number: str
    mailbox: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """A running installation, its services opened in our process, and the owner's connection."""

    installation: Installation
    runtime: Runtime
    connection: asyncpg.Connection

    def person(self, name: str, *, key: str | None = None) -> Person:
        """Register a patient for whom it is noon and who wants advertising by e-mail."""
        zone, number, mailbox = an_hour_from_noon(now()), a_number(), f"{name}@example.org"
        patient_id = self.installation.tell(
            "patient.registered",
            key=key,
            id=name,
            first_name="Ada",
            timezone=zone,
            contacts=[
                {"channel": "sms", "value": number},
                {"channel": "email", "value": mailbox},
            ],
            consents=[_AGREED | {"text_version": "1", "at": now().isoformat()}],
        )
        path = f"/patients/{patient_id}/comm-preferences"
        answer = self.installation.call("PUT", path, key=key, json=_WISH)
        if answer.is_error:
            raise NotAsExpected(answer.text)
        return Person(id=patient_id, number=number, mailbox=mailbox)

    async def arrived(self, address: str) -> dict[str, datetime]:
        """When the sandbox received each attempt to the address, by its token."""
        url = f"{self.installation.sandbox_url}/_sandbox/messages"
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.get(url, params={"to": address})
        told = [json.loads(line) for line in answer.text.splitlines()]
        return {one["token"]: datetime.fromisoformat(one["at"]) for one in told}


@asynccontextmanager
async def opened(installation: Installation) -> AsyncIterator[Lanes]:
    """Open the product's services on the installation's servers."""
    secrets: dict[str, str] = json.loads((installation.home / "secrets.json").read_text())
    settings = Settings(
        database_url=installation.run["database_url"],
        redis_url=installation.run["redis_url"],
        encryption_key=secrets["HANDBELL_ENCRYPTION_KEY"],
        lookup_key=secrets["HANDBELL_LOOKUP_KEY"],
    )
    runtime = open_runtime(settings)
    connection = await asyncpg.connect(installation.run["database_url"])
    try:
        yield Lanes(installation=installation, runtime=runtime, connection=connection)
    finally:
        await connection.close()
        await runtime.close()


def percentiles_ms(waits: Sequence[timedelta]) -> dict[str, float]:
    """The middle, the 99th percentile and the longest wait, in milliseconds."""
    seconds = [one.total_seconds() for one in waits]
    cut = quantiles(seconds, n=100, method="inclusive")
    found = {"p50_ms": cut[49], "p99_ms": cut[98], "max_ms": max(seconds)}
    return {name: round(value * 1000, 1) for name, value in found.items()}


def shown(name: str, figures: dict[str, Any]) -> str:
    return f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items())
