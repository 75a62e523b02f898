"""The REST API: every router, behind the same limits, errors and authentication."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import uvicorn
from fastapi import APIRouter, FastAPI

from handbell.access.types import Caller, Scope
from handbell.actions.router import links_router
from handbell.actions.service import PageLimiter
from handbell.channels.router import accounts_router
from handbell.delivery.breakers.router import breakers_router
from handbell.delivery.deadletters.router import dead_letters_router
from handbell.delivery.pauses.router import pauses_router
from handbell.delivery.unknowns.router import unknowns_router
from handbell.entrypoints.bootstrap import Runtime, open_runtime
from handbell.inbound.router import inbound_router
from handbell.inbox.router import inbox_router
from handbell.integrations.events.router import events_router
from handbell.messages.previews.router import preview_router
from handbell.messages.router import messages_router
from handbell.monitoring.router import demo_router, health_router, metrics_router
from handbell.patients.consents.router import consents_router
from handbell.patients.relations.router import relations_router
from handbell.patients.restrictions.router import restrictions_router
from handbell.patients.router import patients_router
from handbell.patients.settings.router import organization_router, provider_router
from handbell.platform.http import (
    BodyLimit,
    SecurityHeaders,
    install_authentication,
    install_problems,
    require,
)
from handbell.platform.logging import configure_logging, silence_tracebacks
from handbell.platform.settings import Settings
from handbell.preferences.router import levels_router
from handbell.privacy.router import privacy_router
from handbell.reminders.router import forecast_router
from handbell.scheduling.blackouts.router import blackouts_router
from handbell.staff.router import staff_router
from handbell.templates.approvals.router import approvals_router
from handbell.templates.prices.router import prices_router
from handbell.templates.router import templates_router, variables_router
from handbell.webhooks.router import dead_webhooks_router, relay_router, webhooks_router

PREFIX: Final = "/api/v1"
BODY_LIMIT: Final = 5_000_000
"""Bytes; a batch of some thousands of events."""

STREAMS_END_WITHIN_SECONDS: Final = 3
"""So long a server that stops waits for those who watch; they come again elsewhere."""


def create_app(runtime: Runtime) -> FastAPI:
    """Put the application together; it closes the runtime when it stops."""

    limiter = _open_limiter(runtime)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await runtime.write_accounts()
        yield
        if limiter is not None:
            await limiter.close()
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
    for router in _resources(runtime):
        app.include_router(router, prefix=PREFIX)
    app.include_router(health_router(runtime.db))
    token = runtime.settings.metrics_token.get_secret_value()
    app.include_router(metrics_router(runtime.metrics, runtime.clock, token))
    app.include_router(webhooks_router(runtime.webhooks, runtime.clock))
    app.include_router(links_router(runtime.actions, runtime.clock, limiter))
    if runtime.settings.clock == "simulated":
        app.include_router(demo_router(runtime.db, runtime.clock))
    return app


def _open_limiter(runtime: Runtime) -> PageLimiter | None:
    """What counts how often pages are asked for. Stepped time goes without: its patients click
    all from one address, and have no minutes."""
    settings = runtime.settings
    if settings.clock == "simulated" or not settings.redis_url:
        return None
    return PageLimiter.open(settings.redis_url, runtime.keys)


def _resources(rt: Runtime) -> Iterator[APIRouter]:
    """What stands under `/api/v1`, behind a key or a token."""
    yield events_router(rt.events, rt.clock, caller_who_writes_events)
    yield patients_router(rt.contexts, rt.messages, rt.clock)
    yield consents_router(rt.consent_proofs, rt.consents, rt.clock)
    yield privacy_router(rt.privacy, rt.clock)
    yield messages_router(rt.db, rt.messages, rt.audit, rt.clock)
    yield dead_letters_router(rt.dead_letters, rt.clock)
    yield unknowns_router(rt.unknowns, rt.clock)
    yield forecast_router(rt.forecasts, rt.clock)
    yield templates_router(rt.templates, rt.clock)
    yield variables_router()
    yield approvals_router(rt.approvals, rt.clock)
    yield prices_router(rt.prices, rt.clock)
    yield preview_router(rt.previews, rt.clock)
    yield staff_router(rt.staff, rt.clock)
    yield inbound_router(rt.holds, rt.clock)
    yield inbox_router(rt.inbox, rt.bell, rt.clock)
    yield pauses_router(rt.pauses, rt.clock)
    yield breakers_router(rt.breakers)
    yield accounts_router(rt.provider_accounts, rt.clock)
    yield relay_router(rt.webhooks, rt.clock)
    yield dead_webhooks_router(rt.dead_webhooks, rt.clock)
    yield blackouts_router(rt.blackouts, rt.clock)
    yield organization_router(rt.organization_settings, rt.clock)
    yield relations_router(rt.relations, rt.clock)
    yield restrictions_router(rt.restrictions, rt.clock)
    yield provider_router(rt.provider_settings, rt.clock)
    yield levels_router(rt.preference_levels, rt.clock)


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
        timeout_graceful_shutdown=STREAMS_END_WITHIN_SECONDS,
    )
