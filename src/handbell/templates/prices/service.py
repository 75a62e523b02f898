"""Prices, own ones before the list's, and the cost of a finished text."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.templates.prices import store
from handbell.templates.prices.types import Cost, Price
from handbell.templates.segments import size_of
from handbell.templates.types import TemplateBody


@cache
def list_prices() -> tuple[Price, ...]:
    """The providers' list prices, oldest first."""
    told = yaml.safe_load((files(__package__) / "prices.yaml").read_text("utf-8"))
    found = TypeAdapter(list[Price]).validate_python(told)
    return tuple(sorted(found, key=lambda price: price.effective_on))


async def prices_in(tx: Tx) -> list[Price]:
    """List prices, then the organisation's own: the last one that fits holds."""
    return [*list_prices(), *await store.own_prices(tx)]


def price_on(prices: Iterable[Price], channel: Channel, category: str, day: date) -> Price | None:
    """The price in force: an own one before a list price, of those the newest that has begun."""
    fitting = [
        price
        for price in prices
        if (price.channel, price.category) == (channel, category) and price.effective_on <= day
    ]
    return max(fitting, key=lambda price: (price.is_own, price.effective_on), default=None)


def cost_of(body: TemplateBody, text: str, prices: Iterable[Price], *, on: date) -> Cost | None:
    """What a message with this text costs; None where no price is known."""
    category = body.whatsapp.category.value.lower() if body.whatsapp else ""
    price = price_on(prices, body.channel, category, on)
    if price is None:
        return None
    units = size_of(text).segments if body.channel is Channel.SMS else 1
    return Cost(units=units, amount=units * price.unit_price, currency=price.currency)


class PriceService:
    """The prices of one organisation."""

    def __init__(self, db: Database, audit: AuditService) -> None:
        self.db = db
        self.audit = audit

    async def list(self, organization_id: OrganizationId) -> list[Price]:
        """Every price that is or was in force, the list's first."""
        async with self.db.transaction(organization_id) as tx:
            return await prices_in(tx)

    async def put(
        self, organization_id: OrganizationId, price: Price, *, actor: str, now: datetime
    ) -> None:
        """Set the organisation's own price from a day on."""
        entry = AuditEntry(
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="prices.changed",
            subject={
                "channel": price.channel.value,
                "category": price.category,
                "effective_on": price.effective_on.isoformat(),
            },
        )
        async with self.db.transaction(organization_id) as tx:
            await store.put(tx, organization_id, price, by=actor, now=now)
            await self.audit.record(tx, entry)
