"""Queued messages as the pacing sees them: looked at, and put back when it is not their turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from handbell.platform.db import OrganizationId
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Channel, Lane

_QUEUED: Final = """
SELECT id, channel, lane, address_id FROM messages
WHERE id = ANY($1) AND lifecycle = 'queued' ORDER BY scheduled_at, id
"""
_PUT_BACK: Final = """
WITH held AS MATERIALIZED (
    SELECT id FROM messages WHERE id = ANY($1) AND lifecycle = 'queued'
    ORDER BY scheduled_at, serves_at, id FOR NO KEY UPDATE
)
UPDATE messages SET lifecycle = 'scheduled', leased_until = NULL, scheduled_at = one.due
FROM unnest($1::bigint[], $2::timestamptz[]) AS one(message_id, due), held
WHERE messages.id = one.message_id AND held.id = messages.id AND lifecycle = 'queued'
"""
"""The rows are taken in the order in which claims and opt-outs take them."""
_LEFT_TODAY: Final = """
SELECT count(*) FROM message_attempts a JOIN messages m ON m.id = a.message_id
WHERE a.organization_id = $1 AND m.channel = $2 AND a.started_at >= $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A queued message: what decides on its turn."""

    id: int
    channel: Channel
    lane: Lane
    address_id: int | None


async def queued(direct: Direct, message_ids: Sequence[int]) -> list[Waiting]:
    """Those of the messages that are still queued, the longest due first."""
    return [
        Waiting(
            id=row["id"],
            channel=Channel(row["channel"]),
            lane=Lane(row["lane"]),
            address_id=row["address_id"],
        )
        for row in await direct.rows(_QUEUED, message_ids)
    ]


async def put_back(direct: Direct, due: Sequence[tuple[int, datetime]]) -> None:
    """Let messages be due again at the given instants; nothing else of them changes."""
    if due:
        await direct.rows(_PUT_BACK, [one for one, _ in due], [at for _, at in due])


async def left_since(
    direct: Direct, organization_id: OrganizationId, channel: Channel, since: datetime
) -> int:
    """How many attempts an organisation has made on a channel since an instant."""
    (row,) = await direct.rows(_LEFT_TODAY, organization_id, channel.value, since)
    count: int = row["count"]
    return count
