"""What a trusted relay sends, and given-up callbacks as operators read them."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from handbell.channels.types import Provider
from handbell.webhooks.types import Kind

_Id = Annotated[str, Field(min_length=1, max_length=512)]
_STATUS: Final[dict[str, JsonValue]] = {
    "provider": "twilio",
    "message_id": "SM3fccf7e8ef8bb6df5c1a77f579c5b914",
    "status": "undelivered",
    "timestamp": "2027-03-01T14:30:00Z",
    "event_data": {"code": "30005"},
}
_TEXT: Final[dict[str, JsonValue]] = {
    "provider": "whatsapp",
    "from": "+12125550123",
    "to": "+12025550199",
    "body": "C",
    "timestamp": "2027-03-01T14:30:00Z",
    "message_id": "wamid.HBgLMTIxMjU1NTAxMjMVAgASGBQ",
}
_DEAD: Final[dict[str, JsonValue]] = {
    "id": 31,
    "kind": "whatsapp",
    "received_at": "2027-03-01T14:30:00Z",
    "attempts": 5,
    "problem": "IntegrityError",
}


class EventData(BaseModel):
    """What more is known: the provider's code, the token that we gave with the message, and the
    patient's address. Unknown fields are kept with the request and not read."""

    code: _Id | None = None
    attempt_token: _Id | None = None
    address: _Id | None = None


class RelayedStatusIn(BaseModel):
    """What became of a message: `status` is a word of ours or of the provider's."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STATUS]})

    provider: Provider
    message_id: _Id
    status: Annotated[str, Field(max_length=64)]
    timestamp: AwareDatetime
    event_data: EventData = EventData()


class RelayedTextIn(BaseModel):
    """What a patient wrote; `to` is the number or mailbox of ours that it was written to."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TEXT]})

    provider: Provider
    sender: _Id = Field(alias="from")
    to: _Id
    body: Annotated[str, Field(max_length=10_000)]
    timestamp: AwareDatetime
    message_id: _Id


class DeadWebhookOut(BaseModel):
    """A callback that could not be applied; `problem` is the error's name. What it says of a
    patient is not shown."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_DEAD]})

    id: int
    kind: Kind
    received_at: datetime
    attempts: int
    problem: str
