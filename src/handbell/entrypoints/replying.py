"""`handbell reply`: a patient's message comes in as from a provider, and what it did is told.

It takes the door of a relay, signed with a secret of this process's own; `handbell undo-reply`
takes back what a reply did to its number.
"""

import hmac
import json
import secrets
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from pydantic import SecretStr

from handbell.channels.service import lines_in
from handbell.channels.types import CHANNEL_OF_PROVIDER
from handbell.directory import service as directory
from handbell.entrypoints.bootstrap import Runtime
from handbell.entrypoints.operations import opened

# allow public-files: the command shows what became of what it let come in
from handbell.inbound.telling import ToldReply, told_in
from handbell.platform.db import OrganizationId
from handbell.platform.errors import ConflictError, InvalidError
from handbell.platform.settings import Settings
from handbell.platform.vocabulary import Channel
from handbell.webhooks.types import Kind, Request

OPERATOR: Final = "operator"
LONGEST: Final = 10_000
PROVIDER_OF: Final = {channel: provider for provider, channel in CHANNEL_OF_PROVIDER.items()}


class ChannelUnknown(InvalidError):
    """Raised for a channel on which nobody writes."""

    code = "channel_unknown"


class TextUnusable(InvalidError):
    """Raised for a text that is too long to be anybody's."""

    code = "text_unusable"


class NoLine(ConflictError):
    """Raised where the organisation has no line of the channel to write to."""

    code = "no_line"


def as_channel(name: str) -> Channel:
    """The channel of that name. Raises `ChannelUnknown`."""
    if name not in set(Channel):
        raise ChannelUnknown(f"There is no channel {name!r}; there are {', '.join(Channel)}.")
    return Channel(name)


async def reply(
    settings: Settings, *, org: int, channel: str, sender: str, body: str
) -> dict[str, Any]:
    """Let somebody write to the organisation's line, and say what was understood and done.

    Raises `ChannelUnknown`, `TextUnusable`, `InvalidAddress`, `NoLine`.
    """
    on = as_channel(channel)
    if len(body) > LONGEST or "\0" in body:
        raise TextUnusable(f"A text has at most {LONGEST} characters.")
    written_from = directory.canonical_address(on, sender).value
    secret = secrets.token_urlsafe(32)
    own = settings.model_copy(update={"webhook_secret": SecretStr(secret)})
    async with opened(own) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        line = await _line(rt, organization.id, on)
        now = await rt.clock.now()
        key = f"cli-{secrets.token_hex(12)}"
        told = {
            "provider": PROVIDER_OF[on],
            "from": written_from,
            "to": line,
            "body": body,
            "timestamp": now.isoformat(),
            "message_id": key,
        }
        await rt.webhooks.take_and_apply(_request(json.dumps(told), secret, now=now), now=now)
        async with rt.db.transaction(organization.id) as tx:
            found = await told_in(tx, organization.id, PROVIDER_OF[on], key)
    return in_data(found)


async def undo(settings: Settings, *, org: int, inbound_message: int) -> dict[str, Any]:
    """Take back what a reply did to its number. Raises `InboundMessageNotFound`,
    `NothingToUndo`."""
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        now = await rt.clock.now()
        await rt.holds.undo(organization.id, inbound_message, actor=OPERATOR, now=now)
    return {"inbound_message_id": inbound_message, "undone": True}


async def _line(rt: Runtime, organization_id: OrganizationId, channel: Channel) -> str:
    async with rt.db.transaction(organization_id) as tx:
        lines = await lines_in(tx, organization_id)
    found = next((one.address for one in lines if one.channel is channel), None)
    if found is None:
        raise NoLine(f"The organisation has no line for {channel.value}.")
    return found


def _request(body: str, secret: str, *, now: datetime) -> Request:
    raw, timestamp = body.encode(), str(int(now.timestamp()))
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + raw, sha256).hexdigest()
    headers = {"x-handbell-signature": f"sha256={signed}", "x-handbell-timestamp": timestamp}
    return Request(
        kind=Kind.RELAY_INBOUND,
        raw=raw,
        path="/api/v1/comm/webhook/inbound",
        query="",
        headers=headers,
    )


def in_data(told: ToldReply | None) -> dict[str, Any]:
    """As JSON; `inbound_message_id` is what `undo-reply` takes."""
    if told is None:
        return {"inbound_message_id": None, "handled": None}
    data = asdict(told)
    return {"inbound_message_id": data.pop("id"), **data}


def in_words(told: dict[str, Any]) -> dict[str, Any]:
    """For a person: lists with commas, an answer in a line each."""
    shown = {name: value for name, value in told.items() if name != "answers"}
    for name in ("effects", "tasks"):
        shown[name] = ", ".join(told.get(name) or ()) or "none"
    answers = told.get("answers") or ()
    said = (
        f"{one['purpose']} ({one['lifecycle']}, message {one['message_id']})" for one in answers
    )
    return shown | {"answered with": ", ".join(said) or "nothing"}
