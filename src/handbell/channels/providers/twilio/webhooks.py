"""Twilio's callbacks: status of a message, and what a patient wrote."""

from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

import orjson
from twilio.request_validator import RequestValidator, get_signature_algorithm

from handbell.channels.providers.failures import Failure, failure_of
from handbell.channels.types import (
    EventKind,
    Ignored,
    InboundText,
    Provider,
    StatusEvent,
    WebhookItem,
)
from handbell.platform.vocabulary import Channel

_KINDS: Final = {
    "accepted": EventKind.QUEUED,
    "scheduled": EventKind.QUEUED,
    "queued": EventKind.QUEUED,
    "sending": EventKind.SENDING,
    "sent": EventKind.SENT,
    "partially_delivered": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "read": EventKind.OPENED,
    "undelivered": EventKind.FAILED,
    "failed": EventKind.FAILED,
    "canceled": EventKind.CANCELLED,
}


_CLICKED: Final = "com.twilio.daptbt.link-shortening.link-clicked"


class _Form(dict[str, list[str]]):
    """Every value of every name, the empty ones too, as Twilio's validator asks for them."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def verify(*, url: str, raw: bytes, signature: str, auth_token: str, settings: str = "") -> bool:
    """Whether Twilio signed this. `url` comes from our configuration, never from Host.

    `settings` is X-Twilio-Webhooks-Signature-Settings, which names the algorithm; without it
    that is HMAC-SHA1.
    """
    try:
        text = raw.decode()
        signs_json = "bodySHA256" in parse_qs(urlsplit(url).query)
        params = text if signs_json else _form(text)
        algorithm = get_signature_algorithm(settings)
        return bool(RequestValidator(auth_token).validate(url, params, signature, algorithm))
    except (ValueError, TypeError):
        return False


def account_of(raw: bytes) -> str | None:
    """The account SID that a callback names."""
    try:
        return _first(_form(raw.decode()), "AccountSid") or None
    except ValueError:
        return None


def parse_status(raw: bytes, *, mid: str | None) -> tuple[WebhookItem, ...]:
    """One status callback; `mid` is the attempt token from the query of the callback's URL."""
    form = _form(raw.decode(errors="replace"))
    sid, status = _first(form, "MessageSid"), _first(form, "MessageStatus")
    kind = _KINDS.get(status)
    if not sid or kind is None:
        return (_ignored(sid, "no message or an unknown status"),)
    code = _first(form, "ErrorCode") or None
    failure = failure_of(Provider.TWILIO, code)
    if kind is EventKind.FAILED and failure is Failure.EXPIRED:
        kind = EventKind.EXPIRED
    return (
        StatusEvent(
            provider=Provider.TWILIO,
            key=f"{sid}:{status}",
            kind=kind,
            attempt_token=mid or None,
            provider_ref=sid,
            code=code,
            opted_out=failure is Failure.OPT_OUT,
            bad_address=failure is Failure.INVALID_RECIPIENT,
            address=_first(form, "To") or None,
        ),
    )


def parse_event_stream(raw: bytes) -> tuple[WebhookItem, ...]:
    """Event Streams: an array of CloudEvents, each by itself; of them we read clicks."""
    try:
        events = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return (_ignored("", "not JSON"),)
    if not isinstance(events, list):
        return (_ignored("", "not an array"),)
    return tuple(_streamed(event) for event in events)


def _streamed(event: object) -> WebhookItem:
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(data, dict):
        return _ignored("", "not an event")
    no, sid = str(event.get("id", "")), data.get("message_sid")
    if event.get("type") != _CLICKED or not isinstance(sid, str) or not sid or not no:
        return _ignored(no, "an event that we do not read")
    return StatusEvent(
        provider=Provider.TWILIO,
        key=f"stream:{no}",
        kind=EventKind.CLICKED,
        provider_ref=sid,
        occurred_at=_instant(data.get("click_time")),
    )


def parse_inbound(raw: bytes) -> tuple[WebhookItem, ...]:
    """One message of a patient's."""
    form = _form(raw.decode(errors="replace"))
    sid, line = _first(form, "MessageSid"), _first(form, "To")
    if not sid or not line:
        return (_ignored(sid, "no message or no line"),)
    return (
        InboundText(
            provider=Provider.TWILIO,
            channel=Channel.SMS,
            key=sid,
            line=line,
            body=_first(form, "Body"),
            sender=_first(form, "From") or None,
            provider_ref=sid,
            opt_out_type=_first(form, "OptOutType") or None,
        ),
    )


def _instant(value: object) -> datetime | None:
    """An instant with its offset; anything else is none."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _form(text: str) -> _Form:
    return _Form(parse_qs(text, keep_blank_values=True))


def _first(form: _Form, name: str) -> str:
    return form.get(name, [""])[0]


def _ignored(sid: str, why: str) -> Ignored:
    return Ignored(provider=Provider.TWILIO, key=sid, why=why)
