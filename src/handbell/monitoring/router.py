"""`/health/live` says the process runs, `/health/ready` that it can do its work; `/metrics` tells
the figures."""

from hmac import compare_digest
from typing import Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from handbell.monitoring.errors import MetricsOff
from handbell.monitoring.idle import demo_router
from handbell.monitoring.metrics import MetricsService
from handbell.platform.clock import Clock
from handbell.platform.db import Database
from handbell.platform.errors import CredentialRefused
from handbell.platform.http import Bearer, BearerMissing, problems

__all__ = ["demo_router", "health_router", "metrics_router"]


TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_EXAMPLE: Final = 'handbell_queue_depth{lane="care",state="due"} 12.0\n'


class Health(BaseModel):
    """`down` names the parts that do not answer."""

    status: Literal["ok", "unavailable"]
    down: list[str] = []


def health_router(db: Database) -> APIRouter:
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live")
    async def live() -> Health:
        """The process runs and answers."""
        return Health(status="ok")

    @router.get("/ready", responses={503: {"model": Health}})
    async def ready(response: Response) -> Health:
        """The database answers; 503 with the part's name where it does not."""
        if await _answers(db):
            return Health(status="ok")
        response.status_code = 503
        return Health(status="unavailable", down=["database"])

    return router


def metrics_router(metrics: MetricsService, clock: Clock, token: str) -> APIRouter:
    """For a collector that has the token. They are the installation's, not an organisation's, so
    that no organisation's key opens them; and an address is no proof: behind a proxy on the
    same machine every request comes from there."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/metrics",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"example": _EXAMPLE}}},
            **problems(BearerMissing, CredentialRefused, MetricsOff),
        },
    )
    async def tell(bearer: Bearer) -> Response:
        """The installation's figures in Prometheus's text."""
        if not token:
            raise MetricsOff
        if bearer is None:
            raise BearerMissing
        if not compare_digest(bearer.credentials.encode(), token.encode()):
            raise CredentialRefused
        return Response(await metrics.text(now=await clock.now()), media_type=TEXT)

    return router


async def _answers(db: Database) -> bool:
    try:
        async with db.engine_transaction() as tx:
            await tx.execute(text("SELECT 1"))
    except (OSError, SQLAlchemyError):
        return False
    return True
