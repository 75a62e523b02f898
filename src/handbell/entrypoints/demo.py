"""`handbell demo`: a whole installation for one run, on a stepped clock, and gone afterwards."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final

import aiohttp
from rich.console import Console

from handbell.demo import service as demo
from handbell.demo.clients import SteppedClock
from handbell.demo.script import Script
from handbell.demo.story import show
from handbell.demo.world import START, make_script, make_script_from_fhir
from handbell.entrypoints import embedded, pretended
from handbell.entrypoints.home import open_home, secrets_of, write_private
from handbell.entrypoints.importing import FhirImport, import_fhir, in_words
from handbell.entrypoints.operations import opened
from handbell.entrypoints.supervisor import Program, stop_on_signals, supervise
from handbell.entrypoints.up import FIRST_ORGANIZATION, HOST, Ports, children, next_free
from handbell.migrations.service import migrate
from handbell.platform import db
from handbell.platform.errors import HandbellError
from handbell.platform.settings import Settings

FIRST_PORT: Final = 18800
LOGS: Final = "logs"
READY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05


class DidNotStart(HandbellError):
    """Raised when the product's processes do not answer."""

    code = "did_not_start"

    def __init__(self) -> None:
        super().__init__(f"The product did not answer within {READY_SECONDS:.0f} seconds.")


class Stopped(HandbellError):
    """Raised when the run is ended by a signal."""

    code = "stopped"

    def __init__(self) -> None:
        super().__init__("The demo was stopped before its end.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrder:
    """What to play. `from_fhir` replaces the made-up patients by those of a folder."""

    days: int
    patients: int
    seed: int
    json_file: Path | None
    from_fhir: Path | None
    keep: bool


def run(order: DemoOrder) -> bool:
    """Play it and show the figures; say whether no patient was wronged and nothing is open.

    What it started goes with it, unless it is kept; after a failure the logs stay.
    """
    began = monotonic()
    script = _script(order)
    home = open_home(Path(tempfile.mkdtemp(prefix="handbell-demo-")))
    servers = embedded.start(home, durable=False)
    is_done = False
    try:
        ports = _set_up(home, servers, seed=order.seed)
        is_good = asyncio.run(_play(order, script, home, ports, began=began))
        is_done = True
    except Stopped:
        is_done = True
        raise
    finally:
        if not order.keep:
            servers.stop()
            embedded.forget(home)
        if is_done and not order.keep:
            shutil.rmtree(home, ignore_errors=True)
        elif not is_done:
            print(f"What the processes wrote stands in {home / LOGS}", file=sys.stderr)
    return is_good


def _script(order: DemoOrder) -> Script:
    if order.from_fhir is not None:
        return make_script_from_fhir(order.from_fhir, seed=order.seed, days=order.days)
    return make_script(seed=order.seed, patients=order.patients, days=order.days)


def _set_up(home: Path, servers: embedded.Servers, *, seed: int) -> Ports:
    """Choose ports; from here on the environment names nothing but this installation, so that
    no real provider can be reached."""
    for name in [one for one in os.environ if one.startswith("HANDBELL_")]:
        del os.environ[name]
    api = next_free(FIRST_PORT)
    sandbox = next_free(api + 1)
    ports = Ports(api=api, sandbox=sandbox)
    accounts = pretended.accounts(
        home, sandbox_url=f"http://{HOST}:{sandbox}", public_url=ports.api_url
    )
    own = {
        "HANDBELL_HOME": str(home),
        "HANDBELL_DATABASE_URL": servers.database_url,
        "HANDBELL_REDIS_URL": servers.redis_url,
        "HANDBELL_CLOCK": "simulated",
        "HANDBELL_SANDBOX_PATIENTS": "on",
        "HANDBELL_SANDBOX_SEED": str(seed),
    }
    os.environ.update(secrets_of(home) | accounts | own)
    return ports


async def _play(
    order: DemoOrder, script: Script, home: Path, ports: Ports, *, began: float
) -> bool:
    settings, console, stop = Settings(), Console(), asyncio.Event()
    stop_on_signals(stop)
    installation = await _prepare(settings, home, ports)
    if order.from_fhir is not None:
        wanted = FhirImport(path=order.from_fhir, org=1, source=script.source)
        report = in_words(await import_fhir(settings, wanted))
        console.print("\n".join(f"imported {name}: {said}" for name, said in report.items()))

    async def play() -> bool:
        await _until_ready(installation)
        findings = await demo.run(script, installation, console)
        seconds = monotonic() - began
        show(findings, console, wall_seconds=seconds)
        _write(order.json_file, findings.as_json(wall_seconds=seconds))
        if order.keep:
            console.print(f"{ports.api_url} goes on until Ctrl-C; its home is {home}")
        return findings.is_good

    return await _beside(play(), _children(home, ports), stop, keep=order.keep)


async def _beside(
    play: Coroutine[Any, Any, bool],
    programs: Sequence[Program],
    stop: asyncio.Event,
    *,
    keep: bool,
) -> bool:
    """Play while the children run, and end them afterwards or, if they are kept, on a signal.

    Raises `Stopped` on a signal before the end.
    """
    outcome: bool | HandbellError = Stopped()

    async def listen() -> None:
        nonlocal outcome
        try:
            outcome = await play
            if keep:
                await stop.wait()
        except HandbellError as failed:
            outcome = failed
        finally:
            stop.set()

    async with asyncio.TaskGroup() as group:
        playing = group.create_task(listen())
        group.create_task(supervise(programs, stop=stop))
        await stop.wait()
        playing.cancel()
    if isinstance(outcome, HandbellError):
        raise outcome
    return outcome


async def _prepare(settings: Settings, home: Path, ports: Ports) -> demo.Installation:
    """Migrate, set the clock to the script's start, and make the practice and its key."""
    secret = settings.encryption_key.get_secret_value()
    await migrate(settings.database_url, encryption_key=secret)
    engine = db.connect(settings.database_url, pool_size=1)
    try:
        await SteppedClock(engine).step_to(START)
    finally:
        await engine.dispose()
    async with opened(settings) as runtime:
        admin_key = await runtime.first_key(FIRST_ORGANIZATION)
        await pretended.approve(runtime)
    write_private(home / "admin.key", admin_key)
    return demo.Installation(
        api_url=ports.api_url,
        sandbox_url=str(ports.sandbox_url),
        admin_key=admin_key,
        database_url=settings.database_url,
    )


def _children(home: Path, ports: Ports) -> list[Program]:
    """The same processes as `up` runs; what they write goes to files, not into the story."""
    (home / LOGS).mkdir()
    return [
        replace(program, output=home / LOGS / f"{program.name}.log") for program in children(ports)
    ]


async def _until_ready(installation: demo.Installation) -> None:
    give_up = monotonic() + READY_SECONDS
    urls = (f"{installation.api_url}/health/ready", f"{installation.sandbox_url}/_sandbox/next")
    async with aiohttp.ClientSession() as session:
        for url in urls:
            while not await _answers(session, url):
                if monotonic() > give_up:
                    raise DidNotStart
                await asyncio.sleep(POLL_SECONDS)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False


def _write(path: Path | None, figures: Mapping[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n")
