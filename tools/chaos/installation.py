"""The product's processes and servers in a home of their own: started, killed, started again."""

import asyncio
import os
import random
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import redis

from handbell.entrypoints import embedded, pretended
from handbell.entrypoints.bootstrap import open_runtime
from handbell.entrypoints.home import open_home, secrets_of, write_private
from handbell.entrypoints.supervisor import Child, Program, preload
from handbell.entrypoints.up import FIRST_ORGANIZATION, HOST, Ports, children, next_free
from handbell.migrations.service import migrate
from handbell.platform.settings import Settings
from tools.chaos.plan import Victim

FIRST_PORT: Final = 19_300
LOGS: Final = "logs"
RECORD: Final = "received.jsonl"
PAUSE_SECONDS: Final = 0.3
STOP_SECONDS: Final = 20.0


@dataclass(slots=True)
class Kept:
    """One program that is started again whenever it ends."""

    program: Program
    child: Child | None = None
    starts: int = 0

    async def keep(self, stop: asyncio.Event) -> None:
        """Run it until `stop`; whoever waits for the installation's end has it ended too."""
        while not stop.is_set():
            self.starts += 1
            self.child = Child(self.program)
            await self.child.wait()
            await asyncio.sleep(PAUSE_SECONDS)

    async def kill(self) -> None:
        """Kill it at once, as soon as there is something to kill."""
        while self.child is None or self.child.code is not None:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_SECONDS / 3)
        self.child.kill()

    async def end(self) -> None:
        if self.child is None:
            return
        self.child.terminate()
        try:
            await asyncio.wait_for(self.child.wait(), STOP_SECONDS)
        except TimeoutError:
            self.child.kill()
            await self.child.wait()


@dataclass(slots=True, kw_only=True)
class Installation:
    """One home, its two servers and the product's processes. The sandbox is never killed."""

    home: Path
    servers: embedded.Servers
    ports: Ports
    settings: Settings
    children: dict[str, Kept] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return (self.home / "admin.key").read_text()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep all processes running until `stop`, then end them."""
        (self.home / LOGS).mkdir(exist_ok=True)
        for program in children(self.ports):
            output = self.home / LOGS / f"{program.name}.log"
            self.children[program.name] = Kept(replace(program, output=output))
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


async def open_installation(home: Path, *, first_port: int = FIRST_PORT) -> Installation:
    """Start the servers of a home, made ready when it is new. From here on the environment
    names nothing but this installation, so that no real provider can be reached."""
    for name in [one for one in os.environ if one.startswith("HANDBELL_")]:
        del os.environ[name]
    preload()
    opened = open_home(home)
    servers = await asyncio.to_thread(embedded.start, opened)
    api = next_free(first_port)
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
