"""Stored callbacks that name an address: their raw bodies go with the patient.

They are encrypted with the deployment's key, because it was not known whose they were when they
came in; so each is opened and searched. A callback that is still to be applied is kept: it may
be a STOP. The digest stays, and a repetition of the request is known as one.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from sqlalchemy import Row, select, update

from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx
from handbell.webhooks.service import open_raw
from handbell.webhooks.tables import WebhookDeliveryRow

PAGE: Final = 500


async def wipe(tx: Tx, keys: KeyRing, addresses: Iterable[str]) -> int:
    """Empty every applied callback of the organisation that names one of the addresses; say
    how many were."""
    needles = [form for address in addresses for form in _forms(address)]
    wiped, after = 0, 0
    while page := await _page(tx, after=after):
        after = page[-1].id
        named = [row.id for row in page if _names(row, keys, needles)]
        wiped += len(named)
        await tx.execute(
            update(WebhookDeliveryRow).where(WebhookDeliveryRow.id.in_(named)).values(raw=b"")
        )
    return wiped


async def _page(tx: Tx, *, after: int) -> Sequence[Row[int, bytes, bytes]]:
    statement = (
        select(WebhookDeliveryRow.id, WebhookDeliveryRow.digest, WebhookDeliveryRow.raw)
        .where(
            WebhookDeliveryRow.id > after,
            WebhookDeliveryRow.applied_at.is_not(None),
            WebhookDeliveryRow.raw != b"",
        )
        .order_by(WebhookDeliveryRow.id)
        .limit(PAGE)
    )
    return (await tx.execute(statement)).all()


def _names(row: Row[int, bytes, bytes], keys: KeyRing, needles: Sequence[bytes]) -> bool:
    raw = open_raw(keys, row.digest, row.raw).lower()
    return any(needle in raw for needle in needles)


def _forms(address: str) -> tuple[bytes, ...]:
    """An address as it stands in forms and in JSON; a number without its plus covers both."""
    plain = address.lower().removeprefix("+")
    return plain.encode(), quote(plain, safe="").lower().encode()
