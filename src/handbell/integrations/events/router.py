"""`POST /events`: one event or a batch, 202 with a result for each."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, status
from pydantic import BaseModel, ConfigDict

from handbell.integrations.events.envelope import BATCH_LIMIT, NotCloudEvents, parse_body
from handbell.integrations.events.service import EventService, EventStatus
from handbell.platform.clock import Clock
from handbell.platform.http import GUARDED, AuthenticatedCaller, problems

BOOKED: Final = {
    "specversion": "1.0",
    "id": "2",
    "source": "record-system",
    "type": "appointment.booked",
    "data": {
        "id": "a-1",
        "patient_id": "p-1",
        "start": "2027-03-01T09:30:00",
        "timezone": "America/New_York",
    },
}
REQUEST_BODY: Final = {
    "required": True,
    "content": {
        "application/cloudevents+json": {"schema": {"type": "object"}, "example": BOOKED},
        "application/cloudevents-batch+json": {
            "schema": {"type": "array", "items": {"type": "object"}, "maxItems": BATCH_LIMIT},
            "example": [BOOKED],
        },
    },
}
"""The body is read raw, since its form depends on the content type: said here for OpenAPI."""


class ReasonOut(BaseModel):
    """A part of the event that was left out."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    field: str


class EventResultOut(BaseModel):
    """What became of one event; `internal_id` is our id of the thing that it speaks of."""

    model_config = ConfigDict(from_attributes=True)

    event_id: str | None
    status: EventStatus
    code: str | None
    field: str | None
    internal_id: int | None
    reasons: list[ReasonOut]


class EventsOut(BaseModel):
    """One result per event, in the order of the request."""

    results: list[EventResultOut]


def events_router(
    service: EventService, clock: Clock, caller_of: Callable[..., AuthenticatedCaller]
) -> APIRouter:
    """`caller_of` is a FastAPI dependency: it gives a caller who may write events."""
    router = APIRouter(tags=["integrations"])

    @router.post(
        "/events",
        status_code=status.HTTP_202_ACCEPTED,
        responses=problems(NotCloudEvents, *GUARDED),
        openapi_extra={"requestBody": REQUEST_BODY},
    )
    async def take_events(
        request: Request, caller: Annotated[AuthenticatedCaller, Depends(caller_of)]
    ) -> EventsOut:
        """Take CloudEvents 1.0: structured, binary or batch. A repeated id changes nothing."""
        content_type = request.headers.get("content-type", "")
        events = parse_body(content_type, request.headers, await request.body())
        results = await service.take_all(
            caller.organization_id, events, actor=caller.name, now=await clock.now()
        )
        return EventsOut(results=[EventResultOut.model_validate(one) for one in results])

    return router
