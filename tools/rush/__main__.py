"""`python -m tools.rush`: many messages due in one minute; how long until the last, how fairly.

Orders come in through the API for a later hour; then they are made due at once in the database,
for nobody wants to wait for the hour, and the sandbox's record says when each arrived.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any, Final

import aiohttp
import asyncpg

from handbell.access.types import Role
from handbell.channels.types import NewLine, Provider
from handbell.entrypoints import embedded, pretended
from handbell.entrypoints.bootstrap import open_runtime
from handbell.platform import outbox
from handbell.platform.clock import SystemClock
from handbell.platform.db import OrganizationId
from tools.chaos.installation import Installation, open_installation
from tools.chaos.people import noon_zone, numbers
from tools.rush.fairness import at_half, jain, longest_wait

CHANNELS: Final = ("sms", "email", "whatsapp")
AT_ONCE: Final = 12
BATCH: Final = 100
AGAIN_SECONDS: Final = 0.5
READY_SECONDS: Final = 90.0
SETTINGS: Final = {"whatsapp_us_enabled": True, "business_phone": "212-555-0100",
                   "business_address": "1 Main St, Albany, NY 12207"}  # fmt: skip
DOCTOR: Final = {"id": "doctor", "defaults": {"enable_auto_reminders": False}}
"""A doctor whose visits are not reminded of, so that all messages are those we measure."""
_DUE: Final = "UPDATE messages SET scheduled_at = $1 WHERE lifecycle = 'scheduled'"
_OPEN: Final = "SELECT lifecycle, count(*) AS n FROM messages GROUP BY 1 ORDER BY 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """An organisation with an administrator's key, and its patients' first addresses."""

    id: int
    key: str
    addresses: tuple[tuple[str, str], ...]


class Rush:
    """One run against one installation."""

    def __init__(self, installation: Installation, session: aiohttp.ClientSession) -> None:
        self.installation = installation
        self.session = session
        self.api = f"{installation.ports.api_url}/api/v1"
        self.sandbox = f"{installation.ports.sandbox_url}/_sandbox"

    async def ask(self, method: str, url: str, key: str, body: Any = None, **headers: str) -> Any:
        known = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} | headers
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, url, data=data, headers=known) as answer:
            text = await answer.text()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {url} gave {answer.status} {text[:300]}")
        return json.loads(text) if text else None

    async def until_ready(self) -> None:
        give_up = monotonic() + READY_SECONDS
        while True:
            try:
                async with (
                    self.session.get(f"{self.sandbox}/next"),
                    self.session.get(f"{self.installation.ports.api_url}/health/ready"),
                ):
                    return
            except aiohttp.ClientError:
                if monotonic() > give_up:
                    raise
                await asyncio.sleep(AGAIN_SECONDS)

    async def settle_in(self, tenants: list[Tenant], zone: str) -> None:
        """Tell of the patients, and let those with WhatsApp be written to."""
        for tenant in tenants:
            await self.ask("PUT", f"{self.api}/comm/settings/organization", tenant.key, SETTINGS)
            people = [
                {
                    "id": f"p{no}", "first_name": "Ada", "timezone": zone,
                    "contacts": [{"channel": channel, "value": address}],
                }
                for no, (channel, address) in enumerate(tenant.addresses)
            ]  # fmt: skip
            day = (await SystemClock().now() + timedelta(days=90)).date()
            visits = [
                {"id": f"v{no}", "patient_id": f"p{no}", "provider_id": DOCTOR["id"],
                 "start": f"{day}T10:30:00", "timezone": zone}
                for no in range(len(people))
            ]  # fmt: skip
            await self._tell(tenant, "provider.settings_updated", [DOCTOR])
            ids = await self._tell(tenant, "patient.registered", people)
            booked = await self._tell(tenant, "appointment.booked", visits)
            await self._order(tenant, list(zip(ids, booked, strict=True)))

    async def _tell(self, tenant: Tenant, kind: str, told: list[dict[str, Any]]) -> list[int]:
        """Send events in batches; our ids of what they are about."""
        events = [
            {"specversion": "1.0", "id": f"{kind}:{one['id']}", "source": "rush",
             "type": kind, "data": one}
            for one in told
        ]  # fmt: skip
        ids = []
        for start in range(0, len(events), BATCH):
            answer = await self.ask(
                "POST",
                f"{self.api}/events",
                tenant.key,
                events[start : start + BATCH],
                **{"Content-Type": "application/cloudevents-batch+json"},
            )
            ids += [int(one["internal_id"]) for one in answer["results"]]
        return ids

    async def _order(self, tenant: Tenant, visits: list[tuple[int, int]]) -> None:
        """One message about each patient's visit, an hour from now."""
        send_at = (await SystemClock().now() + timedelta(hours=1)).isoformat()
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(patient_id: int, visit_id: int, channel: str) -> None:
            async with gate:
                if channel == "whatsapp":
                    path = f"{self.api}/patients/{patient_id}/comm-preferences"
                    await self.ask("PUT", path, tenant.key, {"allow_whatsapp": True})
                body = {
                    "patient_id": patient_id,
                    "appointment_id": visit_id,
                    "purpose": "appt_reminder",
                    "send_at": send_at,
                }
                told = await self.ask("POST", f"{self.api}/comm/schedule", tenant.key, body)
                if told["status"] != "scheduled":
                    raise RuntimeError(f"An order was not taken: {told}")

        async with asyncio.TaskGroup() as group:
            for (patient_id, visit_id), (channel, _) in zip(visits, tenant.addresses, strict=True):
                group.create_task(one(patient_id, visit_id, channel))

    async def release(self) -> datetime:
        """Make everything due now, and wake the dispatcher as a commit would."""
        due = await SystemClock().now()
        connection = await asyncpg.connect(self.installation.settings.database_url)
        async with connection.transaction():
            await connection.execute(_DUE, due)
            await connection.execute(f"NOTIFY {outbox.WAKE}")
        await connection.close()
        return due

    async def arrivals(self, count: int, *, seconds: float) -> list[dict[str, Any]]:
        """What the sandbox received, in order, as soon as it is everything."""
        give_up = monotonic() + seconds
        while True:
            async with self.session.get(f"{self.sandbox}/messages") as answer:
                lines = (await answer.text()).splitlines()
            if len(lines) >= count or monotonic() > give_up:
                return [json.loads(line) for line in lines]
            await asyncio.sleep(AGAIN_SECONDS)

    async def lifecycles(self) -> dict[str, int]:
        connection = await asyncpg.connect(self.installation.settings.database_url)
        rows = await connection.fetch(_OPEN)
        await connection.close()
        return {row["lifecycle"]: row["n"] for row in rows}

    def memory_mb(self) -> dict[str, int]:
        """The most that each process has held, in megabytes (Linux)."""
        found = {}
        for name, kept in self.installation.children.items():
            if kept.child is not None:
                status = Path(f"/proc/{kept.child.pid}/status").read_text()
                peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                found[name] = int(peak.split()[1]) // 1024
        return found


