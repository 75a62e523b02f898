"""An organisation's own prices in the database."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.templates.prices.types import Price
from handbell.templates.tables import MessagePriceRow


async def put(
    tx: Tx, organization_id: OrganizationId, price: Price, *, by: str, now: datetime
) -> None:
    """Set a price from a day on; the same day again replaces it."""
    new = insert(MessagePriceRow).values(
        organization_id=organization_id,
        channel=price.channel,
        category=price.category,
        effective_on=price.effective_on,
        unit_price=price.unit_price,
        currency=price.currency,
        set_at=now,
        set_by=by,
    )
    told = ("unit_price", "currency", "set_at", "set_by")
    await tx.execute(
        new.on_conflict_do_update(
            constraint="uq_message_prices_effective_on",
            set_={name: new.excluded[name] for name in told},
        )
    )


async def own_prices(tx: Tx) -> list[Price]:
    """All that the organisation of the transaction has set, oldest first."""
    row = MessagePriceRow
    found = await tx.execute(
        select(row.channel, row.category, row.effective_on, row.unit_price, row.currency).order_by(
            row.effective_on, row.id
        )
    )
    return [
        Price(
            channel=Channel(one.channel),
            category=one.category,
            effective_on=one.effective_on,
            unit_price=one.unit_price,
            currency=one.currency,
            is_own=True,
        )
        for one in found
    ]
