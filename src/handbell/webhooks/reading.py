"""Whether a request is the provider's, and what it says: the one place that knows all three."""

from collections.abc import Iterable

# allow public-files: the verifiers and parsers of the providers are called here and only here
from handbell.channels.providers.sendgrid import webhooks as sendgrid

# allow public-files: the verifiers and parsers of the providers are called here and only here
from handbell.channels.providers.twilio import webhooks as twilio

# allow public-files: the verifiers and parsers of the providers are called here and only here
from handbell.channels.providers.whatsapp import webhooks as whatsapp
from handbell.channels.types import InboundText, Provider, StatusEvent, WebhookItem
from handbell.webhooks.types import Kind, Request, Secrets

_SENDGRID = "x-twilio-email-event-webhook"


def is_genuine(request: Request, secrets: Secrets) -> bool:
    """Whether the provider signed exactly these bytes. Without a secret of ours nothing is."""
    match request.kind.provider:
        case Provider.TWILIO:
            return bool(secrets.twilio_auth_token) and twilio.verify(
                url=_signed_url(request, secrets),
                raw=request.raw,
                signature=request.headers.get("x-twilio-signature", ""),
                auth_token=secrets.twilio_auth_token,
            )
        case Provider.SENDGRID:
            return bool(secrets.sendgrid_public_key) and sendgrid.verify(
                raw=request.raw,
                signature=request.headers.get(f"{_SENDGRID}-signature", ""),
                timestamp=request.headers.get(f"{_SENDGRID}-timestamp", ""),
                public_key=secrets.sendgrid_public_key,
            )
        case Provider.WHATSAPP:
            return bool(secrets.whatsapp_app_secret) and whatsapp.verify(
                raw=request.raw,
                signature=request.headers.get("x-hub-signature-256", ""),
                app_secret=secrets.whatsapp_app_secret,
            )


def account_of(request: Request) -> str | None:
    """Which account the request says it is about: not to be believed until it is verified."""
    match request.kind.provider:
        case Provider.TWILIO:
            return twilio.account_of(request.raw)
        case Provider.SENDGRID:
            return request.account
        case Provider.WHATSAPP:
            return whatsapp.account_of(request.raw)


def _signed_url(request: Request, secrets: Secrets) -> str:
    """The address as Twilio was given it; a proxy may have changed Host and scheme."""
    query = f"?{request.query}" if request.query else ""
    return f"{secrets.public_url.rstrip('/')}{request.path}{query}"


def read_items(kind: Kind, raw: bytes, *, token: str | None) -> tuple[WebhookItem, ...]:
    """What the request says. E-mails that patients write are kept and not read yet."""
    match kind:
        case Kind.TWILIO_STATUS:
            return twilio.parse_status(raw, mid=token)
        case Kind.TWILIO_INBOUND:
            return twilio.parse_inbound(raw)
        case Kind.SENDGRID_EVENTS:
            return sendgrid.parse_events(raw)
        case Kind.SENDGRID_INBOUND:
            return ()
        case Kind.WHATSAPP:
            return whatsapp.parse_envelope(raw)


def texts_of(items: Iterable[WebhookItem]) -> list[InboundText]:
    return [item for item in items if isinstance(item, InboundText)]


def events_of(items: Iterable[WebhookItem]) -> list[StatusEvent]:
    return [item for item in items if isinstance(item, StatusEvent)]
