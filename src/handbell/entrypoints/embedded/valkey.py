"""Valkey in a home: the queue's server. PostgreSQL is the truth, so its data are disposable."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from handbell.entrypoints.embedded import process
from handbell.entrypoints.embedded.binaries import valkey_program
from handbell.entrypoints.embedded.errors import ServerDidNotStart
from handbell.entrypoints.embedded.place import LOOPBACK, Place, forget, free_port, open_place

if TYPE_CHECKING:
    from redis import Redis

_NAME: Final = "Valkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """A running server. `redis_url` holds its password."""

    pid: int
    port: int
    redis_url: str
    home: Path
    durable: bool

    def stop(self) -> None:
        """Stop it cleanly; data that need not last are deleted. Raises `ServerDidNotStop`."""
        process.end(_NAME, self.pid, signal.SIGTERM, signal.SIGTERM)
        if not self.durable:
            forget(self.home, "valkey")


def start_valkey(home: Path, *, durable: bool = True) -> Valkey:
    """Start the home's Valkey, or adopt the one that runs already. Blocks for up to a minute.

    A folder that the server cannot read is moved aside: the queue is rebuilt from PostgreSQL.
    Raises an `EmbeddedServerError` whose sentence says what is in the way.
    """
    with open_place(home) as place:
        data = place.make_folder("valkey")
        adopted = _adopted_pid(place, data)
        pid, running = (
            (adopted, place) if adopted else _start_or_replace(place, data, durable=durable)
        )
        memory = running.memory
        return Valkey(
            pid=pid,
            port=memory.valkey_port,
            redis_url=f"redis://:{memory.valkey_password}@{LOOPBACK}:{memory.valkey_port}/0",
            home=place.home,
            durable=durable,
        )


def _adopted_pid(place: Place, data: Path) -> int | None:
    """The pid of a server that answers to our password and keeps our folder."""
    from redis.exceptions import RedisError

    if place.memory.valkey_port == 0:
        return None
    try:
        with _client(place) as client:
            client.ping()
            if client.config_get("dir").get("dir") != str(data):
                return None
            return int(client.info("server")["process_id"])
    except RedisError:
        return None


def _start_or_replace(place: Place, data: Path, *, durable: bool) -> tuple[int, Place]:
    try:
        return _start(place, data, durable=durable)
    except ServerDidNotStart:
        if not any(data.iterdir()):
            raise
        data.rename(_free_name(data))
        return _start(place, place.make_folder("valkey"), durable=durable)


def _start(place: Place, data: Path, *, durable: bool) -> tuple[int, Place]:
    port = free_port(place.memory.valkey_port)
    place = place.remember(replace(place.memory, valkey_port=port))
    command = [str(valkey_program(place.account)), "-"]
    log = place.folder / "valkey.log"
    settings = _settings(place, data, durable=durable)
    pid = process.launch(place.account, command, log=log, given=settings)
    process.wait_until(lambda: _adopted_pid(place, data) == pid, name=_NAME, pid=pid, log=log)
    return pid, place


def _settings(place: Place, data: Path, *, durable: bool) -> bytes:
    """The configuration, given on standard input: the password is in no file and no argument."""
    lines = (
        f"bind {LOOPBACK}",
        f"port {place.memory.valkey_port}",
        f"requirepass {place.memory.valkey_password}",
        f'dir "{data}"',
        f'pidfile "{data}/valkey.pid"',
        f"appendonly {'yes' if durable else 'no'}",
        'save ""',
        "maxmemory-policy noeviction",
    )
    return "\n".join((*lines, "")).encode()


@contextmanager
def _client(place: Place) -> "Iterator[Redis]":
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = Redis(
        host=LOOPBACK,
        port=place.memory.valkey_port,
        password=place.memory.valkey_password,
        decode_responses=True,
        socket_timeout=5,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield client
    finally:
        client.close()


def _free_name(data: Path) -> Path:
    names = (data.with_name(f"valkey.unreadable-{number}") for number in count(1))
    return next(name for name in names if not name.exists())
