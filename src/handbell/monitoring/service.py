"""What waits in each lane: counts over all organisations, without what people have paused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from handbell.channels.service import is_paused
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Channel, Lane

CHANNELS: Final = [channel.value for channel in Channel]
LANES: Final = [lane.value for lane in Lane if lane is not Lane.JOBS]

RUNNING: Final = f"""(
    SELECT array_agg(channel) AS channels FROM unnest($3::text[]) AS asked(channel)
    WHERE NOT {
    is_paused(
        organization_id="organizations.id",
        lane="asked_lane.lane",
        channel="asked.channel",
        now="$1",
    )
}
)"""  # noqa: S608 - names of ours only
"""The channels of one organisation and lane that nobody has paused: `$1` is now, `$3` all."""
_WAITING: Final = f"""
SELECT asked_lane.lane, coalesce(sum(due.n), 0)::bigint AS due, min(due.first) AS first,
    coalesce(sum(out.queued), 0)::bigint AS queued,
    coalesce(sum(out.sending), 0)::bigint AS sending
FROM unnest($2::text[]) AS asked_lane(lane)
CROSS JOIN organizations
CROSS JOIN LATERAL {RUNNING} running
CROSS JOIN LATERAL (
    SELECT count(*) AS n, min(scheduled_at) AS first FROM messages
    WHERE lifecycle = 'scheduled' AND messages.lane = asked_lane.lane
      AND organization_id = organizations.id AND scheduled_at <= $1
      AND channel = ANY(running.channels)
) AS due
LEFT JOIN (
    SELECT lane, organization_id,
        count(*) FILTER (WHERE lifecycle = 'queued') AS queued,
        count(*) FILTER (WHERE lifecycle = 'sending') AS sending
    FROM messages WHERE lifecycle IN ('queued', 'sending') GROUP BY 1, 2
) AS out ON out.lane = asked_lane.lane AND out.organization_id = organizations.id
GROUP BY 1
"""  # noqa: S608
_OUTBOX: Final = """
SELECT count(*) FILTER (WHERE leased_until IS NULL) AS due,
    count(*) FILTER (WHERE leased_until IS NOT NULL) AS queued, min(not_before) AS first
FROM outbox WHERE not_before <= $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits in a lane: due and with nobody, handed out, and being sent. `age` is how long
    the longest of what is with nobody has been due."""

    due: int
    queued: int
    sending: int
    age: timedelta

    @property
    def depth(self) -> int:
        """Everything that no worker has begun."""
        return self.due + self.queued


async def backlogs(direct: Direct, *, now: datetime) -> Mapping[Lane, Backlog]:
    """The backlog of every lane; that of the jobs is the outbox."""
    rows = await direct.rows(_WAITING, now, LANES, CHANNELS)
    found = {
        Lane(row["lane"]): Backlog(
            due=row["due"],
            queued=row["queued"],
            sending=row["sending"],
            age=_since(row["first"], now=now),
        )
        for row in rows
    }
    (jobs,) = await direct.rows(_OUTBOX, now)
    nothing = Backlog(due=0, queued=0, sending=0, age=timedelta())
    found[Lane.JOBS] = Backlog(
        due=jobs["due"], queued=jobs["queued"], sending=0, age=_since(jobs["first"], now=now)
    )
    return {lane: found.get(lane, nothing) for lane in Lane}


def _since(first: datetime | None, *, now: datetime) -> timedelta:
    return timedelta() if first is None else max(timedelta(), now - first)
