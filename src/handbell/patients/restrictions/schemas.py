"""Restrictions as the clients speak of them."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from handbell.patients.restrictions.service import Restriction
from handbell.platform.vocabulary import Channel

_EXAMPLE: Final[dict[str, JsonValue]] = {"channel": "sms", "address": "+12125550123"}


class RestrictionIn(BaseModel):
    """A way in which the patient is never to be reached. Without an address: the channel."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    channel: Channel
    address: Annotated[str, Field(min_length=1, max_length=254)] | None = None


class RestrictionOut(BaseModel):
    """A restriction; it stands until it is lifted."""

    id: int
    channel: Channel
    address: str | None
    set_at: datetime
    set_by: str
    lifted_at: datetime | None
    lifted_by: str | None

    @classmethod
    def of(cls, one: Restriction) -> "RestrictionOut":
        return cls(
            id=one.id,
            channel=one.channel,
            address=one.address,
            set_at=one.set_at,
            set_by=one.set_by,
            lifted_at=one.lifted_at,
            lifted_by=one.lifted_by,
        )
