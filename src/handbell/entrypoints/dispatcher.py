"""`handbell dispatcher`: the sweeps that somebody has to make. Several may run anywhere."""

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from handbell.entrypoints.bootstrap import Runtime, open_runtime
from handbell.entrypoints.supervisor import stop_on_signals
from handbell.platform.logging import configure_logging
from handbell.platform.settings import Settings

SEAL_EVERY_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Sweep until SIGTERM or Ctrl-C. Raises `SettingMissing`."""
    configure_logging()
    stop = asyncio.Event()
    stop_on_signals(stop)
    runtime = open_runtime(settings)
    try:
        while not stop.is_set():
            await seal(runtime)
            await _rest(stop, SEAL_EVERY_SECONDS)
    finally:
        await runtime.close()


async def seal(runtime: Runtime) -> None:
    """Seal what the audit log has gathered; the newest hash also goes to the log, so that a
    cut tail shows. A database that does not answer is asked again at the next turn."""
    try:
        head = await runtime.audit.seal_once(now=await runtime.clock.now())
    except (OSError, SQLAlchemyError):
        log.warning("audit.seal_postponed")
        return
    if head is not None:
        log.info("audit.sealed", block_no=head.no, hash=head.hash.hex())


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return
