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
from handbell.sandbox.answers import ProviderSaysNo, meet_faults
from handbell.sandbox.signing import public_key
from handbell.sandbox.types import Deed, MailEvent, Received
from handbell.sandbox.world import World

_MAX_RECIPIENTS: Final = 1000
_RESERVED: Final = frozenset(
    ("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "to", "from",
     "content-transfer-encoding", "subject", "reply-to", "cc", "bcc")
)  # fmt: skip


def refusal(
    status: int, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> ProviderSaysNo:
    error = {"message": message, "field": field, "help": None}
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
        await meet_faults(world, "sendgrid", late=late, down=refusal(503, "service unavailable"))
        mail = _parse(await request.body())
        if problem := next(_problems(mail), None):
            raise refusal(400, problem[1], problem[0])
        return await _accept(world, mail)

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
    """Each broken rule as (field, message)."""
    people = mail.get("personalizations")
    if not isinstance(people, list) or not 1 <= len(people) <= _MAX_RECIPIENTS:
        yield "personalizations", "The personalizations field is required."
        return
    for number, person in enumerate(people):
        yield from _person_problems(person, f"personalizations.{number}")
    if not _is_address(mail.get("from")):
        yield "from.email", "The from object must be provided for every email send."
    if not mail.get("subject") and not all(person.get("subject") for person in people):
        yield "subject", "The subject is required."
    yield from _content_problems(mail.get("content"))
    yield from _header_problems(mail)


def _is_address(value: Any) -> bool:
    email = value.get("email") if isinstance(value, dict) else None
    return isinstance(email, str) and 0 < email.find("@") < len(email) - 1


def _person_problems(person: Any, field: str) -> Iterator[tuple[str, str]]:
    to = person.get("to") if isinstance(person, dict) else None
    if not isinstance(to, list) or not to:
        yield f"{field}.to", "The to array is required for all personalization objects."
    elif not all(_is_address(one) for one in to):
        yield f"{field}.to", "Does not contain a valid address."
    elif len({one["email"].lower() for one in to}) < len(to):
        yield f"{field}.to", "Each email address should be unique between to, cc, and bcc."


def _content_problems(content: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(content, list) or not content:
        yield "content", "The content value must be provided with at least one part."
        return
    if not all(isinstance(part, dict) and part.get("value") for part in content):
        yield "content.0.value", "The content value must be a string at least one character long."
        return
    types = [part.get("type") for part in content]
    if "text/plain" in types[1:]:
        yield "content", "The content types must be in order: text/plain, then text/html."


def _header_problems(mail: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for header in mail.get("headers") or {}:
        if header.lower() in _RESERVED:
            yield "headers", "This header is reserved and can not be used."
    arguments = mail.get("custom_args") or {}
    if not isinstance(arguments, dict) or not all(isinstance(v, str) for v in arguments.values()):
        yield "custom_args", "The custom_args values must be strings."


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
    delivered = _event(message, "delivered", arguments, response="250 2.0.0 OK")
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
