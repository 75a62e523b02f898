"""Blackouts as the clients speak of them."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from handbell.platform.instants import GivenInstant
from handbell.platform.lines import Line
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.blackouts.types import BlackoutClass, BlackoutDraft, BlackoutView

_EMERGENCY: Final[dict[str, JsonValue]] = {
    "starts_at": "2027-08-28T12:00:00Z",
    "ends_at": "2027-09-04T12:00:00Z",
    "state": "LA",
    "message_class": "marketing",
    "reason": "The governor declared a state of emergency.",
}

Place = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class BlackoutIn(BaseModel):
    """Nothing of the kind leaves from `starts_at` until before `ends_at`.

    What is left out means any: without state, country, channel and class nothing leaves at all
    but emergencies and answers to a patient's own message.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EMERGENCY]})

    starts_at: GivenInstant
    ends_at: GivenInstant
    state: Place | None = None
    country: Place | None = None
    channel: Channel | None = None
    message_class: BlackoutClass | None = None
    reason: Line

    def to_draft(self) -> BlackoutDraft:
        """Raises `InvalidBlackout`."""
        return BlackoutDraft(
            starts_at=self.starts_at.astimezone(UTC),
            ends_at=self.ends_at.astimezone(UTC),
            state=self.state,
            country=self.country,
            channel=self.channel,
            message_class=self.message_class,
            reason=self.reason,
        )


class BlackoutOut(BaseModel):
    """A blackout. `is_everywhere`: it holds for every organisation of the installation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _EMERGENCY
                | {
                    "id": 3,
                    "country": None,
                    "channel": None,
                    "is_everywhere": False,
                    "entered_by": "hb_3629a23c",
                    "entered_at": "2027-08-27T20:15:00Z",
                    "changed_at": "2027-08-27T20:15:00Z",
                }
            ]
        }
    )

    id: int
    starts_at: datetime
    ends_at: datetime
    state: str | None
    country: str | None
    channel: Channel | None
    message_class: MessageClass | None
    reason: str
    is_everywhere: bool
    entered_by: str
    entered_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, view: BlackoutView) -> "BlackoutOut":
        one = view.blackout
        return cls(
            id=one.id,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            state=one.state,
            country=one.country,
            channel=one.channel,
            message_class=one.message_class,
            reason=view.reason,
            is_everywhere=view.is_everywhere,
            entered_by=view.entered_by,
            entered_at=view.entered_at,
            changed_at=view.changed_at,
        )