async def make_tenants(installation: Installation, *, count: int, messages: int) -> list[Tenant]:
    """Organisations beside the first, each with a line of its own on every channel."""
    runtime = open_runtime(installation.settings)
    phones, now, tenants = numbers(), await runtime.clock.now(), []
    await runtime.write_accounts()
    try:
        for no in range(count):
            made = await runtime.organizations.create(name=f"Practice {no}", now=now)
            key = await runtime.access.create_api_key(
                made.id, name="rush", role=Role.ADMIN, now=now
            )
            for provider, line in _lines(no):
                await runtime.provider_accounts.lend(
                    OrganizationId(made.id), provider, line, actor="operator", now=now
                )
            await pretended.approve(runtime, OrganizationId(made.id))
            addresses = []
            for place in range(messages // count):
                channel = CHANNELS[place % 3]
                mail = f"o{no}p{place}@example.org"
                addresses.append((channel, mail if channel == "email" else next(phones)))
            tenants.append(Tenant(id=made.id, key=key.key, addresses=tuple(addresses)))
    finally:
        await runtime.close()
    return tenants


def _lines(no: int) -> list[tuple[Provider, NewLine]]:
    return [
        (Provider.TWILIO, NewLine(address=f"+1304555{100 + no:04d}")),
        (Provider.SENDGRID, NewLine(address=f"o{no}@practice.example.org")),
        (Provider.WHATSAPP, NewLine(address=f"+1307555{100 + no:04d}", reference=f"{700 + no}")),
    ]


async def run(home: Path, *, count: int, messages: int, seconds: float) -> dict[str, Any]:
    """Play it; the figures."""
    installation, stop = await open_installation(home), asyncio.Event()
    figures: dict[str, Any] = {}

    async def playing() -> None:
        try:
            figures.update(await _measure(installation, count, messages, seconds))
        finally:
            stop.set()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(installation.run(stop))
            group.create_task(playing())
    finally:
        await asyncio.to_thread(installation.servers.stop)
    return figures


async def _measure(
    installation: Installation, count: int, messages: int, seconds: float
) -> dict[str, Any]:
    tenants = await make_tenants(installation, count=count, messages=messages)
    async with aiohttp.ClientSession() as session:
        rush = Rush(installation, session)
        await rush.until_ready()
        own = [
            {"sender": line.reference or line.address, "number": line.address}
            for no in range(count)
            for _, line in _lines(no)
        ]
        await rush.ask("PUT", f"{rush.sandbox}/numbers", "", own)
        began = monotonic()
        await rush.settle_in(tenants, noon_zone(await SystemClock().now()))
        ordered = sum(len(one.addresses) for one in tenants)
        print(f"{ordered} messages ordered in {monotonic() - began:.0f} s", flush=True)
        due = await rush.release()
        rows = await rush.arrivals(ordered, seconds=seconds)
        return _figures(rows, tenants, due) | {
            "lifecycles": await rush.lifecycles(),
            "peak_memory_mb": rush.memory_mb(),
        }


def _figures(rows: list[dict[str, Any]], tenants: list[Tenant], due: datetime) -> dict[str, Any]:
    owner = {address: one.id for one in tenants for _, address in one.addresses}
    order = [owner[row["to"]] for row in rows]
    waits = [(datetime.fromisoformat(row["at"]) - due).total_seconds() for row in rows]
    sizes = {one.id: len(one.addresses) for one in tenants}
    last = {one: max((w for w, o in zip(waits, order, strict=True) if o == one), default=0.0)
            for one in sizes}  # fmt: skip
    halves = at_half(order, sizes)
    return {
        "ordered": sum(sizes.values()),
        "received": len(rows),
        "by_channel": dict(Counter(row["channel"] for row in rows)),
        "seconds_to_first": round(min(waits, default=0.0), 2),
        "seconds_to_half": round(sorted(waits)[len(waits) // 2], 2) if waits else None,
        "seconds_to_last": round(max(waits, default=0.0), 2),
        "per_second": round(len(rows) / max(max(waits, default=1.0), 0.001), 1),
        "fairness_at_half": round(jain(halves), 4),
        "served_at_half": [round(min(halves), 2), round(max(halves), 2)],
        "last_of_organisations_s": [round(min(last.values()), 1), round(max(last.values()), 1)],
        "longest_wait_in_messages": longest_wait(order),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.rush", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=600, help="longest wait for the last")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="handbell-rush-"))
    try:
        figures = asyncio.run(
            run(home, count=asked.organizations, messages=asked.messages, seconds=asked.seconds)
        )
    finally:
        embedded.forget(home)
        shutil.rmtree(home, ignore_errors=True)
    for name, value in figures.items():
        print(f"{name.replace('_', ' ')}: {value}")
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["received"] == figures["ordered"] else 1


if __name__ == "__main__":
    sys.exit(main())
