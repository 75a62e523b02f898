"""A whole installation on a temporary home, with patients to write to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import aiohttp
import asyncpg
from tests.journeys.conftest import Installation, Patient, a_number, an_hour_from_noon, now, visit

FIRST_PORT: Final = 18950
CLIENTS: Final = 16
PATIENTS: Final = 200
QUIET_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.05

_WRITES_NOTHING: Final = {"id": "bench", "defaults": {"enable_auto_reminders": False}}
"""A provider whose visits are not reminded of, so that all messages are those we measure."""
_LEFT_TO_DO: Final = """
SELECT (SELECT count(*) FROM outbox WHERE not_before <= $1)
    + (SELECT count(*) FROM messages WHERE lifecycle IN ('queued', 'sending'))
"""
_SCRATCH: Final = """
CREATE SCHEMA bench;
CREATE TABLE bench.stored (id bigint GENERATED ALWAYS AS IDENTITY, body bytea NOT NULL);
CREATE TABLE bench.outgoing (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, address text NOT NULL,
    state text NOT NULL DEFAULT 'queued'
);
"""


class NotAsExpected(Exception):
    """Raised when what was measured did not do its work: its speed would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the scenarios work with. The connections are the owner's, one for each client;
    `accounts` are what the sandbox knows of us. `visits` has our ids of patient and visit."""

    installation: Installation
    accounts: dict[str, str]
    session: aiohttp.ClientSession
    connections: tuple[asyncpg.Connection, ...]
    addresses: tuple[str, ...]
    visits: tuple[tuple[int, int], ...]

    async def ask_sandbox(self, path: str) -> str:
        async with self.session.get(f"{self.installation.sandbox_url}/_sandbox/{path}") as answer:
            return await answer.text()

    async def clear_sandbox(self) -> None:
        """Let it call back no more: it does so one after the other, and we do it ourselves."""
        async with self.session.delete(f"{self.installation.sandbox_url}/_sandbox/state"):
            return

    async def until_quiet(self) -> None:
        """Wait until nothing is left of the last measurement: it would slow the next."""
        give_up = monotonic() + QUIET_SECONDS
        while await self._left_to_do():
            if monotonic() > give_up:
                raise NotAsExpected("The installation did not come to rest.")
            await asyncio.sleep(POLL_SECONDS)

    async def _left_to_do(self) -> bool:
        instant = await asyncio.to_thread(now)
        left: int = await self.connections[0].fetchval(_LEFT_TO_DO, instant)
        return bool(left) or '"at":null' not in await self.ask_sandbox("next")


@asynccontextmanager
async def opened(installation: Installation, accounts: dict[str, str]) -> AsyncIterator[World]:
    """Connect, and tell of patients with a visit each."""
    addresses, visits = await asyncio.to_thread(_people, installation)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        connections = []
        for _ in range(CLIENTS):
            connection = await asyncpg.connect(installation.run["database_url"])
            stack.push_async_callback(connection.close)
            connections.append(connection)
        await connections[0].execute(_SCRATCH)
        yield World(
            installation=installation,
            accounts=accounts,
            session=session,
            connections=tuple(connections),
            addresses=addresses,
            visits=visits,
        )


def _people(
    installation: Installation,
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    zone = an_hour_from_noon(now())
    people = [Patient(f"bench-{no}", zone, 0, a_number()) for no in range(PATIENTS)]
    registered = _tell(installation, "patient.registered", [_registration(one) for one in people])
    told = [visit(f"visit-of-{one.name}", one, days=90) for one in people]
    _tell(installation, "provider.settings_updated", [_WRITES_NOTHING])
    booked = _tell(
        installation,
        "appointment.booked",
        [one | {"provider_id": _WRITES_NOTHING["id"]} for one in told],
    )
    return tuple(one.address for one in people), tuple(zip(registered, booked, strict=True))


def _registration(patient: Patient) -> dict[str, Any]:
    return {
        "id": patient.name,
        "first_name": "Ada",
        "timezone": patient.zone,
        "contacts": [{"channel": "sms", "value": patient.address}],
    }


def _tell(installation: Installation, kind: str, told: list[dict[str, Any]]) -> list[int]:
    """Send a batch of events; our ids of what they are about."""
    results = installation.send(
        *(
            {"specversion": "1.0", "id": one["id"], "source": "bench", "type": kind, "data": one}
            for one in told
        )
    )
    if {one["status"] for one in results} != {"accepted"}:
        raise NotAsExpected("Not every event was accepted.")
    return [int(one["internal_id"]) for one in results]
