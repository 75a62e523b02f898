"""Twilio Programmable Messaging, API 2010-04-01: create, fetch and list messages."""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from handbell.platform.vocabulary import Channel
from handbell.sandbox import magic
from handbell.sandbox.answers import ProviderSaysNo, is_of_type, meet_faults, spoil
from handbell.sandbox.faults import Fault
from handbell.sandbox.types import BlockedSend, Deed, FormPost, Received
from handbell.sandbox.world import World

_E164: Final = re.compile(r"\+(?:1[2-9]\d{9}|[2-9]\d{6,14})")
_MAX_BODY: Final = 1600
_LONGEST_VALIDITY: Final = 36_000
_VERSION: Final = "2010-04-01"
_BLOCKED: Final = 21610
_WORDS: Final = {
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too many requests"),
    20503: (503, "Service unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid 'From' Phone Number"),
    21408: (400, "Permission to send to this region has not been enabled"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number or messaging service is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid, message-capable number of yours."),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded its queue"),
    21612: (400, "The 'To' number is not reachable from this 'From' number"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit."),
    21624: (400, "Invalid validity period"),
    21701: (400, "The Messaging Service does not exist"),
}


def refusal(code: int) -> ProviderSaysNo:
    status, message = _WORDS[code]
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more, "status": status}
    return ProviderSaysNo(status, body)


def twilio_router(world: World) -> APIRouter:
    router = APIRouter(prefix=f"/twilio/{_VERSION}/Accounts/{{account}}")

    @router.post("/Messages.json")
    async def create(account: str, request: Request) -> Response:
        is_test = _authenticate(world, account, request)
        form = await _form(request)
        if is_test:
            return JSONResponse(await _try(world, form), status_code=201)
        await meet_faults(world, "twilio", late=refusal(20429), down=refusal(20503))
        answer = JSONResponse(await _create(world, form), status_code=201)
        return spoil(world, "twilio", answer, down=refusal(20503))

    @router.get("/Messages/{sid}.json")
    async def fetch(account: str, sid: str, request: Request) -> JSONResponse:
        _authenticate(world, account, request)
        if sid not in world.texts:
            raise refusal(20404)
        return JSONResponse(world.texts[sid])

    @router.get("/Messages.json")
    async def listing(account: str, request: Request) -> JSONResponse:
        _authenticate(world, account, request)
        fault = world.faults.get("twilio", Fault())
        if fault.is_list_down():
            raise refusal(20503)
        newest = await world.clock.now() - fault.list_lag()
        return JSONResponse(_listing(world, request, newest=newest))

    return router


