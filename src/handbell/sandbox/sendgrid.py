"""SendGrid v3: mail/send, and the public half of the event webhook's signing key."""

import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from handbell.platform.vocabulary import Channel
from handbell.sandbox import shapes
from handbell.sandbox.answers import ProviderSaysNo, is_of_type, meet_faults, spoil
from handbell.sandbox.signing import public_key
from handbell.sandbox.types import Deed, MailEvent, Received
from handbell.sandbox.world import World

_FIELDS: Final = {"from": "from.email"}
"""Where SendGrid puts the blame elsewhere than on the key that is missing."""
_RELAY: Final = "192.0.2.1"
_RESERVED: Final = frozenset(
    ("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "to", "from",
     "content-transfer-encoding", "subject", "reply-to", "cc", "bcc")
)  # fmt: skip


def refusal(
    status: int, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> ProviderSaysNo:
    error = {"message": message, "field": field}
    return ProviderSaysNo(status, {"errors": [error]}, headers)


def sendgrid_router(world: World, key: ec.EllipticCurvePrivateKey) -> APIRouter:
    router = APIRouter(prefix="/sendgrid/v3")

    @router.post("/mail/send")
    async def send(request: Request) -> Response:
        _authenticate(world, request)
        limits = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0"}
        now = await world.clock.now()
        reset = limits | {"X-RateLimit-Reset": str(int(now.timestamp()) + 1)}
        late = refusal(429, "too many requests", headers=reset)
        down = refusal(503, "service unavailable")
        await meet_faults(world, "sendgrid", late=late, down=down)
        if not is_of_type(request, "application/json"):
            raise refusal(415, "Content-Type should be application/json.")
        mail = _parse(await request.body())
        if problem := next(_problems(mail), None):
            raise refusal(400, problem[1], problem[0])
        return spoil(world, "sendgrid", await _accept(world, mail), down=down)

    @router.get("/user/webhooks/event/settings/signed")
    async def signed(request: Request) -> JSONResponse:
        _authenticate(world, request)
        return JSONResponse({"public_key": public_key(key)})

    return router


def _authenticate(world: World, request: Request) -> None:
    wanted = f"Bearer {world.config.sendgrid_api_key}".encode()
    given = request.headers.get("authorization", "").encode()
    if not hmac.compare_digest(given, wanted):
        raise refusal(401, "The provided authorization grant is invalid, expired, or revoked")


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        mail = json.loads(raw)
    except ValueError:
        mail = None
    if not isinstance(mail, dict):
        raise refusal(400, "Bad Request")
    return mail


def _problems(mail: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each broken rule as (field, message): the shape first, for the rest leans on it."""
    broken = list(shapes.faults(shapes.Mail, mail))
    if broken:
        yield from ((_FIELDS.get(field, field), message) for field, message in broken)
        return
    people, content = mail["personalizations"], mail["content"]
    for number, person in enumerate(people):
        yield from _recipient_problems(person["to"], f"personalizations.{number}.to")
    if not _is_address(mail["from"]):
        yield "from.email", "The from object must be provided for every email send."
    if not mail.get("subject") and not all(person.get("subject") for person in people):
        yield "subject", "The subject is required."
    if "text/plain" in [part["type"] for part in content][1:]:
        yield "content", "The content types must be in order: text/plain, then text/html."
    if {name.lower() for name in mail.get("headers", ())} & _RESERVED:
        yield "headers", "This header is reserved and can not be used."
    if _repeats(mail.get("categories", [])):
        yield "categories", "The categories must be unique."


def _repeats(values: list[str]) -> bool:
    return len(set(values)) < len(values)


def _is_address(value: dict[str, str]) -> bool:
    email = value["email"]
    return 0 < email.find("@") < len(email) - 1


def _recipient_problems(to: list[dict[str, str]], field: str) -> Iterator[tuple[str, str]]:
    if not all(_is_address(one) for one in to):
        yield field, "Does not contain a valid address."
    elif _repeats([one["email"].lower() for one in to]):
        yield field, "Each email address should be unique between to, cc, and bcc."


async def _accept(world: World, mail: dict[str, Any]) -> Response:
    message_id = secrets.token_urlsafe(16)
    headers = {"X-Message-Id": message_id}
    settings = mail.get("mail_settings") or {}
    if (settings.get("sandbox_mode") or {}).get("enable"):
        return Response(status_code=200, headers=headers)
    now = await world.clock.now()
    for person in mail["personalizations"]:
        arguments = (mail.get("custom_args") or {}) | (person.get("custom_args") or {})
        for recipient in person["to"]:
            message = Received(
                at=now,
                channel=Channel.EMAIL,
                to=recipient["email"],
                body=str(mail["content"][0]["value"]),
                token=_token(arguments),
                provider_id=message_id,
                sender=mail["from"]["email"],
                subject=person.get("subject") or mail.get("subject"),
            )
            _take(world, message, arguments)
    return Response(status_code=202, headers=headers)


def _token(arguments: Mapping[str, str]) -> str | None:
    named = (value for name, value in arguments.items() if "token" in name)
    return next(named, None) or next(iter(arguments.values()), None)


def _take(world: World, message: Received, arguments: Mapping[str, str]) -> None:
    if message.to.lower() in world.suppressed:
        dropped = _event(message, "dropped", arguments, reason="Unsubscribed Address")
        world.plan_callbacks(message, (dropped,))
        return
    world.keep(message)
    delivered = _event(message, "delivered", arguments, response="250 2.0.0 OK", ip=_RELAY)
    world.plan_callbacks(message, (_event(message, "processed", arguments), delivered))


def _event(message: Received, name: str, arguments: Mapping[str, str], **more: str) -> Deed:
    """One event; the caller's custom arguments stand at its top level."""
    event = {
        "email": message.to,
        "timestamp": int(message.at.timestamp()),
        "event": name,
        "sg_event_id": secrets.token_urlsafe(24),
        "sg_message_id": f"{message.provider_id}.recvd-sandbox-0-0.0",
        "smtp-id": f"<{message.provider_id}@sandbox.example.org>",
    }
    return MailEvent(event=dict(arguments) | event | more)
