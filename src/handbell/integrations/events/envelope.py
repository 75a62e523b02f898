"""CloudEvents 1.0 over HTTP: structured, binary and batch, brought into one shape."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handbell.platform.errors import InvalidError
from handbell.platform.instants import GivenInstant

BATCH_TYPE: Final = "application/cloudevents-batch+json"
STRUCTURED_TYPE: Final = "application/cloudevents+json"
HEADER_PREFIX: Final = "ce-"
BATCH_LIMIT: Final = 1000
VERSION_DIGITS: Final = 18


class NotCloudEvents(InvalidError):
    """The body is not JSON, or not the shape that its content type promises."""

    code = "not_cloudevents"


def _as_version(value: Any) -> int | None:
    """What is not an integer of 64 bits is no version: then the event's time counts."""
    text = str(value)
    is_integer = text.isascii() and text.isdigit() and len(text) <= VERSION_DIGITS
    return int(text) if is_integer else None


Version = Annotated[int | None, BeforeValidator(_as_version)]


class Envelope(BaseModel):
    """The attributes that we read of an event; extensions other than `version` are ignored."""

    model_config = ConfigDict(extra="ignore")

    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=255)
    source: str = Field(min_length=1, max_length=255)
    type: str = Field(min_length=1, max_length=255)
    subject: str | None = Field(default=None, max_length=255)
    time: GivenInstant | None = None
    version: Version = None
    data: dict[str, Any]

    def told_at(self, received_at: datetime) -> datetime:
        """When the source said it; an event without a time is as new as its arrival."""
        return self.time or received_at


def parse_body(content_type: str, headers: Mapping[str, str], body: bytes) -> list[Any]:
    """The events of one request, unjudged. Raises `NotCloudEvents`."""
    media_type = content_type.partition(";")[0].strip().lower()
    content = _json(body)
    if media_type == BATCH_TYPE:
        return _batch(content)
    if media_type == STRUCTURED_TYPE:
        return [content]
    attributes = _attributes(headers)
    if "specversion" in attributes:
        return [{**attributes, "data": content}]
    raise NotCloudEvents("Neither a CloudEvents content type nor ce- headers.", field="headers")


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise NotCloudEvents("The body is not JSON.", field="body") from broken


def _batch(content: Any) -> list[Any]:
    if not isinstance(content, list):
        raise NotCloudEvents("A batch is a list of events.", field="body")
    if len(content) > BATCH_LIMIT:
        raise NotCloudEvents("The batch is too long.", field="body", limit=BATCH_LIMIT)
    return content


def _attributes(headers: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in headers.items()}
    return {
        name.removeprefix(HEADER_PREFIX): value
        for name, value in lowered.items()
        if name.startswith(HEADER_PREFIX)
    }
