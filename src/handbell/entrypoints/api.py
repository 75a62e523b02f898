"""The REST API: every router, behind the same limits, errors and authentication."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import uvicorn
from fastapi import FastAPI

from handbell.access.types import Caller, Scope
from handbell.entrypoints.bootstrap import Runtime, open_runtime
from handbell.integrations.events.router import events_router
from handbell.monitoring.router import health_router
from handbell.platform.http import (
    BodyLimit,
    SecurityHeaders,
    install_authentication,
    install_problems,
    require,
)
from handbell.platform.logging import configure_logging, silence_tracebacks
from handbell.platform.settings import Settings

PREFIX: Final = "/api/v1"
BODY_LIMIT: Final = 5_000_000
"""Bytes; a batch of some thousands of events."""


def create_app(runtime: Runtime) -> FastAPI:
    """Put the application together; it closes the runtime when it stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await runtime.close()

    app = FastAPI(
        title="Handbell",
        summary="Patient outreach for medical practices.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    install_problems(app)
    install_authentication(app, runtime.access, runtime.clock)
    app.add_middleware(BodyLimit, limit=BODY_LIMIT)
    app.add_middleware(SecurityHeaders)
    app.include_router(health_router(runtime.db))
    app.include_router(
        events_router(runtime.events, runtime.clock, caller_who_writes_events),
        prefix=PREFIX,
    )
    return app


def caller_who_writes_events(caller: Annotated[Caller, require(Scope.EVENTS_WRITE)]) -> Caller:
    """A caller whose role may write events."""
    return caller


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serve until stopped."""
    configure_logging()
    silence_tracebacks()
    uvicorn.run(
        create_app(open_runtime(settings)),
        host=host,
        port=port,
        access_log=False,
        log_level="info",
    )
