"""How fast an organisation's lines may send: their tiers, and what overrides them."""

from collections.abc import Collection
from decimal import Decimal
from typing import Final

import asyncpg

from handbell.channels.tiers import UNLIMITED, default_tier, tiers
from handbell.channels.types import Line, LinePace, Provider
from handbell.platform.db import OrganizationId
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Channel

_FIND: Final = """
SELECT l.id, l.organization_id, l.account_id, l.channel, l.address, l.reference, l.tier,
    l.rate_per_second, l.daily_cap, a.provider,
    a.rate_per_second AS account_rate, a.daily_cap AS account_cap
FROM sender_lines l JOIN provider_accounts a ON a.id = l.account_id
WHERE l.organization_id = $1
ORDER BY l.id
"""


async def paces(
    direct: Direct, organization_id: OrganizationId, *, pretended: Collection[Provider]
) -> list[LinePace]:
    """Every line of the organisation. Of a provider that is only pretended, lines without a
    tier have no limits."""
    rows = await direct.rows(_FIND, organization_id)
    return [_to_pace(row, pretended) for row in rows]


def _to_pace(row: asyncpg.Record, pretended: Collection[Provider]) -> LinePace:
    provider = Provider(row["provider"])
    usual = UNLIMITED if provider in pretended else default_tier(provider, row["address"])
    name = row["tier"] or usual
    tier = tiers()[name]
    return LinePace(
        line=Line(
            id=row["id"],
            organization_id=OrganizationId(row["organization_id"]),
            account_id=row["account_id"],
            channel=Channel(row["channel"]),
            address=row["address"],
            reference=row["reference"],
        ),
        provider=provider,
        tier=name,
        rate=_number(row["rate_per_second"]) or tier.units_per_second,
        daily_cap=row["daily_cap"] or tier.daily_cap,
        account_rate=_number(row["account_rate"]),
        account_cap=row["account_cap"],
        day_zone=tier.day_zone,
        recipient=tier.recipient,
    )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
