"""What we sign in with at a provider, and how it is kept: encrypted, bound to its account."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson

from handbell.channels.types import Provider
from handbell.platform.crypto import KeyRing


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioCredentials:
    """`messaging_service_sid`, where there is one, sends instead of the single line."""

    auth_token: str = field(repr=False)
    messaging_service_sid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridCredentials:
    """`webhook_public_key` is base64 DER, as SendGrid shows it; without it no event is taken.
    `reply_to` is a mailbox of Inbound Parse, to which patients answer."""

    api_key: str = field(repr=False)
    from_name: str = ""
    webhook_public_key: str = ""
    reply_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppCredentials:
    """`app_secret` signs the webhooks of the app; empty where it is the environment's app."""

    access_token: str = field(repr=False)
    app_secret: str = field(default="", repr=False)


Credentials = TwilioCredentials | SendGridCredentials | WhatsAppCredentials

_TYPES: Final[dict[Provider, type[Credentials]]] = {
    Provider.TWILIO: TwilioCredentials,
    Provider.SENDGRID: SendGridCredentials,
    Provider.WHATSAPP: WhatsAppCredentials,
}


def provider_of(credentials: Credentials) -> Provider:
    return next(name for name, kind in _TYPES.items() if isinstance(credentials, kind))


def seal(keys: KeyRing, reference: str, credentials: Credentials) -> bytes:
    provider = provider_of(credentials)
    return keys.seal_credentials(
        orjson.dumps(asdict(credentials)), context=_context(provider, reference)
    )


def unseal(keys: KeyRing, provider: Provider, reference: str, sealed: bytes) -> Credentials:
    """Raises `CannotDecrypt`."""
    told: dict[str, Any] = orjson.loads(
        keys.unseal_credentials(sealed, context=_context(provider, reference))
    )
    return _TYPES[provider](**told)


def _context(provider: Provider, reference: str) -> str:
    return f"provider_accounts/{provider}/{reference}"
