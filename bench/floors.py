"""What the same servers do at the same time without the product: no rules, no encryption."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final

import aiohttp

from bench.load import Measured, run
from bench.world import CLIENTS, NotAsExpected, World

SECONDS: Final = 0.8
BODY: Final = b"x" * 300
"""About as long as a callback."""
TEXT: Final = "My practice: Ada, this is your reminder. Reply C to confirm, STOP to opt out."
BATCH: Final = 100

_QUEUE: Final = """
INSERT INTO bench.outgoing (address) SELECT unnest($1::text[]) FROM generate_series(1, 3)
"""
"""More than the product is given: it is over in a moment."""
_CLAIM: Final = f"""
UPDATE bench.outgoing SET state = 'sending' WHERE id IN (
    SELECT id FROM bench.outgoing WHERE state = 'queued'
    ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED
) RETURNING id, address
"""  # noqa: S608 - our own number
_FINISH: Final = "UPDATE bench.outgoing SET state = 'sent' WHERE id = ANY($1::bigint[])"


class Floors:
    """Each is called by as many clients as the scenario that it stands beside."""

    def __init__(self, world: World) -> None:
        self._world = world
        accounts = world.accounts
        account = accounts["HANDBELL_TWILIO_ACCOUNT_SID"]
        self._auth = aiohttp.BasicAuth(account, accounts["HANDBELL_TWILIO_AUTH_TOKEN"])
        self._from = accounts["HANDBELL_TWILIO_FROM"]
        self._url = (
            f"{world.installation.sandbox_url}/twilio/2010-04-01/Accounts/{account}/Messages.json"
        )

    async def live(self) -> Measured:
        """`GET /health/live`: our HTTP server, and nothing behind it."""
        url = f"{self._world.installation.api_url}/health/live"

        async def ask(_client: int, _number: int) -> None:
            async with self._world.session.get(url) as answer:
                await answer.read()
            if answer.status != HTTPStatus.OK:
                raise NotAsExpected("The API does not answer.")

        return await run(ask, clients=CLIENTS, most_seconds=SECONDS)

    async def insert(self) -> Measured:
        """One row and one commit each, in the installation's database and without HTTP."""

        async def store(client: int, _number: int) -> None:
            connection = self._world.connections[client]
            await connection.execute("INSERT INTO bench.stored (body) VALUES ($1)", BODY)

        return await run(store, clients=CLIENTS, most_seconds=SECONDS)

    async def send(self) -> Measured:
        """Claim rows, post them to the same sandbox, mark them: a loop without any question."""
        connection = self._world.connections[0]
        await connection.execute(_QUEUE, self._world.addresses)
        began, sent = perf_counter(), 0
        while rows := await connection.fetch(_CLAIM):
            await self._post_all(rows)
            await connection.execute(_FINISH, [row["id"] for row in rows])
            sent += len(rows)
        return Measured(count=sent, seconds=perf_counter() - began)

    async def _post_all(self, rows: Sequence[Any]) -> None:
        async with asyncio.TaskGroup() as group:
            for client in range(CLIENTS):
                group.create_task(self._post([row["address"] for row in rows[client::CLIENTS]]))

    async def _post(self, addresses: Sequence[str]) -> None:
        for address in addresses:
            form = {"To": address, "From": self._from, "Body": TEXT}
            async with self._world.session.post(self._url, data=form, auth=self._auth) as answer:
                await answer.read()
            if answer.status != HTTPStatus.CREATED:
                raise NotAsExpected("The sandbox did not take a message.")
