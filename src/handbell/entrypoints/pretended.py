"""Accounts for the sandbox, where no provider is configured: made once, kept in the home."""

import base64
import json
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from handbell.entrypoints.home import write_private
from handbell.platform.settings import Settings


def is_needed(settings: Settings) -> bool:
    """Whether no real provider account is set: one real one is enough to leave it off."""
    return not (
        settings.twilio_account_sid
        or settings.sendgrid_api_key.get_secret_value()
        or settings.whatsapp_access_token.get_secret_value()
    )


def accounts(home: Path, *, sandbox_url: str, public_url: str) -> dict[str, str]:
    """`HANDBELL_*` variables that point the three clients at the sandbox, and the sandbox's
    webhooks back at us."""
    path = home / "sandbox.json"
    if not path.exists():
        write_private(path, json.dumps(_invent(), indent=2))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept | {
        "HANDBELL_PUBLIC_URL": public_url,
        "HANDBELL_TWILIO_BASE_URL": f"{sandbox_url}/twilio",
        "HANDBELL_SENDGRID_BASE_URL": f"{sandbox_url}/sendgrid",
        "HANDBELL_WHATSAPP_BASE_URL": f"{sandbox_url}/whatsapp/v23.0",
    }


def _invent() -> dict[str, str]:
    """Ids in the providers' own shapes; secrets that are random like real ones."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "HANDBELL_TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "HANDBELL_TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "HANDBELL_TWILIO_FROM": "+12025550100",
        "HANDBELL_TWILIO_MESSAGING_SERVICE_SID": f"MG{secrets.token_hex(16)}",
        "HANDBELL_SENDGRID_API_KEY": f"SG.{secrets.token_urlsafe(32)}",
        "HANDBELL_SENDGRID_FROM_EMAIL": "care@practice.example.org",
        "HANDBELL_SENDGRID_WEBHOOK_PUBLIC_KEY": base64.b64encode(public).decode(),
        "HANDBELL_SANDBOX_SENDGRID_PRIVATE_KEY": base64.b64encode(private).decode(),
        "HANDBELL_WHATSAPP_ACCESS_TOKEN": secrets.token_urlsafe(32),
        "HANDBELL_WHATSAPP_BUSINESS_ID": str(secrets.randbelow(10**15)),
        "HANDBELL_WHATSAPP_PHONE_NUMBER_ID": str(secrets.randbelow(10**15)),
        "HANDBELL_WHATSAPP_APP_SECRET": secrets.token_hex(16),
        "HANDBELL_WHATSAPP_VERIFY_TOKEN": secrets.token_hex(16),
    }
