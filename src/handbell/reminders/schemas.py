"""A forecast as the clients read it."""

from datetime import date, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.messages.types import Reason
from handbell.platform.vocabulary import Channel
from handbell.reminders.forecasting import Forecast

_FORECAST: Final[dict[str, JsonValue]] = {
    "since": "2027-03-01T14:30:00Z",
    "until": "2027-03-03T14:30:00Z",
    "timezone": "America/New_York",
    "messages": 61,
    "not_planned_yet": 4,
    "sends": [{"day": "2027-03-02", "channel": "sms", "sends": 57}],
    "refused": 3,
    "refusals": {"channel_not_allowed": 2, "no_address": 1},
    "delays": {"over_cap": 1},
    "later": 1,
}


class ExpectedOut(BaseModel):
    """Sends of one day on one channel."""

    day: date
    channel: Channel
    sends: int


class ForecastOut(BaseModel):
    """What would happen if nothing changed; days are those of `timezone`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FORECAST]})

    since: datetime
    until: datetime
    timezone: str
    messages: int
    not_planned_yet: int
    sends: list[ExpectedOut]
    refused: int
    refusals: dict[Reason, int]
    delays: dict[Reason, int]
    later: int

    @classmethod
    def of(cls, found: Forecast) -> "ForecastOut":
        return cls.model_validate(found, from_attributes=True)
