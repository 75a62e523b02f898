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
    organization_id="organizations.id", lane="$1", channel="asked.channel", now="$2"
)

_LEASE: Final = f"""
WITH held AS (
    SELECT organization_id, count(*) AS n FROM messages
    WHERE lifecycle = 'queued' AND lane = $1 GROUP BY 1
), free AS (
    SELECT greatest(0, {ROOM} - coalesce(sum(n), 0)) AS n FROM held
), turns AS (
    SELECT id, running.channels, {SHARE} - coalesce(held.n, 0) AS room,
        row_number() OVER (ORDER BY id <= $3, id) AS turn
    FROM organizations LEFT JOIN held ON held.organization_id = organizations.id
    CROSS JOIN LATERAL (
        SELECT array_agg(channel) AS channels FROM unnest($4::text[]) AS asked(channel)
        WHERE NOT {_PAUSED}
    ) running
    WHERE coalesce(held.n, 0) < {SHARE} AND running.channels IS NOT NULL AND EXISTS (
        SELECT 1 FROM messages m
        WHERE m.lane = $1 AND m.organization_id = organizations.id
          AND m.lifecycle = 'scheduled' AND m.scheduled_at <= $2
    )
), part AS (
    SELECT greatest({GROUP}, (SELECT n FROM free) / greatest(1, count(*))) AS n FROM turns
), due AS (
    SELECT m.id, one.turn FROM (SELECT * FROM turns ORDER BY turn) one CROSS JOIN LATERAL (
        SELECT id FROM messages
        WHERE lane = $1 AND organization_id = one.id AND channel = ANY(one.channels)
          AND lifecycle = 'scheduled' AND scheduled_at <= $2
        ORDER BY scheduled_at, serves_at LIMIT least(one.room, (SELECT n FROM part))
        FOR UPDATE SKIP LOCKED
    ) m
    LIMIT (SELECT n FROM free)
)
UPDATE messages SET lifecycle = 'queued', leased_until = {UNTIL}
FROM due WHERE messages.id = due.id
RETURNING messages.id, messages.organization_id, messages.channel,
    messages.scheduled_at, messages.serves_at, due.turn
"""  # noqa: S608 - constants of ours only
"""What an organisation has out counts against its share: what another has due later waits
behind no more than that. Where not all shares fit in, everybody gets a part, a group at least."""
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


async def lease_due(
    direct: Direct, lane: Lane, *, after: int, now: datetime
) -> tuple[list[Leased], int]:
    """Lease what is due in a lane, organisations in turn, beginning behind `after`; give a group
    of each, then the next of each, and the organisation whose turn was the last.

    Of what is due since the same instant, such as the opening of a window, the soonest visit
    leaves first; what no visit waits for comes last. What people have paused is not seen.
    """
    rows = await direct.rows(_LEASE, lane.value, now, after, CHANNELS)
    grouped: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    for row in sorted(rows, key=_soonest):
        grouped[row["turn"], row["organization_id"], row["channel"]].append(row["id"])
    in_rounds = sorted(
        (no, *whose, ids)
        for whose, all_ids in grouped.items()
        for no, ids in enumerate(_in_groups(all_ids))
    )
    leased = [
        Leased(
            organization_id=OrganizationId(organization_id),
            channel=Channel(channel),
            lane=lane,
            message_ids=ids,
        )
        for _, _, organization_id, channel, ids in in_rounds
    ]
    return leased, max(grouped, default=(0, after, ""))[1]


def _soonest(row: Any) -> tuple[datetime, datetime, int]:
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
