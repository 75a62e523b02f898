"""Callbacks in the database: stored with the work of applying them, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, case, select, text, update

from handbell.platform import outbox
from handbell.platform.db import OrganizationId, Tx
from handbell.webhooks.tables import WebhookDeliveryRow
from handbell.webhooks.types import Delivery, Kind

APPLY_TOPIC: Final = "webhooks.apply"

_STORE: Final = text(
    """
    WITH stored AS (
        INSERT INTO webhook_deliveries
            (organization_id, provider, kind, digest, raw, token, received_at)
        SELECT * FROM unnest(
            CAST(:organization_ids AS bigint[]), CAST(:providers AS text[]),
            CAST(:kinds AS text[]), CAST(:digests AS bytea[]), CAST(:raws AS bytea[]),
            CAST(:tokens AS text[]), CAST(:instants AS timestamptz[])
        )
        ON CONFLICT (provider, digest) DO NOTHING
        RETURNING id, organization_id, received_at
    ), queued AS (
        INSERT INTO outbox (organization_id, topic, args, created_at, not_before)
        SELECT organization_id, :topic, jsonb_build_object('delivery_id', id),
            received_at, received_at
        FROM stored
    )
    SELECT count(*) FROM stored
    """
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stored:
    """A callback that is to be applied."""

    organization_id: OrganizationId
    kind: Kind
    digest: bytes
    sealed: bytes
    token: str | None
    received_at: datetime


async def put_all(tx: Tx, deliveries: Sequence[Delivery]) -> int:
    """Store callbacks and leave the work of applying them; say how many were new."""
    result = await tx.execute(
        _STORE,
        {
            "topic": APPLY_TOPIC,
            "organization_ids": [one.organization_id for one in deliveries],
            "providers": [one.kind.provider.value for one in deliveries],
            "kinds": [one.kind.value for one in deliveries],
            "digests": [one.digest for one in deliveries],
            "raws": [one.sealed for one in deliveries],
            "tokens": [one.token for one in deliveries],
            "instants": [one.received_at for one in deliveries],
        },
    )
    count: int = result.scalar_one()
    await outbox.wake(tx)
    return count


async def find_unapplied(tx: Tx, delivery_id: int) -> Stored | None:
    """The callback, unless it was applied or given up."""
    return (await find_all_unapplied(tx, [delivery_id])).get(delivery_id)


async def find_all_unapplied(tx: Tx, delivery_ids: Sequence[int]) -> dict[int, Stored]:
    """Those of the callbacks that were neither applied nor given up."""
    statement = select(WebhookDeliveryRow.__table__).where(
        WebhookDeliveryRow.id.in_(delivery_ids),
        WebhookDeliveryRow.applied_at.is_(None),
        WebhookDeliveryRow.problem.is_(None),
    )
    return {row.id: _to_stored(row) for row in await tx.execute(statement)}


def _to_stored(row: Row[Any]) -> Stored:
    return Stored(
        organization_id=OrganizationId(row.organization_id),
        kind=Kind(row.kind),
        digest=row.digest,
        sealed=row.raw,
        token=row.token,
        received_at=row.received_at,
    )


async def mark_applied(tx: Tx, delivery_ids: Sequence[int], *, now: datetime) -> None:
    await tx.execute(
        update(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.id.in_(delivery_ids))
        .values(applied_at=now, attempts=WebhookDeliveryRow.attempts + 1)
    )


async def mark_failed(tx: Tx, delivery_id: int, *, problem: str, limit: int) -> int:
    """Count a failed attempt and give the count; at the limit the problem is written down."""
    attempts = WebhookDeliveryRow.attempts + 1
    statement = (
        update(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.id == delivery_id)
        .values(attempts=attempts, problem=case((attempts >= limit, problem), else_=None))
        .returning(WebhookDeliveryRow.attempts)
    )
    count: int = (await tx.execute(statement)).scalar_one()
    return count
