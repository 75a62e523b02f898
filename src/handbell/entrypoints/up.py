"""`handbell up`: one machine, no set-up. Starts or adopts the servers, migrates, serves.

Of each group of lanes one worker always runs; more come and go with the load.
"""

import asyncio
import json
import os
import socket
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from handbell.delivery.types import LANE_GROUPS
from handbell.entrypoints import cli, embedded, pretended
from handbell.entrypoints.bootstrap import database_urls, open_meter, open_runtime
from handbell.entrypoints.following import Crew, LoadBook, follow_load, followers
from handbell.entrypoints.home import open_home, secrets_of, write_private
from handbell.entrypoints.supervisor import Program, stop_on_signals, supervise
from handbell.migrations.service import migrate
from handbell.platform.clock import SystemClock
from handbell.platform.direct import Direct
from handbell.platform.settings import Settings

FIRST_ORGANIZATION: Final = "My practice"
HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the processes listen; no sandbox where a real provider is configured."""

    api: int
    sandbox: int | None

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.api}"

    @property
    def sandbox_url(self) -> str | None:
        return None if self.sandbox is None else f"http://{HOST}:{self.sandbox}"


def run(settings: Settings, *, port: int) -> None:
    """Bring everything up and serve until stopped; the two servers stay for the next start."""
    home = open_home(settings.home)
    os.environ.update(secrets_of(home))
    os.environ.update(_servers(Settings(), home))
    ports = _choose(settings, port)
    if ports.sandbox_url is not None:
        pretended_accounts = pretended.accounts(
            home, sandbox_url=ports.sandbox_url, public_url=ports.api_url
        )
        os.environ.update(pretended_accounts)
    ready = Settings()
    asyncio.run(_prepare(ready, home, ports))
    asyncio.run(_supervise(ready, home, ports))


def _choose(settings: Settings, port: int) -> Ports:
    api = next_free(port)
    sandbox = next_free(api + 1) if pretended.is_needed(settings) else None
    return Ports(api=api, sandbox=sandbox)


async def _supervise(settings: Settings, home: Path, ports: Ports) -> None:
    """Run the product's processes, which die with us, until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    pids: dict[str, int] = {}

    async def started(name: str, pid: int) -> None:
        pids[name] = pid
        _record(settings, home, ports, pids)

    def ended(name: str) -> None:
        pids.pop(name, None)
        _record(settings, home, ports, pids)

    print(f"Handbell answers on {ports.api_url} (key: {home / 'admin.key'})", flush=True)
    if ports.sandbox is not None:
        print(f"No provider is configured: {ports.sandbox_url} plays all three", flush=True)
    async with asyncio.TaskGroup() as running:
        running.create_task(supervise(children(ports), stop=stop, started=started))
        if settings.clock == "system":
            crew = Crew(_another, started, ended)
            running.create_task(_follow(settings, crew, stop))


async def _follow(settings: Settings, crew: Crew, stop: asyncio.Event) -> None:
    """Have as many workers as the load asks for, and as this machine can bear."""
    direct = Direct(database_urls(settings).engine)
    loads = LoadBook(direct, open_meter(settings.redis_url), SystemClock())
    cores = settings.worker_cores or os.cpu_count() or 1
    try:
        await follow_load(loads, followers(cores), crew, most_beside=max(0, cores - 1), stop=stop)
    finally:
        await loads.close()


def _another(group: str, no: int) -> Program:
    """A further worker of a group."""
    lanes = ",".join(LANE_GROUPS[group])
    return _child(f"worker-{group}-{no}", "worker", "--lanes", lanes)


def children(ports: Ports) -> list[Program]:
    """The product's processes: a worker for each group of lanes, and the sandbox if wanted."""
    found = [_child("api", "api", "--port", str(ports.api)), _child("dispatcher", "dispatcher")]
    for group, lanes in LANE_GROUPS.items():
        found.append(_child(f"worker-{group}", "worker", "--lanes", ",".join(lanes)))
    if ports.sandbox is not None:
        found.append(_child("sandbox", "sandbox", "--port", str(ports.sandbox)))
    return found


def _child(name: str, *command: str) -> Program:
    """One of the product's own commands, as an operator could start it too."""
    return Program(name=name, run=partial(cli.main, *command))


def next_free(port: int) -> int:
    """The port, or the first one after it that nobody listens on."""
    while _is_taken(port):
        port += 1
    return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _servers(settings: Settings, home: Path) -> dict[str, str]:
    """Addresses of the two servers: the operator's own where given, else embedded ones."""
    found: dict[str, str] = {}
    if not settings.database_url:
        found["HANDBELL_DATABASE_URL"] = embedded.start_postgres(home).database_url
    if not settings.redis_url:
        found["HANDBELL_REDIS_URL"] = embedded.start_valkey(home).redis_url
    return found


async def _prepare(settings: Settings, home: Path, ports: Ports) -> None:
    """Migrate; on the first start make an organisation and a key of role admin."""
    key = settings.encryption_key.get_secret_value()
    await migrate(settings.database_url, encryption_key=key)
    is_first, is_pretended = not (home / "admin.key").exists(), ports.sandbox is not None
    runtime = open_runtime(settings)
    about = pretended.PRACTICE if is_pretended else {}
    try:
        if is_first:
            made = await runtime.first_key(FIRST_ORGANIZATION, **about)
            write_private(home / "admin.key", made)
        if is_pretended:
            await pretended.approve(runtime)
    finally:
        await runtime.close()


def _record(settings: Settings, home: Path, ports: Ports, pids: dict[str, int]) -> None:
    """Say in `run.json` what runs and where."""
    run_record = {
        "api_url": ports.api_url,
        "sandbox_url": ports.sandbox_url,
        "database_url": settings.database_url,
        "redis_url": settings.redis_url,
        "admin_key_file": str(home / "admin.key"),
        "pids": {"up": os.getpid(), **pids},
    }
    write_private(home / "run.json", json.dumps(run_record, indent=2))
