"""Requests that break a provider's document, each in one place: the sandbox must refuse them.

They are made from right ones that a client has sent: a key dropped, a value of another type, a
key that does not exist, a limit passed. Only what the document itself refuses is asked for.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson

from handbell.channels.types import Provider
from tools.contract.judge import Judge
from tools.contract.openapi import FORM
from tools.contract.stage import Stage
from tools.contract.types import Asked, Asker, Exchange

RIGHT: Final = {
    Provider.TWILIO: ("opted out, and in again", "create from a number"),
    Provider.SENDGRID: ("appt_reminder en full", "send, sandbox mode True"),
    Provider.WHATSAPP: ("template with buttons", "patient's text, answered"),
}
"""The scenarios whose last request is taken and broken."""
LIMITS: Final[Mapping[Provider, tuple[tuple[str, Any], ...]]] = {
    Provider.TWILIO: (
        ("To", "2025550123"),
        ("Body", "x" * 1601),
        ("StatusCallback", "nowhere"),
        ("ValidityPeriod", "0"),
        ("ValidityPeriod", "36001"),
        ("ValidityPeriod", "soon"),
        ("MessagingServiceSid", "MG1"),
    ),
    Provider.SENDGRID: (
        ("subject", ""),
        ("content", []),
        ("content", [{"type": "text/plain", "value": ""}]),
        ("personalizations", []),
        ("personalizations", [{"to": []}]),
        ("categories", [str(n) for n in range(11)]),
        ("categories", ["twice", "twice"]),
        ("categories", ["x" * 256]),
        ("custom_args", {"attempt": 7}),
        ("headers", {"X-Attempt": 7}),
        ("send_at", "soon"),
        ("asm", {}),
        ("ip_pool_name", "x"),
        ("mail_settings", {"sandbox_mode": {"enable": "true"}}),
        ("tracking_settings", {"open_tracking": {"enable": 0}}),
    ),
    Provider.WHATSAPP: (
        ("biz_opaque_callback_data", "x" * 513),
        ("recipient_type", "crowd"),
        ("type", "poem"),
        ("text", {"body": ""}),
        ("text", {"body": "x" * 4097}),
        ("text", {"body": "Hello", "shout": True}),
    ),
}


async def play(stage: Stage, judge: Judge) -> None:
    """Break what was recorded until now."""
    for provider, names in RIGHT.items():
        for right in [_last(stage, provider, name) for name in names]:
            for label, body in _broken_bodies(right, judge):
                with stage.playing(provider, Asker.BROKEN, f"{right.scenario.name}: {label}"):
                    await _send(stage, right.asked, body=body)
        with stage.playing(provider, Asker.BROKEN, "not the documented content type"):
            await _send(stage, right.asked, headers={"content-type": "text/plain"})
        with stage.playing(provider, Asker.BROKEN, "no authorization"):
            await _send(stage, right.asked, headers={"authorization": ""})
        with stage.playing(provider, Asker.BROKEN, "no such path"):
            await _send(stage, right.asked, path=right.asked.path + "/nowhere")
        with stage.playing(provider, Asker.BROKEN, "no such method"):
            await _send(stage, right.asked, method="PUT")
    for provider in (Provider.SENDGRID, Provider.WHATSAPP):
        right = _last(stage, provider, RIGHT[provider][0])
        with stage.playing(provider, Asker.BROKEN, "not JSON"):
            await _send(stage, right.asked, body=b"{")


def _last(stage: Stage, provider: Provider, name: str) -> Exchange:
    fitting = [
        one
        for one in stage.exchanges
        if (one.scenario.provider, one.scenario.name) == (provider, name)
        and one.asked.method == "POST"
    ]
    return fitting[-1]


def _broken_bodies(right: Exchange, judge: Judge) -> Iterator[tuple[str, bytes]]:
    document = judge.documents[right.scenario.provider]
    operation = document.operation(right.asked)
    if operation is None:
        raise LookupError(right.scenario.name)
    for label, body in _changed(right):
        if any(document.body_faults(operation, right.asked.media_type, body)):
            yield label, body


def _changed(right: Exchange) -> Iterator[tuple[str, bytes]]:
    asked = right.asked
    limits = LIMITS[right.scenario.provider]
    if asked.media_type == FORM:
        form = dict(parse_qsl(asked.body.decode("ascii")))
        for name in form:
            yield f"without {name}", _form({n: v for n, v in form.items() if n != name})
        for name, value in limits:
            yield f"{name} is {value[:20]!r}", _form(form | {name: value})
        return
    body = orjson.loads(asked.body)
    for label, changed in mutations(body):
        yield label, orjson.dumps(changed)
    for name, value in limits:
        yield f"{name} is {str(value)[:40]}", orjson.dumps(body | {name: value})


def _form(fields: Mapping[str, str]) -> bytes:
    return urlencode(fields).encode("ascii")


def mutations(body: Any) -> Iterator[tuple[str, Any]]:
    """The body with one thing changed: a key dropped or added, a value of another type."""
    for trail in _trails(body):
        for label, change in (("without", None), ("number at", 7), ("list at", ["?"])):
            changed = copy.deepcopy(body)
            holder = _at(changed, trail[:-1])
            if change is None:
                del holder[trail[-1]]
            else:
                holder[trail[-1]] = change
            yield f"{label} {'.'.join(map(str, trail))}", changed
    yield "with a key that does not exist", body | {"colour": "green"}


def _trails(value: Any) -> Iterator[tuple[str | int, ...]]:
    """The way to each value inside, as keys and places."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inside:
        yield (key,)
        if isinstance(one, dict | list):
            yield from ((key, *rest) for rest in _trails(one))


def _at(value: Any, trail: tuple[str | int, ...]) -> Any:
    for key in trail:
        value = value[key]
    return value


async def _send(
    stage: Stage,
    right: Asked,
    *,
    method: str = "POST",
    path: str | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> None:
    kept = {name: right.headers[name] for name in ("authorization", "content-type")}
    url = stage.base(stage.scenario.provider) + (path or right.path)
    data = right.body if body is None else body
    async with stage.session.request(
        method, url, data=data, headers={**kept, **(headers or {})}
    ) as answer:
        await answer.read()
