"""`/comm/forecast`: what will leave in the next days, and why other messages will not."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from handbell.access.types import Caller, Scope
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, problems, require
from handbell.reminders.forecasting import ForecastService
from handbell.reminders.schemas import ForecastOut

Reader = Annotated[Caller, require(Scope.MESSAGES_READ)]
MOST_DAYS: Final = 60
Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="How many days to look ahead.")]


def forecast_router(forecasts: ForecastService, clock: Clock) -> APIRouter:
    """It shows counts and no patient, so no read is recorded."""
    router = APIRouter(prefix="/comm", tags=["messages"])

    @router.get("/forecast", responses=problems(*REFUSED))
    async def read_forecast(caller: Reader, days: Days = 7) -> ForecastOut:
        """Sends per day and channel if nothing changed, with the reasons of what will not go."""
        now = await clock.now()
        return ForecastOut.of(await forecasts.forecast(caller.organization_id, days=days, now=now))

    return router
