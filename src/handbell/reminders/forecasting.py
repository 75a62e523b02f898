"""How many messages will leave in the next days, and why others will not."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from handbell.directory import service as directory
from handbell.messages.service import Tally, tally_orders, tally_waiting, with_messages_in
from handbell.messages.types import Reason
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences import service as preferences
from handbell.preferences.types import DEFAULTS, Level
from handbell.reminders import merging, policy
from handbell.reminders.service import to_order

PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Sends of one local day on one channel."""

    day: date
    channel: Channel
    sends: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The next `days` days from `since` on, in the organisation's own zone.

    `messages` were looked at: those that wait, and `not_planned_yet` more that coming visits
    ask for. Each of them is in `sends`, in `refused` or `later`; a message may have several
    reasons.
    """

    since: datetime
    until: datetime
    timezone: str
    messages: int
    not_planned_yet: int
    sends: tuple[Expected, ...]
    refused: int
    refusals: dict[Reason, int]
    delays: dict[Reason, int]
    later: int


class ForecastService:
    """Looks ahead. It plans nothing and stores nothing."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def forecast(
        self, organization_id: OrganizationId, *, days: int, now: datetime
    ) -> Forecast:
        """What would happen in the next 24-hour days if nothing changed."""
        async with self.db.transaction(organization_id) as tx:
            zone = await _zone_of(tx, organization_id)
            until = now + timedelta(days=days)
            tally = Tally(zone=ZoneInfo(zone), until=until)
            await tally_waiting(tx, organization_id, tally, now=now)
            waiting = tally.messages
            await _tally_unplanned(tx, organization_id, tally, now=now)
        return Forecast(
            since=now,
            until=until,
            timezone=zone,
            messages=tally.messages,
            not_planned_yet=tally.messages - waiting,
            sends=tuple(
                Expected(day=day, channel=channel, sends=count)
                for (day, channel), count in sorted(tally.sends.items())
            ),
            refused=tally.refused,
            refusals=dict(tally.refusals.most_common()),
            delays=dict(tally.delays.most_common()),
            later=tally.later,
        )


async def _zone_of(tx: Tx, organization_id: OrganizationId) -> str:
    levels = ((Level.ORGANIZATION, organization_id), (Level.GLOBAL, 0))
    for level, level_id in levels:
        said = await preferences.settings_in(tx, organization_id, level, level_id)
        if said.timezone is not None:
            return said.timezone
    return str(DEFAULTS.timezone)


async def _tally_unplanned(
    tx: Tx, organization_id: OrganizationId, tally: Tally, *, now: datetime
) -> None:
    """Visits to come about which nothing was ever planned, such as those just imported."""
    after = 0
    while visits := await directory.coming_visits_in(tx, now=now, after=after, limit=PAGE):
        after = visits[-1].appointment_id
        known = await with_messages_in(tx, [one.appointment_id for one in visits])
        planned = (
            (visit, one)
            for visit in visits
            if visit.appointment_id not in known
            for one in policy.plan(visit, now=now)
        )
        orders = [to_order(one) for one in merging.merged(planned)]
        await tally_orders(tx, organization_id, orders, tally, now=now)