async def _form(request: Request) -> dict[str, str]:
    """The fields; a body of another type has none."""
    if not is_of_type(request, "application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl((await request.body()).decode("utf-8", errors="replace")))


def _authenticate(world: World, account: str, request: Request) -> bool:
    """Say whether these are the account's test credentials. Raises the provider's refusal."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        given = b""
    config = world.config
    tests = (config.twilio_test_account_sid, config.twilio_test_auth_token)
    is_test = bool(tests[0]) and account == tests[0]
    sid, token = tests if is_test else (config.twilio_account_sid, config.twilio_auth_token)
    is_known = account == sid and hmac.compare_digest(given, f"{sid}:{token}".encode())
    if kind.lower() != "basic" or not is_known:
        raise refusal(20003)
    return is_test


def _problem(world: World, form: Mapping[str, str]) -> int | None:
    """The code of the first rule that the form breaks."""
    config, to, body = world.config, form.get("To", ""), form.get("Body", "")
    sender, service = form.get("From", ""), form.get("MessagingServiceSid", "")
    callback = urlsplit(form.get("StatusCallback", "http://unset.example.org"))
    rules = (
        (21604, not to),
        (21211, not _E164.fullmatch(to)),
        (21603, not sender and not service),
        (21701, bool(service) and service != config.twilio_messaging_service_sid),
        (21606, bool(sender) and sender not in {config.twilio_from, *world.numbers}),
        (21602, not body),
        (21617, len(body) > _MAX_BODY),
        (21609, callback.scheme not in {"http", "https"} or "_" in (callback.hostname or "_")),
        (21624, not _is_validity(form.get("ValidityPeriod", "1"))),
        (21610, bool({(sender, to), (service, to)} & world.blocked)),
    )
    return next((code for code, broken in rules if broken), None)


def _is_validity(seconds: str) -> bool:
    return seconds.isascii() and seconds.isdigit() and 1 <= int(seconds) <= _LONGEST_VALIDITY


async def _try(world: World, form: Mapping[str, str]) -> dict[str, object]:
    """With test credentials nothing is sent or kept, and no callback follows."""
    own = {"From": world.config.twilio_from, "MessagingServiceSid": ""}
    code = magic.code_of(form) or _problem(world, {**form, **own})
    if code:
        raise refusal(code)
    message = _message(world, form, now=await world.clock.now())
    return _representation(world, message, service=None, sender=form["From"])


async def _create(world: World, form: Mapping[str, str]) -> dict[str, object]:
    now = await world.clock.now()
    if code := _problem(world, form):
        if code == _BLOCKED:
            world.blocked_sends.append(BlockedSend(at=now, to=form["To"]))
        raise refusal(code)
    callback = form.get("StatusCallback", "")
    message = _message(world, form, now=now)
    service = form.get("MessagingServiceSid") or None
    answer = _representation(world, message, service=service, sender=form.get("From"))
    world.texts[message.provider_id] = answer | {
        "from": message.sender, "status": "delivered", "date_sent": format_datetime(now)
    }  # fmt: skip
    world.taken_at[message.provider_id] = now
    world.keep(message)
    if callback:
        world.plan_callbacks(message, _callbacks(world, message, callback, service))
    return answer


def _message(world: World, form: Mapping[str, str], *, now: datetime) -> Received:
    return Received(
        at=now,
        channel=Channel.SMS,
        to=form["To"],
        body=form["Body"],
        token=_token(form.get("StatusCallback", "")),
        provider_id="SM" + secrets.token_hex(16),
        sender=form.get("From") or world.config.twilio_from,
    )


def _token(callback: str) -> str | None:
    """The caller's own id: the query's `token`, else its first value."""
    query = dict(parse_qsl(urlsplit(callback).query))
    return query.get("token") or next(iter(query.values()), None)


def _representation(
    world: World, message: Received, *, service: str | None, sender: str | None
) -> dict[str, object]:
    account, sid = world.config.twilio_account_sid, message.provider_id
    base = f"/{_VERSION}/Accounts/{account}/Messages/{sid}"
    at = format_datetime(message.at)
    unknown = ("date_sent", "error_code", "error_message", "price")
    return dict.fromkeys(unknown) | {
        "sid": sid,
        "account_sid": account,
        "api_version": _VERSION,
        "body": message.body,
        "date_created": at,
        "date_updated": at,
        "direction": "outbound-api",
        "from": sender or None,
        "to": message.to,
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": "0" if service else "1",
        "price_unit": "USD",
        "status": "accepted" if service else "queued",
        "subresource_uris": {"media": f"{base}/Media.json"},
        "uri": f"{base}.json",
    }


def _callbacks(
    world: World, message: Received, callback: str, service: str | None
) -> tuple[Deed, ...]:
    """`sent` and `delivered`; the fragment holds retry settings and is never sent."""
    fields = {
        "MessageSid": message.provider_id,
        "SmsSid": message.provider_id,
        "AccountSid": world.config.twilio_account_sid,
        "ApiVersion": _VERSION,
        "From": message.sender,
        "To": message.to,
    } | ({"MessagingServiceSid": service} if service else {})
    url = callback.partition("#")[0]
    done = {"RawDlrDoneDate": message.at.strftime("%y%m%d%H%M")}
    return tuple(
        FormPost(url=url, fields=fields | {"MessageStatus": status, "SmsStatus": status} | more)
        for status, more in (("sent", {}), ("delivered", done))
    )


def _listing(world: World, request: Request, *, newest: datetime) -> dict[str, object]:
    """A page of what was sent, as far as the list knows of it yet."""
    query = request.query_params
    size = int(query.get("PageSize", "50")) if query.get("PageSize", "50").isdigit() else 50
    rows = [
        row
        for row in reversed(world.texts.values())
        if query.get("To") in {None, row["to"]}
        and query.get("From") in {None, row["from"]}
        and world.taken_at[str(row["sid"])] <= newest
    ][:size]
    uri = f"{request.url.path.removeprefix('/twilio')}?{request.url.query}"
    return {
        "messages": rows, "page": 0, "page_size": size, "start": 0, "uri": uri,
        "end": max(len(rows) - 1, 0), "first_page_uri": uri, "next_page_uri": None,
        "previous_page_uri": None,
    }  # fmt: skip
