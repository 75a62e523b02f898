"""Pauses, lines and breakers as the clients send and read them."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from handbell.channels.types import NewOrders, Pause, PauseScope
from handbell.delivery.pauses.types import NewPause
from handbell.platform.db import OrganizationId
from handbell.platform.instants import GivenInstant
from handbell.platform.lines import Line
from handbell.platform.vocabulary import Channel, Lane

_PAUSE: Final[dict[str, JsonValue]] = {
    "id": 4,
    "is_of_all": False,
    "lane": "marketing",
    "channel": None,
    "line_id": None,
    "new_orders": "hold",
    "reason": "the number is being moved",
    "paused_by": "key:7",
    "paused_at": "2027-03-01T14:30:00Z",
    "until": "2027-03-01T16:00:00Z",
    "ended_at": None,
    "ended_by": None,
}
RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class PauseIn(BaseModel):
    """What to stop: a lane, a channel, a line, or with none of them everything but the urgent
    lane. `until` null: until it is resumed. `new_orders` says whether `POST /comm/schedule` goes
    on to store orders or answers 503."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"lane": "marketing", "reason": "the number is being moved"}]
        },
    )

    reason: Line
    lane: Lane | None = None
    channel: Channel | None = None
    line_id: RowId | None = None
    until: GivenInstant | None = None
    new_orders: NewOrders = NewOrders.HOLD

    @field_validator("lane")
    @classmethod
    def _carries_messages(cls, lane: Lane | None) -> Lane | None:
        if lane is Lane.JOBS:
            raise ValueError("no messages")
        return lane

    def to_new(self, organization_id: OrganizationId) -> NewPause:
        scope = PauseScope(
            organization_id=organization_id,
            lane=self.lane,
            channel=self.channel,
            line_id=self.line_id,
        )
        return NewPause(
            scope=scope, new_orders=self.new_orders, reason=self.reason, until=self.until
        )


class PauseOut(BaseModel):
    """A pause; `is_of_all`: the operator stopped every organisation."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAUSE]})

    id: int
    is_of_all: bool
    lane: Lane | None
    channel: Channel | None
    line_id: int | None
    new_orders: NewOrders
    reason: str
    paused_by: str
    paused_at: datetime
    until: datetime | None
    ended_at: datetime | None
    ended_by: str | None

    @classmethod
    def of(cls, pause: Pause) -> "PauseOut":
        scope = pause.scope
        return cls(
            id=pause.id,
            is_of_all=scope.organization_id is None,
            lane=scope.lane,
            channel=scope.channel,
            line_id=scope.line_id,
            new_orders=pause.new_orders,
            reason=pause.reason,
            paused_by=pause.paused_by,
            paused_at=pause.paused_at,
            until=pause.until_at,
            ended_at=pause.ended_at,
            ended_by=pause.ended_by,
        )


class DrainOut(BaseModel):
    """A pause with how many of the messages that it covers are still on their way, and how many
    are due and wait for its end."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"pause": _PAUSE, "in_flight": 0, "waiting": 128}]}
    )

    pause: PauseOut
    in_flight: int
    waiting: int
