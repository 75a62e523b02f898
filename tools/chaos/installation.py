"""The product's processes and servers in a home of their own: started, killed, started again."""

import asyncio
import os
import random
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis

from handbell.entrypoints import embedded, pretended
from handbell.entrypoints.bootstrap import open_runtime
from handbell.entrypoints.home import open_home, secrets_of, write_private
from handbell.entrypoints.supervisor import Command
from handbell.entrypoints.up import FIRST_ORGANIZATION, HOST, Ports, children, next_free
from handbell.migrations.service import migrate
from handbell.platform.settings import Settings
from tools.chaos.plan import Victim

FIRST_PORT: Final = 19_300
LOGS: Final = "logs"
RECORD: Final = "received.jsonl"
PAUSE_SECONDS: Final = 0.3
STOP_SECONDS: Final = 20.0
_TRAMPOLINE: Final = "handbell.entrypoints.supervisor"


@dataclass(slots=True)
class Child:
    """One process that is started again whenever it ends."""

    command: Command
    log: Path
    process: asyncio.subprocess.Process | None = None
    starts: int = 0

    async def keep(self, stop: asyncio.Event) -> None:
        """Run it until `stop`; whoever waits for the installation's end has it ended too."""
        while not stop.is_set():
            await self._start()
            assert self.process is not None  # noqa: S101 - just started
            await self.process.wait()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _start(self) -> None:
        """Start it as the product's own supervisor does, so that it dies with us."""
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _TRAMPOLINE, str(os.getpid()), *self.command.arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """Kill it at once, as soon as there is something to kill."""
        while self.process is None or self.process.returncode is not None:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_SECONDS / 3)
        self.process.kill()

    async def end(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@dataclass(slots=True, kw_only=True)
class Installation:
    """One home, its two servers and the product's processes. The sandbox is never killed."""

    home: Path
    servers: embedded.Servers
    ports: Ports
    settings: Settings
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return (self.home / "admin.key").read_text()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep all processes running until `stop`, then end them."""
        (self.home / LOGS).mkdir(exist_ok=True)
        for command in children(self.ports):
            self.children[command.name] = Child(command, self.home / LOGS / f"{command.name}.log")
        async with asyncio.TaskGroup() as group:
            keeping = [group.create_task(child.keep(stop)) for child in self.children.values()]
            await stop.wait()
            for task in keeping:
                task.cancel()
        for child in self.children.values():
            await child.end()

    async def kill(self, victim: Victim, chance: random.Random) -> None:
        """Kill it; a server is started again before this returns."""
        match victim:
            case Victim.WORKER_ANY:
                workers = sorted(name for name in self.children if name.startswith("worker-"))
                await self.children[chance.choice(workers)].kill()
            case Victim.WORKER_CARE | Victim.DISPATCHER | Victim.API:
                await self.children[victim.value].kill()
            case Victim.VALKEY | Victim.VALKEY_FLUSHED:
                await asyncio.to_thread(self._kill_valkey, flush=victim is Victim.VALKEY_FLUSHED)
            case Victim.POSTGRES:
                await asyncio.to_thread(self._stop_postgres_at_once)

    def _kill_valkey(self, *, flush: bool) -> None:
        if flush:
            with redis.Redis.from_url(self.servers.redis_url) as client:
                client.flushall()
        os.kill(self.servers.valkey.pid, signal.SIGKILL)
        self._restart()

    def _stop_postgres_at_once(self) -> None:
        os.kill(self.servers.postgres.pid, signal.SIGQUIT)
        self._restart()

    def _restart(self) -> None:
        """Start what is gone and adopt what runs."""
        self.servers = embedded.start(self.home)

    def close(self) -> None:
        """Stop both servers and forget their data."""
        self.servers.stop()
        embedded.forget(self.home)


async def open_installation(home: Path) -> Installation:
    """Start the servers of a home, made ready when it is new. From here on the environment
    names nothing but this installation, so that no real provider can be reached."""
    for name in [one for one in os.environ if one.startswith("HANDBELL_")]:
        del os.environ[name]
    opened = open_home(home)
    servers = await asyncio.to_thread(embedded.start, opened)
    api = next_free(FIRST_PORT)
    ports = Ports(api=api, sandbox=next_free(api + 1))
    accounts = pretended.accounts(
        opened, sandbox_url=f"http://{HOST}:{ports.sandbox}", public_url=ports.api_url
    )
    own = {
        "HANDBELL_HOME": str(opened),
        "HANDBELL_DATABASE_URL": servers.database_url,
        "HANDBELL_REDIS_URL": servers.redis_url,
        "HANDBELL_SANDBOX_RECORD": str(opened / RECORD),
    }
    os.environ.update(secrets_of(opened) | accounts | own)
    settings = Settings()
    key = settings.encryption_key.get_secret_value()
    await migrate(settings.database_url, encryption_key=key)
    if not (opened / "admin.key").exists():
        runtime = open_runtime(settings)
        try:
            made = await runtime.first_key(FIRST_ORGANIZATION, **pretended.PRACTICE)
            write_private(opened / "admin.key", made)
        finally:
            await runtime.close()
    return Installation(home=opened, servers=servers, ports=ports, settings=settings)
