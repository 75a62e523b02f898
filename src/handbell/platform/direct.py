"""Connections past the pool, for single statements that are transactions of their own.

What is asked or said all the time costs a quarter here: nothing is compiled, and the server
begins and commits without being told to.
"""

import asyncio
import json
from typing import Any, Final

import asyncpg

SIZE: Final = 8
"""Connections at most; they are opened as they are needed."""
_SESSION: Final = {"timezone": "UTC", "statement_timeout": "60000", "jit": "off"}


class _Connection(asyncpg.Connection):
    """Nothing of a statement stays with the connection, so nothing is reset after it."""

    def get_reset_query(self) -> str:
        return ""


class Direct:
    """Runs one statement at a time, each a transaction of its own.

    It connects when it is first asked, and anew when the server has gone away.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opening = asyncio.Lock()
        self._pool: asyncpg.Pool | None = None

    async def rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run it with `$1`, `$2` … as given, JSON as objects; give what it returns."""
        pool = self._pool or await self._open()
        found: list[asyncpg.Record] = await pool.fetch(statement, *values)
        return found

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=SIZE,
                    max_inactive_connection_lifetime=0,
                    connection_class=_Connection,
                    server_settings=_SESSION,
                    init=_read_json,
                )
            return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


async def _read_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )
