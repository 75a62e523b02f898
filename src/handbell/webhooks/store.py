"""Callbacks in the database: stored with the work of applying them, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, func, select, update

from handbell.platform import outbox
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Lane
from handbell.webhooks.tables import WebhookDeliveryRow
from handbell.webhooks.types import DeadWebhook, Delivery, Kind

APPLY_TOPIC: Final = "webhooks.apply"

_STORE: Final = f"""
WITH stored AS (
    INSERT INTO webhook_deliveries
        (organization_id, provider, kind, digest, raw, token, received_at)
    SELECT * FROM unnest(
        $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[],
        $8::timestamptz[]
    )
    ON CONFLICT (provider, digest) DO NOTHING
    RETURNING id, organization_id, received_at
), queued AS (
    INSERT INTO outbox (organization_id, topic, args, created_at, not_before)
    SELECT organization_id, $1, jsonb_build_object('delivery_id', id), received_at, received_at
    FROM stored
)
SELECT count(*), pg_notify('{outbox.WAKE}', '{Lane.JOBS.value}') FROM stored
"""  # noqa: S608 - constants of ours only
_FIND_UNAPPLIED: Final = """
SELECT id, organization_id, kind, digest, raw, token, received_at, parked
FROM webhook_deliveries
WHERE id = ANY($1) AND applied_at IS NULL AND problem IS NULL
"""
_FIND_DELIVERY: Final = """
SELECT id, organization_id FROM webhook_deliveries WHERE provider = $1 AND digest = $2
"""
_MARK_APPLIED: Final = """
UPDATE webhook_deliveries SET applied_at = $2, attempts = attempts + 1 WHERE id = ANY($1)
"""
_PARK: Final = """
WITH parked AS (
    UPDATE webhook_deliveries SET parked = parked + 1 WHERE id = $2
    RETURNING id, organization_id
)
INSERT INTO outbox (organization_id, topic, args, created_at, not_before)
SELECT organization_id, $1, jsonb_build_object('delivery_id', id), $3, $4 FROM parked
"""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stored:
    """A callback that is to be applied."""

    organization_id: OrganizationId
    kind: Kind
    digest: bytes
    sealed: bytes
    token: str | None
    received_at: datetime
    parked: int


async def put_all(direct: Direct, deliveries: Sequence[Delivery]) -> None:
    """Store callbacks and leave the work of applying them, in a transaction of its own."""
    await direct.rows(_STORE, *_columns(deliveries))


async def put_in(tx: Tx, delivery: Delivery) -> bool:
    """The same for one inside another use case; say whether it was new."""
    stored = await tx.exec_driver_sql(_STORE, _columns([delivery]))
    return bool(stored.one().count)


def _columns(deliveries: Sequence[Delivery]) -> tuple[Any, ...]:
    return (
        APPLY_TOPIC,
        [one.organization_id for one in deliveries],
        [one.kind.source for one in deliveries],
        [one.kind.value for one in deliveries],
        [one.digest for one in deliveries],
        [one.sealed for one in deliveries],
        [one.token for one in deliveries],
        [one.received_at for one in deliveries],
    )


async def find_unapplied(direct: Direct, delivery_ids: Sequence[int]) -> dict[int, Stored]:
    """Those of the callbacks that were neither applied nor given up."""
    return {
        row["id"]: Stored(
            organization_id=OrganizationId(row["organization_id"]),
            kind=Kind(row["kind"]),
            digest=row["digest"],
            sealed=row["raw"],
            token=row["token"],
            received_at=row["received_at"],
            parked=row["parked"],
        )
        for row in await direct.rows(_FIND_UNAPPLIED, delivery_ids)
    }


async def find_delivery(
    direct: Direct, kind: Kind, digest: bytes
) -> tuple[OrganizationId, int] | None:
    """Whose a stored callback is, and its id."""
    rows = await direct.rows(_FIND_DELIVERY, kind.source, digest)
    return (OrganizationId(rows[0]["organization_id"]), rows[0]["id"]) if rows else None


async def mark_applied(direct: Direct, delivery_ids: Sequence[int], *, now: datetime) -> None:
    await direct.rows(_MARK_APPLIED, delivery_ids, now)


async def park(direct: Direct, delivery_id: int, *, until: datetime, now: datetime) -> None:
    """Keep it unapplied, and leave the work of applying it again later."""
    await direct.rows(_PARK, APPLY_TOPIC, delivery_id, now, until)


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


_IS_DEAD: Final = WebhookDeliveryRow.problem.is_not(None) & WebhookDeliveryRow.applied_at.is_(None)


async def list_dead(tx: Tx, *, limit: int, offset: int) -> tuple[list[DeadWebhook], int]:
    """What was given up, newest first, and how many there are in all."""
    total: int = (
        await tx.execute(select(func.count()).select_from(WebhookDeliveryRow).where(_IS_DEAD))
    ).scalar_one()
    row = WebhookDeliveryRow
    statement = (
        select(row.id, row.kind, row.received_at, row.attempts, row.problem)
        .where(_IS_DEAD)
        .order_by(row.received_at.desc(), row.id.desc())
        .limit(limit)
        .offset(offset)
    )
    found = [
        DeadWebhook(
            id=one.id,
            kind=Kind(one.kind),
            received_at=one.received_at,
            attempts=one.attempts,
            problem=one.problem,
        )
        for one in await tx.execute(statement)
    ]
    return found, total


async def revive(tx: Tx, delivery_id: int) -> bool:
    """Take a callback back that was given up; say whether there was one."""
    statement = (
        update(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.id == delivery_id, _IS_DEAD)
        .values(attempts=0, problem=None)
        .returning(WebhookDeliveryRow.id)
    )
    return (await tx.execute(statement)).one_or_none() is not None
