"""What the operator's commands about pauses and breakers do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from handbell.channels.types import NewOrders, Pause, PauseScope

# allow public-files: the commands show what a request shows
from handbell.delivery.breakers.schemas import BreakerOut

# allow public-files: the commands show what a request shows
from handbell.delivery.pauses.schemas import PauseOut
from handbell.delivery.pauses.types import NewPause
from handbell.entrypoints.bootstrap import Runtime
from handbell.entrypoints.operations import opened
from handbell.platform.db import OrganizationId
from handbell.platform.errors import InvalidError
from handbell.platform.instants import GivenInstant
from handbell.platform.lines import as_name
from handbell.platform.settings import Settings
from handbell.platform.vocabulary import Channel, Lane

OPERATOR: Final = "operator"
_INSTANT: Final[TypeAdapter[datetime]] = TypeAdapter(GivenInstant)
LISTED: Final = 200


class LaneWithoutMessages(InvalidError):
    """Raised for a lane that carries no messages."""

    code = "lane_without_messages"


class InstantUnusable(InvalidError):
    """Raised for an instant of a year that must be a slip."""

    code = "instant_unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseOrder:
    """What an operator stops; without an organisation, all of them."""

    reason: str
    org: int | None = None
    lane: Lane | None = None
    channel: Channel | None = None
    line: int | None = None
    until: datetime | None = None
    refuse: bool = False

    def to_new(self) -> NewPause:
        """Raises `LaneWithoutMessages`, `NameUnusable`, `InstantUnusable`."""
        if self.lane is Lane.JOBS:
            raise LaneWithoutMessages("The lane of jobs carries no messages.")
        scope = PauseScope(
            organization_id=None if self.org is None else OrganizationId(self.org),
            lane=self.lane,
            channel=self.channel,
            line_id=self.line,
        )
        return NewPause(
            scope=scope,
            new_orders=NewOrders.REFUSE if self.refuse else NewOrders.HOLD,
            reason=as_name(self.reason),
            until=_instant(self.until),
        )


def _instant(said: datetime | None) -> datetime | None:
    """The instant, if REST would take it too."""
    try:
        return said and _INSTANT.validate_python(said)
    except ValidationError as wrong:
        raise InstantUnusable(
            "This is no instant of our times. Write it like 2026-12-01T18:00:00-05:00.",
            field="until",
        ) from wrong


async def pause(settings: Settings, order: PauseOrder) -> dict[str, Any]:
    """Stop what the order covers."""
    async with opened(settings) as rt:
        return _shown(await _pause(rt, order))


async def drain(settings: Settings, order: PauseOrder, *, patience: timedelta) -> dict[str, Any]:
    """Stop it, and wait until nothing of it is on its way any more."""
    async with opened(settings) as rt:
        made = await _pause(rt, order)
        left = await rt.pauses.drained(made, patience=patience)
    return {
        "drained": not left.in_flight,
        "in_flight": left.in_flight,
        "waiting": left.waiting,
        **_shown(made),
    }


async def resume(settings: Settings, pause_id: int) -> dict[str, Any]:
    """Let it go on. Raises `PauseNotFound`."""
    async with opened(settings) as rt:
        now = await rt.clock.now()
        return _shown(await rt.pauses.resume(None, pause_id, actor=OPERATOR, now=now))


async def list_pauses(settings: Settings) -> dict[str, Any]:
    """The newest pauses of all organisations."""
    async with opened(settings) as rt:
        found, total = await rt.pauses.list(None, limit=LISTED, offset=0)
    return {"total": total, "pauses": [_shown(one) for one in found]}


def in_words(told: Mapping[str, Any]) -> dict[str, Any]:
    """A line for each of them, by its number."""
    return {f"pause {one['id']}": _sentence(one) for one in told["pauses"]} or {"pauses": "none"}


async def list_breakers(settings: Settings, *, org: int) -> dict[str, Any]:
    """The breakers of the organisation's accounts. Raises `BreakersUnavailable`."""
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        found, total = await rt.breakers.list(organization.id, limit=LISTED, offset=0)
    shown = [BreakerOut.of(one).model_dump(mode="json") for one in found]
    return {"total": total, "breakers": shown}


def breakers_in_words(told: Mapping[str, Any]) -> dict[str, Any]:
    """A line for each account."""
    return {
        f"{one['provider']} account {one['account_id']}": _state(one) for one in told["breakers"]
    } or {"breakers": "none"}


def _state(one: Mapping[str, Any]) -> str:
    now = f"{one['state']}, {one['errors']} errors of {one['calls']} calls in 30 s"
    if one["opened_at"] is None:
        return f"{now}, never opened"
    why = f"{one['opened_errors']} errors of {one['opened_calls']} calls"
    return f"{now}, opened {one['openings']} times, last at {one['opened_at']} at {why}"


async def _pause(rt: Runtime, order: PauseOrder) -> Pause:
    now = await rt.clock.now()
    if order.org is not None:
        await rt.organizations.get(OrganizationId(order.org))
    return await rt.pauses.pause(order.to_new(), actor=OPERATOR, now=now)


def _shown(pause: Pause) -> dict[str, Any]:
    told = PauseOut.of(pause).model_dump(mode="json")
    return {"id": told.pop("id"), "organization_id": pause.scope.organization_id, **told}


def _sentence(one: Mapping[str, Any]) -> str:
    whose = "every organisation" if one["is_of_all"] else f"organisation {one['organization_id']}"
    limits = [one[name] for name in ("lane", "channel") if one[name]]
    limits += [f"line {one['line_id']}"] if one["line_id"] else []
    what = ", ".join(limits) or "everything but urgent"
    ends = f"ended {one['ended_at']}" if one["ended_at"] else f"until {one['until'] or 'resumed'}"
    return f"since {one['paused_at']}, {ends}, {what}, {whose}: {one['reason']}"
