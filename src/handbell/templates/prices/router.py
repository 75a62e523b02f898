"""`/comm/message-prices`: what messages cost."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from handbell.access.types import Caller, Scope
from handbell.platform.clock import Clock
from handbell.platform.http import (
    GUARDED,
    REFUSED,
    InvalidRequest,
    PageParams,
    problems,
    require,
    set_page_headers,
)
from handbell.platform.vocabulary import Channel
from handbell.templates.prices.service import PriceService
from handbell.templates.prices.types import Price

_EXAMPLE: dict[str, JsonValue] = {
    "channel": "sms",
    "category": "",
    "effective_on": "2027-01-01",
    "unit_price": "0.0105",
    "currency": "USD",
}


class PriceIn(BaseModel):
    """A price of one's own: of a segment of SMS, of a message elsewhere. `category` is Meta's
    for WhatsApp (`utility`, `marketing`, `authentication`), else empty."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    channel: Channel
    category: Annotated[str, Field(pattern=r"^(utility|marketing|authentication)?$")] = ""
    effective_on: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]
    unit_price: Annotated[Decimal, Field(ge=0, lt=1000, max_digits=10, decimal_places=6)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"


class PriceOut(BaseModel):
    """A price; the organisation's own holds before the list's."""

    channel: Channel
    category: str
    effective_on: date
    unit_price: Decimal
    currency: str
    is_own: bool
    source: str | None


def prices_router(prices: PriceService, clock: Clock) -> APIRouter:
    """Everybody who may read the settings sees prices, administrators set them."""
    router = APIRouter(prefix="/comm/message-prices", tags=["settings"])

    @router.get("", responses=problems(*REFUSED))
    async def list_prices(
        request: Request,
        response: Response,
        caller: Annotated[Caller, require(Scope.SETTINGS_READ)],
        page: PageParams,
    ) -> list[PriceOut]:
        """The list's prices, then one's own, each from its day on."""
        found = await prices.list(caller.organization_id)
        set_page_headers(request, response, page, total=len(found))
        shown = found[page.offset : page.offset + page.limit]
        return [PriceOut.model_validate(one, from_attributes=True) for one in shown]

    @router.put("", responses=problems(*GUARDED, InvalidRequest))
    async def put_price(
        body: PriceIn, caller: Annotated[Caller, require(Scope.ADMIN)]
    ) -> PriceOut:
        """Set one's own price from a day on; the same day again replaces it."""
        price = Price(**body.model_dump(), is_own=True)
        await prices.put(caller.organization_id, price, actor=caller.name, now=await clock.now())
        return PriceOut.model_validate(price, from_attributes=True)

    return router
