"""Runs the demo against an installation that is up, in simulated time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from rich.console import Console

from handbell.demo.checker import check
from handbell.demo.clients import Product, Sandbox, SteppedClock
from handbell.demo.driver import Driver
from handbell.demo.report import Findings
from handbell.demo.script import Script
from handbell.demo.story import Story
from handbell.platform import db

KEEP_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where the product and the sandbox answer; `database_url` is the owner's."""

    api_url: str
    sandbox_url: str
    admin_key: str = field(repr=False)
    database_url: str = field(repr=False)


async def run(script: Script, installation: Installation, console: Console) -> Findings:
    """Play the script, tell of it as it happens, and check what the patients got."""
    bearer = {"Authorization": f"Bearer {installation.admin_key}"}
    engine = db.connect(installation.database_url, pool_size=1)
    try:
        async with (
            _session(installation.api_url, headers=bearer) as api,
            _session(installation.sandbox_url) as sandbox,
        ):
            with Story(script, console) as story:
                driver = Driver(
                    script, Product(api), Sandbox(sandbox), SteppedClock(engine), story
                )
                return check(await driver.play())
    finally:
        await engine.dispose()


def _session(url: str, headers: Mapping[str, str] | None = None) -> aiohttp.ClientSession:
    """Connections are given up before the server gives them up."""
    connector = aiohttp.TCPConnector(keepalive_timeout=KEEP_SECONDS)
    return aiohttp.ClientSession(url, headers=headers, connector=connector)
