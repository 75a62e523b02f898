"""WhatsApp Cloud API: messages and message templates, with or without a version prefix."""

import hmac
import json
import re
import secrets
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from handbell.platform.vocabulary import Channel
from handbell.sandbox import shapes
from handbell.sandbox.answers import ProviderSaysNo, is_of_type, meet_faults, spoil
from handbell.sandbox.types import Deed, Received, WhatsAppChange
from handbell.sandbox.world import World

_NUMBER: Final = re.compile(r"\+?[1-9]\d{6,14}")
_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
_VARIABLE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_MOST_TEMPLATES: Final = 250
_WORDS: Final = {
    2: (503, "API Service"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token - Cannot parse access token"),
    33: (400, "Unsupported request: object does not exist"),
    130429: (400, "Rate limit hit"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131047: (400, "Re-engagement message"),
    131051: (400, "Unsupported message type"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
}


def refusal(code: int, details: str = "") -> ProviderSaysNo:
    status, words = _WORDS[code]
    error = {
        "message": f"(#{code}) {words}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details or words},
        "fbtrace_id": secrets.token_urlsafe(8),
    }
    return ProviderSaysNo(status, {"error": error})


def whatsapp_router(world: World, prefix: str) -> APIRouter:
    router = APIRouter(prefix=prefix)

    @router.post("/{number_id}/messages")
    async def send(number_id: str, request: Request) -> Response:
        _authenticate(world, request)
        own = {world.config.whatsapp_phone_number_id: world.config.whatsapp_number}
        number = (own | world.numbers).get(number_id)
        if number is None:
            raise refusal(33)
        await meet_faults(world, "whatsapp", late=refusal(130429), down=refusal(2))
        answer = JSONResponse(await _send(world, await _body(request), number=number))
        return spoil(world, "whatsapp", answer, down=refusal(2))

    @router.post("/{account}/message_templates")
    async def create_template(account: str, request: Request) -> JSONResponse:
        _authorize(world, account, request)
        return JSONResponse(_create_template(world, await _body(request)))

    @router.get("/{account}/message_templates")
    async def templates(account: str, request: Request) -> JSONResponse:
        _authorize(world, account, request)
        wanted = request.query_params.get("name")
        kept = sorted(world.templates.items())
        data = [_show(key, text) for key, text in kept if wanted in {None, key[0]}]
        asked = filter(None, request.query_params.get("summary", "").split(","))
        known = _summary(world, len(data))
        summary = {name: known[name] for name in asked if name in known}
        return JSONResponse({"data": data} | ({"summary": summary} if summary else {}))

    return router


def _authenticate(world: World, request: Request) -> None:
    wanted = f"Bearer {world.config.whatsapp_access_token}".encode()
    if not hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted):
        raise refusal(190)


def _authorize(world: World, account: str, request: Request) -> None:
    _authenticate(world, request)
    if account != world.config.whatsapp_business_id:
        raise refusal(33)


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not is_of_type(request, "application/json"):
        body = None
    if not isinstance(body, dict):
        raise refusal(100, "The body is not a JSON object.")
    return body


def _show(key: tuple[str, str], text: str) -> dict[str, object]:
    name, language = key
    shown = {"id": _id(name, language), "name": name, "language": language}
    names = list(dict.fromkeys(_VARIABLE.findall(text)))
    is_positional = all(name.isdigit() for name in names)
    body: dict[str, object] = {"type": "BODY", "text": text}
    if names and is_positional:
        body["example"] = {"body_text": [["sample"] * len(names)]}
    elif names:
        samples = [{"param_name": name, "example": "sample"} for name in names]
        body["example"] = {"body_text_named_params": samples}
    return shown | {
        "status": "APPROVED",
        "category": "UTILITY",
        "parameter_format": "POSITIONAL" if is_positional else "NAMED",
        "components": [body],
    }


def _summary(world: World, found: int) -> dict[str, object]:
    return {
        "total_count": found,
        "message_template_count": len(world.templates),
        "message_template_limit": _MOST_TEMPLATES,
        "are_translations_complete": True,
    }


def _id(name: str, language: str) -> str:
    return str(int.from_bytes(f"{name}/{language}".encode()) % 10**15)


def _create_template(world: World, body: dict[str, Any]) -> dict[str, object]:
    """Keep the template's text; reviews take no time here and always approve."""
    name, language = body.get("name"), body.get("language")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not isinstance(language, str):
        raise refusal(100, "name or language is not valid")
    parts = [part for part in body.get("components") or [] if isinstance(part, dict)]
    texts = [part.get("text") for part in parts if str(part.get("type")).upper() == "BODY"]
    if not texts or not isinstance(texts[0], str):
        raise refusal(100, "A BODY component is required.")
    world.templates[name, language] = texts[0]
    category = body.get("category", "UTILITY")
    return {"id": _id(name, language), "status": "APPROVED", "category": category}


async def _send(world: World, body: dict[str, Any], *, number: str) -> dict[str, object]:
    _check(body)
    template, text = _content(world, body)
    now = await world.clock.now()
    wa_id = body["to"].lstrip("+")
    message = Received(
        at=now,
        channel=Channel.WHATSAPP,
        to=f"+{wa_id}",
        body=text,
        token=body.get("biz_opaque_callback_data"),
        provider_id="wamid." + secrets.token_urlsafe(24),
        sender=number,
        template=template,
    )
    closed = world.window_until.get(message.to)
    if template is None and (closed is None or closed <= now):
        world.plan_callbacks(message, (_status(world, message, "failed", 131047),))
    else:
        world.keep(message)
        steps = ("sent", "delivered")
        world.plan_callbacks(message, tuple(_status(world, message, step) for step in steps))
    sent = {"id": message.provider_id}
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": body["to"], "wa_id": wa_id}],
        "messages": [sent | ({"message_status": "accepted"} if template else {})],
    }


def _check(body: dict[str, Any]) -> None:
    """Raise the refusal of the first rule that is broken."""
    if body.get("messaging_product") != "whatsapp":
        raise refusal(100, "messaging_product must be whatsapp")
    if not body.get("to"):
        raise refusal(131008, "to is required")
    if not isinstance(body["to"], str) or not _NUMBER.fullmatch(body["to"]):
        raise refusal(131009, "to is not a phone number")
    kind = body.get("type", "text")
    if kind not in ("text", "template"):  # a list has no hash
        raise refusal(131051)
    if body.get(kind) is None:
        raise refusal(131008, f"{kind} is required")
    for place, message in shapes.faults(shapes.Message, body):
        raise refusal(100, f"{place}: {message}")


def _content(world: World, body: dict[str, Any]) -> tuple[str | None, str]:
    """The template's name, or None for free text, and the text that the patient reads."""
    if body.get("type", "text") == "template":
        template = body["template"]
        return template["name"], _rendered(world, template)
    return None, body["text"]["body"]


def _rendered(world: World, part: dict[str, Any]) -> str:
    name, language = part.get("name"), (part.get("language") or {}).get("code")
    pattern = world.templates.get((str(name), str(language)))
    if pattern is None:
        raise refusal(132001, f"template name ({name}) does not exist in {language}")
    given = _parameters(part)
    wanted = dict.fromkeys(_VARIABLE.findall(pattern))
    if set(given) != set(wanted):
        raise refusal(132000, f"expected {len(wanted)} parameters, received {len(given)}")
    return _VARIABLE.sub(lambda found: given[found.group(1)], pattern)


def _parameters(part: dict[str, Any]) -> dict[str, str]:
    """Body parameters by their name, or by their place counted from 1."""
    bodies = [c for c in part.get("components") or [] if str(c.get("type")).lower() == "body"]
    rows = [row for one in bodies for row in one.get("parameters") or []]
    return {
        row.get("parameter_name") or str(place): str(row.get("text", ""))
        for place, row in enumerate(rows, start=1)
    }


def _status(world: World, message: Received, status: str, code: int | None = None) -> Deed:
    row: dict[str, object] = {
        "id": message.provider_id,
        "status": status,
        "timestamp": str(int(message.at.timestamp())),
        "recipient_id": message.to.lstrip("+"),
    }
    if message.token is not None:
        row["biz_opaque_callback_data"] = message.token
    if code is not None:
        words = _WORDS[code][1]
        details = {"code": code, "title": words, "message": words}
        row["errors"] = [details | {"error_data": {"details": words}}]
    return WhatsAppChange(value=metadata(world, message.sender) | {"statuses": [row]})


def metadata(world: World, number: str) -> dict[str, object]:
    """What every change of a phone number begins with."""
    told = {
        "display_phone_number": number.lstrip("+"),
        "phone_number_id": world.phone_id(number),
    }
    return {"messaging_product": "whatsapp", "metadata": told}
