"""PostgreSQL in a home: made once, started, adopted, stopped."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from handbell.entrypoints.embedded import process
from handbell.entrypoints.embedded.binaries import POSTGRES_MAJOR, postgres_programs
from handbell.entrypoints.embedded.errors import OtherMajorVersion, ServerDidNotStart
from handbell.entrypoints.embedded.place import LOOPBACK, Place, forget, free_port, open_place

OWNER: Final = "handbell_owner"
DATABASE: Final = "handbell"
_NAME: Final = "PostgreSQL"
_PATIENCE_SECONDS: Final = 15.0
# The log never holds a statement, a parameter or a row's values: they may be a patient's. A new
# practice's tables grow within minutes: plans made for empty ones must not stand for long.
_SETTINGS: Final = {
    "autovacuum_naptime": "5s",
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "dynamic_shared_memory_type": "mmap",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
}
_NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server. `database_url` is the owner's and holds his password."""

    pid: int
    port: int
    database_url: str
    home: Path
    durable: bool

    def stop(self) -> None:
        """Stop it cleanly, ending its connections; data that need not last are deleted.

        Raises `ServerDidNotStop`.
        """
        process.end(_NAME, self.pid, signal.SIGINT, signal.SIGQUIT)
        if not self.durable:
            forget(self.home, "postgres")


def start_postgres(home: Path, *, durable: bool = True) -> Postgres:
    """Start the home's PostgreSQL, or adopt the one that runs already. Blocks for up to a minute.

    `durable=False` is for tests: nothing is synced and `stop` deletes the data.
    Raises an `EmbeddedServerError` whose sentence says what is in the way.
    """
    with open_place(home) as place:
        programs = postgres_programs(place.account)
        data = place.folder / "postgres"
        if not data.exists():
            _create(place, programs, data, durable=durable)
        _require_major(data)
        pid, running = _adopt(place, programs, data) or _start(
            place, programs, data, durable=durable
        )
        _ensure_database(running, programs)
        return Postgres(
            pid=pid,
            port=running.memory.postgres_port,
            database_url=_url(running, DATABASE),
            home=place.home,
            durable=durable,
        )


def _create(place: Place, programs: Path, data: Path, *, durable: bool) -> None:
    """Make the data folder beside its final name, so that a broken attempt is never used."""
    draft, log = data.with_name("postgres.new"), place.folder / "initdb.log"
    shutil.rmtree(draft, ignore_errors=True)
    password = place.folder / "password.new"
    descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(place.memory.postgres_password)
    place.account.own(password)
    command = [str(programs / "initdb"), "-D", str(draft), "-U", OWNER, f"--pwfile={password}"]
    command += ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "-E", "UTF8"]
    command += ["--locale-provider=builtin", "--locale=C.UTF-8", *([] if durable else ["-N"])]
    try:
        with log.open("wb") as output:
            code = place.account.popen(command, output=output.fileno()).wait()
    finally:
        password.unlink()
    if code != 0:
        raise ServerDidNotStart("initdb", log, process.last_lines(log))
    draft.rename(data)


def _require_major(data: Path) -> None:
    found = (data / "PG_VERSION").read_text().strip()
    if found != POSTGRES_MAJOR:
        raise OtherMajorVersion(data, found=found, needed=POSTGRES_MAJOR)


def _adopt(place: Place, programs: Path, data: Path) -> tuple[int, Place] | None:
    """Take over a server that an earlier parent left: its pid lives, its data are ours, and it
    answers to our password. A file left by a server that was killed names nobody."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (written := _pid_file(data)) is not None and time.monotonic() < deadline:
        pid, folder, port = written
        if folder != str(data) or not process.is_running(pid, program="postgres"):
            return None
        adopted = replace(place, memory=replace(place.memory, postgres_port=port))
        if _answers(adopted, programs, data):
            return pid, place.remember(adopted.memory)
        time.sleep(0.1)
    return None


def _start(place: Place, programs: Path, data: Path, *, durable: bool) -> tuple[int, Place]:
    """Start a new server; after a crash the old one's children may need a moment to go."""
    port = free_port(place.memory.postgres_port)
    place = place.remember(replace(place.memory, postgres_port=port))
    settings = _SETTINGS if durable else _SETTINGS | _NOT_DURABLE
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = place.folder / "postgres.log"
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        pid = process.launch(place.account, command, log=log)
        try:
            _wait(place, programs, data, pid)
        except ServerDidNotStart:
            leftover = "shared memory block" in process.last_lines(log)
            if not leftover or time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return pid, place


def _wait(place: Place, programs: Path, data: Path, pid: int) -> None:
    """The pid file may be a dead server's: it must name this child, which must answer."""

    def ready() -> bool:
        written = _pid_file(data)
        return written is not None and written[0] == pid and _answers(place, programs, data)

    process.wait_until(ready, name=_NAME, pid=pid, log=place.folder / "postgres.log")


def _pid_file(data: Path) -> tuple[int, str, int] | None:
    """The pid, data folder and port of a server that lives, is starting, or was killed."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), lines[1], int(lines[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _answers(place: Place, programs: Path, data: Path) -> bool:
    return _query(place, programs, "SHOW data_directory") == str(data)


def _ensure_database(place: Place, programs: Path) -> None:
    known = "SELECT count(*) FROM pg_database WHERE datname = 'handbell'"
    if _query(place, programs, known) == "0":
        _query(place, programs, f"CREATE DATABASE {DATABASE}")


def _query(place: Place, programs: Path, statement: str) -> str | None:
    """Ask over a real connection with the owner's password; None when there is no answer.

    The wheel's own `psql` serves synchronous and asynchronous callers alike.
    """
    command = [str(programs / "psql"), "-XAtwq", "-h", LOOPBACK, "-U", OWNER, "-d", "postgres"]
    command += ["-p", str(place.memory.postgres_port), "-c", statement]
    environment = {"PGPASSWORD": place.memory.postgres_password, "PGCONNECT_TIMEOUT": "5"}
    answer = subprocess.run(command, check=False, capture_output=True, env=environment, cwd="/")
    return answer.stdout.decode().strip() if answer.returncode == 0 else None


def _url(place: Place, database: str) -> str:
    memory = place.memory
    return (
        f"postgresql://{OWNER}:{memory.postgres_password}"
        f"@{LOOPBACK}:{memory.postgres_port}/{database}"
    )
