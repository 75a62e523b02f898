"""Mints links and finds them again; the only way to them from outside."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from handbell.links import store
from handbell.links.tokens import new_token, stored_hash
from handbell.links.types import Link, LinkKind, LinkOrder
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx

__all__ = ["add_try_in", "count_tries_in", "find", "lock_in", "mint_in", "spend_in"]

CARE_LIVES: Final = timedelta(hours=24)
"""R7.9: what shows or changes something about care lives a day at most."""
UNSUBSCRIBE_LIVES: Final = timedelta(days=60)
"""CAN-SPAM asks for 30 days at least."""

add_try_in = store.add_try
count_tries_in = store.count_tries
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
    tokens = [new_token(keys) for _ in orders]
    if orders:
        rows = [
            {
                "organization_id": organization_id,
                "token_hash": token_hash,
                "expires_at": now + _lifetime(order.kind),
                "created_at": now,
                **asdict(order),
            }
            for (_, token_hash), order in zip(tokens, orders, strict=True)
        ]
        await store.insert_many(tx, rows)
    return [_path(order, token) for (token, _), order in zip(tokens, orders, strict=True)]


async def find(db: Database, keys: KeyRing, token: str) -> Link | None:
    """The link of a token, whoever's it is; None for what was never minted.

    What no key of ours signed costs no query.
    """
    token_hash = stored_hash(keys, token)
    if token_hash is None:
        return None
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
