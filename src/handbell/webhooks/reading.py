"""Whether a request is the provider's, and what it says: the one place that knows all three."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final

# allow public-files: the verifiers and parsers of the providers are called here and only here
from handbell.channels.providers.sendgrid import inbound as sendgrid_inbound

# allow public-files: the verifiers and parsers of the providers are called here and only here
from handbell.channels.providers.sendgrid import webhooks as sendgrid

# allow public-files: the verifiers and parsers of the providers are called here and only here
from handbell.channels.providers.twilio import webhooks as twilio

# allow public-files: the verifiers and parsers of the providers are called here and only here
from handbell.channels.providers.whatsapp import webhooks as whatsapp
from handbell.channels.types import (
    Ignored,
    InboundText,
    StatusEvent,
    TemplateStatus,
    WebhookItem,
)
from handbell.webhooks import relay
from handbell.webhooks.types import Kind, Request, Secrets

LONGEST: Final = 512
"""Characters of an id, an address or a code; a longer one is no provider's."""
_READERS: Final[Mapping[Kind, Callable[[bytes], tuple[WebhookItem, ...]]]] = {
    Kind.TWILIO_INBOUND: twilio.parse_inbound,
    Kind.TWILIO_EVENTS: twilio.parse_event_stream,
    Kind.SENDGRID_EVENTS: sendgrid.parse_events,
    Kind.SENDGRID_INBOUND: sendgrid_inbound.parse_inbound,
    Kind.WHATSAPP: whatsapp.parse_envelope,
    Kind.RELAY_STATUS: lambda raw: (relay.parse_status(raw),),
    Kind.RELAY_INBOUND: lambda raw: (relay.parse_inbound(raw),),
}
_SENDGRID: Final = "x-twilio-email-event-webhook"


def is_genuine(request: Request, secrets: Secrets, *, now: datetime) -> bool:
    """Whether the sender signed exactly these bytes. Without a secret of ours nothing is."""
    match request.kind.source:
        case "twilio":
            return _is_twilios(request, secrets)
        case "sendgrid":
            return bool(secrets.sendgrid_public_key) and sendgrid.verify(
                raw=request.raw,
                signature=request.headers.get(f"{_SENDGRID}-signature", ""),
                timestamp=request.headers.get(f"{_SENDGRID}-timestamp", ""),
                public_key=secrets.sendgrid_public_key,
            )
        case "whatsapp":
            return bool(secrets.whatsapp_app_secret) and whatsapp.verify(
                raw=request.raw,
                signature=request.headers.get("x-hub-signature-256", ""),
                app_secret=secrets.whatsapp_app_secret,
            )
        case _:
            return bool(secrets.relay_secret) and relay.verify(
                raw=request.raw,
                signature=request.headers.get("x-handbell-signature", ""),
                timestamp=request.headers.get("x-handbell-timestamp", ""),
                secret=secrets.relay_secret,
                now=now,
            )


def _is_twilios(request: Request, secrets: Secrets) -> bool:
    """With the setting's header Twilio signs by a shared key of the account's."""
    settings = request.headers.get("x-twilio-webhooks-signature-settings", "")
    shared = secrets.twilio_shared_key if settings else ""
    token = shared or secrets.twilio_auth_token
    return bool(token) and twilio.verify(
        url=_signed_url(request, secrets),
        raw=request.raw,
        signature=request.headers.get("x-twilio-signature", ""),
        auth_token=token,
        settings=settings,
    )


def account_of(request: Request) -> str | None:
    """Which account the request says it is about: not to be believed until it is verified."""
    match request.kind.source:
        case "twilio":
            return twilio.account_of(request.raw)
        case "sendgrid":
            return request.account
        case "whatsapp":
            return whatsapp.account_of(request.raw)
        case _:
            return None


def _signed_url(request: Request, secrets: Secrets) -> str:
    """The address as Twilio was given it; a proxy may have changed Host and scheme."""
    query = f"?{request.query}" if request.query else ""
    return f"{secrets.public_url.rstrip('/')}{request.path}{query}"


def read_items(kind: Kind, raw: bytes, *, token: str | None) -> tuple[WebhookItem, ...]:
    """What the request says, each item by itself: one that could not be kept is ignored and
    loses no other.

    Raises `RelayUnreadable` for a relay's request only.
    """
    if kind is Kind.TWILIO_STATUS:
        items = twilio.parse_status(raw, mid=token)
    else:
        items = _READERS[kind](raw)
    return tuple(_usable(item) for item in items)


def _usable(item: WebhookItem) -> WebhookItem:
    """The item, if the database can keep it: no NUL, and nothing endless but a patient's text."""
    if isinstance(item, Ignored):
        return item
    if isinstance(item, InboundText):
        item = replace(item, body=item.body.replace("\0", ""))
    if all(len(text) <= LONGEST and "\0" not in text for text in filter(None, _kept(item))):
        return item
    key = sha256(item.key.encode(errors="replace")).hexdigest()
    return Ignored(provider=item.provider, key=key, why="an id that cannot be kept")


def _kept(item: StatusEvent | InboundText | TemplateStatus) -> tuple[str | None, ...]:
    """What is stored or looked up as it is."""
    if isinstance(item, TemplateStatus):
        return (item.key, item.name, item.language, item.reason, item.category)
    if isinstance(item, StatusEvent):
        return (item.key, item.attempt_token, item.provider_ref, item.code, item.address)
    about = (item.sender, item.context_ref, item.opt_out_type)
    return (item.key, item.line, item.provider_ref, *about)


def texts_of(items: Iterable[WebhookItem]) -> list[InboundText]:
    return [item for item in items if isinstance(item, InboundText)]


def events_of(items: Iterable[WebhookItem]) -> list[StatusEvent]:
    return [item for item in items if isinstance(item, StatusEvent)]


def templates_of(items: Iterable[WebhookItem]) -> list[TemplateStatus]:
    return [item for item in items if isinstance(item, TemplateStatus)]
