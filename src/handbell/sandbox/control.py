"""The sandbox's own API, `/_sandbox/*`: what was received, and what happens next."""

import json
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse, Response

from handbell.platform.vocabulary import Channel
from handbell.sandbox.delivery import Courier
from handbell.sandbox.faults import Fault
from handbell.sandbox.types import Received, Reply, Written
from handbell.sandbox.world import World


class ReplyIn(BaseModel):
    """A patient's message, now. `to` is the practice's line; by default the sandbox's own."""

    model_config = ConfigDict(populate_by_name=True)

    channel: Channel
    sender: str = Field(alias="from")
    to: str = ""
    body: str


_Rate = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0)]
_Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


class FaultIn(BaseModel):
    """What a provider does wrong from now on; `faults.Fault` says what each means."""

    model_config = ConfigDict(extra="forbid")

    provider: Literal["twilio", "sendgrid", "whatsapp"]
    latency_ms: _Milliseconds = 0
    status_429: _Count = 0
    status_503: _Count = 0
    lost: _Count = 0
    seed: int = 0
    rate_slow: _Rate = 0
    slow_ms: _Milliseconds = 0
    rate_5xx: _Rate = 0
    rate_drop: _Rate = 0
    rate_callback_lost: _Rate = 0
    rate_callback_doubled: _Rate = 0
    rate_callback_late: _Rate = 0
    callback_late_ms: _Milliseconds = 0
    list_lag_ms: Annotated[int, Field(ge=0, le=30_000)] = 0
    rate_list_fails: _Rate = 0


class TemplateIn(BaseModel):
    """The text of an approved WhatsApp template, with `{{1}}` or `{{name}}` for parameters."""

    name: str
    language: str
    body: str


class NumberIn(BaseModel):
    """A further number of the account. `sender` is what a client sends from: the number itself,
    or WhatsApp's id of it."""

    sender: str
    number: str


class ReleaseIn(BaseModel):
    """Everything due up to and including `until`."""

    until: AwareDatetime


def control_router(world: World, courier: Courier) -> APIRouter:
    router = APIRouter(prefix="/_sandbox")
    _add_reading(router, world)
    _add_setting(router, world)

    @router.post("/replies")
    async def reply(body: ReplyIn) -> dict[str, bool]:
        config = world.config
        own = config.whatsapp_number if body.channel is Channel.WHATSAPP else config.twilio_from
        made = Reply(channel=body.channel, sender=body.sender, to=body.to or own, body=body.body)
        return {"delivered": await courier.reply(made, now=await world.clock.now())}

    @router.post("/release")
    async def release(body: ReleaseIn) -> dict[str, int]:
        return {"released": await courier.release(until=body.until)}

    return router


def _add_reading(router: APIRouter, world: World) -> None:
    @router.get("/messages")
    async def messages(
        to: str | None = None, since: Annotated[AwareDatetime | None, Query()] = None
    ) -> PlainTextResponse:
        rows = [
            json.dumps(_show(one)) + "\n"
            for one in world.received
            if to in {None, one.to} and (since is None or one.at >= since)
        ]
        return PlainTextResponse("".join(rows), media_type="application/x-ndjson")

    @router.get("/replies")
    async def replies() -> PlainTextResponse:
        rows = [json.dumps(_show_written(one)) + "\n" for one in world.written]
        return PlainTextResponse("".join(rows), media_type="application/x-ndjson")

    @router.get("/told")
    async def told() -> dict[str, int]:
        """How many callbacks were accepted, by the token of the message."""
        return dict(world.told)

    @router.get("/blocked")
    async def blocked() -> list[dict[str, str]]:
        """Messages to numbers that had said STOP, which the provider did not take."""
        return [{"at": one.at.isoformat(), "to": one.to} for one in world.blocked_sends]

    @router.get("/next")
    async def next_action() -> dict[str, datetime | int | None]:
        """The earliest action's instant, and how many actions are due by now."""
        now = await world.clock.now()
        due = sum(1 for at, *_ in world.heap if at <= now)
        return {"at": world.heap[0][0] if world.heap else None, "due": due}

    @router.get("/counts")
    async def counts() -> dict[str, int]:
        return dict(world.counts)


def _add_setting(router: APIRouter, world: World) -> None:
    @router.put("/faults")
    async def faults(body: FaultIn) -> FaultIn:
        world.faults[body.provider] = Fault(**body.model_dump(exclude={"provider"}))
        return body

    @router.put("/templates")
    async def templates(body: list[TemplateIn]) -> dict[str, int]:
        for one in body:
            world.templates[one.name, one.language] = one.body
        return {"kept": len(body)}

    @router.put("/numbers")
    async def numbers(body: list[NumberIn]) -> dict[str, int]:
        world.numbers = {one.sender: one.number for one in body}
        return {"kept": len(body)}

    @router.delete("/state", status_code=204)
    async def clear() -> Response:
        world.clear()
        return Response(status_code=204)


def _show(one: Received) -> dict[str, object]:
    shown: dict[str, object] = {
        "at": one.at.isoformat(),
        "channel": one.channel,
        "to": one.to,
        "body": one.body,
        "token": one.token,
        "provider_id": one.provider_id,
        "from": one.sender,
    }
    more = {"subject": one.subject, "template": one.template}
    return shown | {name: value for name, value in more.items() if value is not None}


def _show_written(one: Written) -> dict[str, object]:
    return {
        "at": one.at.isoformat(),
        "answered_at": one.answered_at.isoformat(),
        "is_taken": one.is_taken,
        "channel": one.reply.channel,
        "from": one.reply.sender,
        "to": one.reply.to,
        "body": one.reply.body,
        "messages_when_sent": one.messages_when_sent,
        "messages_when_answered": one.messages_when_answered,
    }
