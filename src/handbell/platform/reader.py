"""A connection past the pool, for the few statements that are asked all the time."""

import asyncio
from typing import Any

import asyncpg


class Reader:
    """Reads rows of one statement at a time, each a transaction of its own.

    It connects when it is first asked, and anew when the server has gone away.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._alone = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    async def rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        async with self._alone:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    self._url, server_settings={"timezone": "UTC", "jit": "off"}
                )
            found: list[asyncpg.Record] = await self._connection.fetch(statement, *values)
        return found

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
