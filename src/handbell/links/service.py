"""Mints links and finds them again; the only way to them from outside."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from handbell.links import store
from handbell.links.types import Link, LinkKind, LinkOrder
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx

__all__ = ["find", "lock_in", "mint_in", "spend_in"]

CARE_LIVES: Final = timedelta(hours=24)
"""R7.9: what shows or changes something about care lives a day at most."""
UNSUBSCRIBE_LIVES: Final = timedelta(days=60)
"""CAN-SPAM asks for 30 days at least."""
TOKEN_BYTES: Final = 16
"""128 random bits: no guessing, and short enough for a text message."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")

lock_in = store.lock
spend_in = store.spend


async def mint_in(
    tx: Tx,
    organization_id: OrganizationId,
    keys: KeyRing,
    orders: Sequence[LinkOrder],
    *,
    now: datetime,
) -> list[str]:
    """Make links and give their paths in the order asked for. A token is shown here only."""
    tokens = [secrets.token_urlsafe(TOKEN_BYTES) for _ in orders]
    if orders:
        rows = [
            {
                "organization_id": organization_id,
                "token_hash": keys.token_hash(token),
                "expires_at": now + _lifetime(order.kind),
                "created_at": now,
                **asdict(order),
            }
            for token, order in zip(tokens, orders, strict=True)
        ]
        await store.insert_many(tx, rows)
    return [_path(order, token) for token, order in zip(tokens, orders, strict=True)]


async def find(db: Database, keys: KeyRing, token: str) -> Link | None:
    """The link of a token, whoever's it is; None for what was never minted.

    What has not the form of a token costs no query.
    """
    if _TOKEN.fullmatch(token) is None:
        return None
    token_hash = keys.token_hash(token)
    organization_id = await store.find_organization(db.direct, token_hash)
    if organization_id is None:
        return None
    async with db.transaction(organization_id) as tx:
        return await store.find(tx, token_hash)


def _lifetime(kind: LinkKind) -> timedelta:
    return UNSUBSCRIBE_LIVES if kind is LinkKind.UNSUBSCRIBE else CARE_LIVES


def _path(order: LinkOrder, token: str) -> str:
    place = "u" if order.kind is LinkKind.UNSUBSCRIBE else "l"
    return f"/{place}/{token}"
