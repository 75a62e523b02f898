"""Hands due messages out and takes back what nobody finished. It decides nothing."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import text

from handbell.channels.service import is_paused
from handbell.delivery.types import SHARE, Due, Leased
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.direct import Direct
from handbell.platform.leases import ENDED, UNTIL
from handbell.platform.vocabulary import Channel, Lane

ROOM: Final = 2_000
"""Messages of one lane that are out at once, so that a lease never ends in the queue."""
GROUP: Final = 32
"""Messages of one job; a worker has them in flight together."""
CHANNELS: Final = [channel.value for channel in Channel]
_PAUSED: Final = is_paused(
    organization_id="organizations.id", lane="$2", channel="asked.channel", now="$3"
)

_LEASE: Final = f"""
WITH free AS (
    SELECT greatest(0, $1 - count(*)) AS n FROM messages
    WHERE lifecycle = 'queued' AND lane = $2
), turns AS (
    SELECT id, running.channels FROM organizations CROSS JOIN LATERAL (
        SELECT array_agg(channel) AS channels FROM unnest($6::text[]) AS asked(channel)
        WHERE NOT {_PAUSED}
    ) running
    WHERE running.channels IS NOT NULL AND EXISTS (
        SELECT 1 FROM messages m
        WHERE m.lane = $2 AND m.organization_id = organizations.id
          AND m.lifecycle = 'scheduled' AND m.scheduled_at <= $3
    )
    ORDER BY id <= $4, id
), due AS (
    SELECT m.id FROM turns CROSS JOIN LATERAL (
        SELECT id FROM messages
        WHERE lane = $2 AND organization_id = turns.id AND channel = ANY(turns.channels)
          AND lifecycle = 'scheduled' AND scheduled_at <= $3
        ORDER BY scheduled_at, serves_at LIMIT $5
        FOR UPDATE SKIP LOCKED
    ) m
    LIMIT (SELECT n FROM free)
)
UPDATE messages SET lifecycle = 'queued', leased_until = {UNTIL}
FROM due WHERE messages.id = due.id
RETURNING messages.id, messages.organization_id, messages.channel,
    messages.scheduled_at, messages.serves_at
"""  # noqa: S608 - constants of ours only
_REQUEUE: Final = f"""
UPDATE messages SET lifecycle = 'scheduled', leased_until = NULL
WHERE lifecycle = 'queued' AND {ENDED}
"""  # noqa: S608
_LOST: Final = f"""
UPDATE messages SET leased_until = NULL, reasons = '{{}}', changed_at = :now,
    lifecycle = CASE WHEN EXISTS (
        SELECT 1 FROM message_attempts a JOIN message_events e ON e.attempt_id = a.id
        WHERE a.message_id = messages.id AND a.outcome IS NULL
    ) THEN 'accepted' ELSE 'unknown' END,
    sent_at = coalesce(sent_at, :now)
WHERE lifecycle = 'sending' AND {ENDED}
RETURNING id
"""  # noqa: S608
_LOST_ATTEMPTS: Final = """
UPDATE message_attempts SET outcome = 'unknown', code = 'worker_lost', finished_at = :now
WHERE outcome IS NULL AND message_id = ANY(:ids)
RETURNING organization_id, id
"""

_NO_VISIT: Final = datetime.max.replace(tzinfo=UTC)

_HAS_DUE: Final = f"""
SELECT 'outbox' AS place WHERE EXISTS (
    SELECT 1 FROM outbox
    WHERE not_before <= $1 AND (leased_until IS NULL OR {ENDED})
)
UNION ALL
SELECT lane FROM unnest($2::text[]) AS asked(lane)
WHERE EXISTS (
    SELECT 1 FROM organizations CROSS JOIN LATERAL (
        SELECT 1 FROM messages
        WHERE messages.lane = asked.lane AND organization_id = organizations.id
          AND lifecycle = 'scheduled' AND scheduled_at <= $1
        LIMIT 1
    ) due
)
"""  # noqa: S608


async def look(direct: Direct, *, now: datetime) -> Due:
    """Say where something is due, in one statement: it is asked all the time."""
    rows = await direct.rows(_HAS_DUE, now, [lane.value for lane in Lane])
    found = {row["place"] for row in rows}
    lanes = tuple(lane for lane in Lane if lane.value in found)
    return Due(lanes=lanes, has_work="outbox" in found)


async def lease_due(direct: Direct, lane: Lane, *, after: int, now: datetime) -> list[Leased]:
    """Lease what is due in a lane, organisations in turn, beginning behind `after`.

    Of what is due since the same instant, such as the opening of a window, the soonest visit
    leaves first; what no visit waits for comes last. What people have paused is not seen.
    """
    rows = await direct.rows(_LEASE, ROOM, lane.value, now, after, SHARE, CHANNELS)
    grouped: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row in sorted(rows, key=_turn):
        grouped[row["organization_id"], row["channel"]].append(row["id"])
    return [
        Leased(
            organization_id=OrganizationId(organization_id),
            channel=Channel(channel),
            lane=lane,
            message_ids=ids,
        )
        for (organization_id, channel), all_ids in sorted(grouped.items())
        for ids in _in_groups(all_ids)
    ]


def _turn(row: Any) -> tuple[datetime, datetime, int]:
    return row["scheduled_at"], row["serves_at"] or _NO_VISIT, row["id"]


def _in_groups(ids: list[int]) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(ids), GROUP):
        yield tuple(ids[start : start + GROUP])


async def sweep(tx: Tx, *, now: datetime) -> list[tuple[OrganizationId, int]]:
    """Take back ended leases. What was being sent has an unknown outcome and is never sent
    again blindly; give the organisations and ids of those attempts."""
    await tx.execute(text(_REQUEUE))
    lost: list[Any] = list((await tx.execute(text(_LOST), {"now": now})).scalars())
    if not lost:
        return []
    attempts = await tx.execute(text(_LOST_ATTEMPTS), {"now": now, "ids": lost})
    return [(OrganizationId(row.organization_id), row.id) for row in attempts]
