"""`/health/live` says the process runs; `/health/ready` says that it can do its work."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from handbell.monitoring.idle import demo_router
from handbell.platform.db import Database

__all__ = ["demo_router", "health_router"]


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


async def _answers(db: Database) -> bool:
    try:
        async with db.engine_transaction() as tx:
            await tx.execute(text("SELECT 1"))
    except (OSError, SQLAlchemyError):
        return False
    return True
