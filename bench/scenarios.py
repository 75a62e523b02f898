"""The product at work: orders, messages to the provider, the provider's callbacks."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, Final
from urllib.parse import urlencode

from tests.journeys.conftest import now
from yarl import URL

from bench.load import Measured, run
from bench.world import CLIENTS, PATIENTS, POLL_SECONDS, NotAsExpected, World
from handbell.platform import outbox
from handbell.sandbox.signing import twilio_signature

ORDER_SECONDS: Final = 5.0
WEBHOOK_SECONDS: Final = 1.0
REPLY_SECONDS: Final = 10.0
ARRIVAL_SECONDS: Final = 15.0
STATUSES: Final = ("queued", "sent", "delivered")

_RELEASE: Final = """
UPDATE messages SET scheduled_at = $1 WHERE id = ANY($2::bigint[]) AND lifecycle = 'scheduled'
"""

_CONFIRMED: Final = """
SELECT count(*) FROM inbound_messages WHERE handled = 'confirmed'
"""


class Scenarios:
    """They build on each other: what is ordered is sent next, and what was sent is what the
    callbacks are about."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._days = count(1)
        self._callbacks = count()
        self._replies = 0
        self._ordered: list[int] = []
        self._tokens: list[str] = []
        key = Path(world.installation.run["admin_key_file"]).read_text()
        self._bearer = {"Authorization": f"Bearer {key}"}

    async def schedule(self) -> Measured:
        """`POST /comm/schedule`: a reminder to each patient, of the visit, some days ahead."""
        self._ordered = []
        send_at = await asyncio.to_thread(now) + timedelta(days=next(self._days))

        async def order(_client: int, number: int) -> None:
            await self._order(number, send_at.isoformat())

        return await run(order, clients=CLIENTS, most_seconds=ORDER_SECONDS, most_calls=PATIENTS)

    async def _order(self, number: int, send_at: str) -> None:
        patient_id, visit_id = self._world.visits[number]
        body = {
            "patient_id": patient_id,
            "purpose": "appt_reminder",
            "appointment_id": visit_id,
            "send_at": send_at,
        }
        url = f"{self._world.installation.api_url}/api/v1/comm/schedule"
        async with self._world.session.post(url, json=body, headers=self._bearer) as answer:
            told = await answer.json()
        if answer.status != HTTPStatus.OK or told["status"] != "scheduled":
            raise NotAsExpected("An order was not taken.")
        self._ordered.append(int(told["job_id"]))

    async def send(self) -> Measured:
        """From the moment when all that was ordered is due until the provider has the last.

        Plans fall on whole minutes, which nobody wants to wait for: the orders are made due in
        the database, and the dispatcher is woken as a commit would wake it.
        """
        connection = self._world.connections[0]
        due = await asyncio.to_thread(now)
        async with connection.transaction():
            await connection.execute(_RELEASE, due, self._ordered)
            await connection.execute(f"NOTIFY {outbox.WAKE}")
        arrived = await self._arrivals(due.isoformat())
        self._tokens = [one["token"] for one in arrived]
        await self._world.clear_sandbox()
        last = max(one["at"] for one in arrived)
        seconds = (datetime.fromisoformat(last) - due).total_seconds()
        return Measured(count=len(arrived), seconds=seconds)

    async def _arrivals(self, since: str) -> Sequence[dict[str, Any]]:
        """What the sandbox has taken, as soon as it is everything, and once each."""
        give_up, query = monotonic() + ARRIVAL_SECONDS, urlencode({"since": since})
        while monotonic() < give_up:
            lines = (await self._world.ask_sandbox(f"messages?{query}")).splitlines()
            if len(lines) >= len(self._ordered):
                arrived = [json.loads(line) for line in lines]
                if len({one["token"] for one in arrived}) != len(self._ordered):
                    raise NotAsExpected("The provider was told something twice.")
                return arrived
            await asyncio.sleep(POLL_SECONDS)
        raise NotAsExpected("Not every message reached the provider.")

    async def webhook(self) -> Measured:
        """Signed status callbacks, each of them new, about messages that were sent."""
        return await run(self._call_back, clients=CLIENTS, most_seconds=WEBHOOK_SECONDS)

    async def reply(self) -> Measured:
        """Every patient writes C: from the first webhook until the last answer is ordered, and
        every visit is confirmed."""
        before, began = self._replies, monotonic()
        await run(self._write, clients=CLIENTS, most_seconds=REPLY_SECONDS, most_calls=PATIENTS)
        connection, give_up = self._world.connections[0], monotonic() + ARRIVAL_SECONDS
        while await connection.fetchval(_CONFIRMED) < before + PATIENTS:
            if monotonic() > give_up:
                raise NotAsExpected("Not every answer was applied.")
            await asyncio.sleep(POLL_SECONDS / 5)
        self._replies += PATIENTS
        return Measured(count=PATIENTS, seconds=monotonic() - began)

    async def _write(self, _client: int, number: int) -> None:
        url = f"{self._world.installation.api_url}/webhooks/twilio/inbound"
        fields = {
            "AccountSid": self._world.accounts["HANDBELL_TWILIO_ACCOUNT_SID"],
            "MessageSid": f"SM{self._replies + number:032x}",
            "From": self._world.addresses[number],
            "To": self._world.accounts["HANDBELL_TWILIO_FROM"],
            "Body": "C",
        }
        await self._post(url, fields)

    async def _call_back(self, _client: int, _number: int) -> None:
        number = next(self._callbacks)
        token = self._tokens[number % len(self._tokens)]
        url = f"{self._world.installation.api_url}/webhooks/twilio/status?mid={token}"
        fields = {
            "AccountSid": self._world.accounts["HANDBELL_TWILIO_ACCOUNT_SID"],
            "MessageSid": f"SM{number:032x}",
            "MessageStatus": STATUSES[number % len(STATUSES)],
        }
        await self._post(url, fields)

    async def _post(self, url: str, fields: dict[str, str]) -> None:
        secret = self._world.accounts["HANDBELL_TWILIO_AUTH_TOKEN"]
        headers = {
            "X-Twilio-Signature": twilio_signature(secret, url, fields),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body, address = urlencode(fields).encode(), URL(url, encoded=True)
        async with self._world.session.post(address, data=body, headers=headers) as answer:
            await answer.read()
        if answer.status != HTTPStatus.OK:
            raise NotAsExpected("A callback was not taken.")
