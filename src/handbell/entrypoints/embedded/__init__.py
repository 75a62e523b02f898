"""A real PostgreSQL and a real Valkey from installed wheels, kept in one home folder.

The servers listen on 127.0.0.1 with passwords, outlive a parent that is killed, and are adopted
by the next start. As root they run under an unprivileged account, and no folder that was there
before changes its mode. Every call here blocks; asynchronous callers use a thread.
"""

from dataclasses import dataclass
from pathlib import Path

from handbell.entrypoints.embedded.errors import (
    BinariesMissing,
    EmbeddedServerError,
    HomeUnusable,
    OtherMajorVersion,
    ServerDidNotStart,
    ServerDidNotStop,
)
from handbell.entrypoints.embedded.place import forget
from handbell.entrypoints.embedded.postgres import Postgres, start_postgres
from handbell.entrypoints.embedded.valkey import Valkey, start_valkey

__all__ = [
    "BinariesMissing",
    "EmbeddedServerError",
    "HomeUnusable",
    "OtherMajorVersion",
    "Postgres",
    "ServerDidNotStart",
    "ServerDidNotStop",
    "Servers",
    "Valkey",
    "forget",
    "start",
    "start_postgres",
    "start_valkey",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Both servers of a home, running."""

    postgres: Postgres
    valkey: Valkey

    @property
    def database_url(self) -> str:
        return self.postgres.database_url

    @property
    def redis_url(self) -> str:
        return self.valkey.redis_url

    @property
    def pids(self) -> dict[str, int]:
        return {"postgres": self.postgres.pid, "valkey": self.valkey.pid}

    def stop(self) -> None:
        """Stop both, the queue first. Raises `ServerDidNotStop`."""
        self.valkey.stop()
        self.postgres.stop()


def start(home: Path, *, durable: bool = True) -> Servers:
    """Start or adopt both servers of a home. Raises an `EmbeddedServerError`."""
    postgres = start_postgres(home, durable=durable)
    return Servers(postgres=postgres, valkey=start_valkey(home, durable=durable))
