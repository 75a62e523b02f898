"""A database that tests have one after the other, each as fresh as from the migrations.

Cloning a database takes ten times as long as emptying one. What a test changed in the tables
themselves cannot be put back: such a test asks for a database of its own.
"""

import io
from dataclasses import dataclass
from typing import Final

import asyncpg

_WRITTEN: Final = """
    SELECT quote_ident(relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0"""
_SHAPE: Final = """
    SELECT (SELECT count(*) || '/' || max(oid) FROM pg_class
             WHERE relnamespace = 'public'::regnamespace)
        || ' ' || (SELECT count(*) || '/' || max(oid) FROM pg_constraint
             WHERE connamespace = 'public'::regnamespace)
        || ' ' || (SELECT count(*) FROM pg_attribute WHERE attnum > 0)
        || ' ' || (SELECT count(*) || '/' || max(oid) FROM pg_trigger)"""
_COUNTERS: Final = """
    SELECT format('%I.%I', schemaname, sequencename) AS name, last_value, start_value
    FROM pg_sequences"""
_RESET_COUNTERS: Final = """
    SELECT setval(c.name::regclass, coalesce(c.last, c.start), c.last IS NOT NULL)
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS c (name, last, start)"""
_OTHERS: Final = """
    SELECT pid, pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@dataclass(frozen=True, slots=True)
class Counter:
    """A sequence as the migrations leave it; `last` is None where it was never asked."""

    name: str
    last: int | None
    start: int


class ReusedDatabase:
    """A migrated database that can be put back to what it was."""

    def __init__(self, url: str, connection: asyncpg.Connection) -> None:
        self.url: Final = url
        self._connection = connection
        self._rows: dict[str, bytes] = {}
        self._counters: list[Counter] = []
        self._shape = ""

    @classmethod
    async def open(cls, url: str) -> "ReusedDatabase":
        """Remember what stands in a database that the migrations have just made."""
        made = cls(url, await asyncpg.connect(url))
        await made._remember()
        return made

    async def _remember(self) -> None:
        ask = self._connection
        self._shape = await ask.fetchval(_SHAPE)
        for (table,) in await ask.fetch(_WRITTEN):
            rows = io.BytesIO()
            await ask.copy_from_table(table, output=rows, format="binary")
            self._rows[table] = rows.getvalue()
        self._counters = [Counter(*row) for row in await ask.fetch(_COUNTERS)]
        # Foreign keys and the triggers of the ledgers, which can only grow, do not bind us.
        await ask.execute("SET session_replication_role = replica")

    async def reset(self) -> None:
        """End whoever is still connected, and put every row and counter back."""
        ask = self._connection
        await ask.fetch(_OTHERS)
        assert await ask.fetchval(_SHAPE) == self._shape, (
            "an earlier test changed the tables themselves: mark it own_database"
        )
        written = [table for (table,) in await ask.fetch(_WRITTEN)]
        await ask.execute(";".join(f"DELETE FROM {table}" for table in written))  # noqa: S608
        # Without the space of what is gone, new rows stand in the order in which they come.
        await ask.execute(f"VACUUM {', '.join(written)}")
        for table, rows in self._rows.items():
            await ask.copy_to_table(table, source=io.BytesIO(rows), format="binary")
        await ask.fetch(
            _RESET_COUNTERS,
            [counter.name for counter in self._counters],
            [counter.last for counter in self._counters],
            [counter.start for counter in self._counters],
        )

    async def close(self) -> None:
        await self._connection.close()
