"""Accounts for the sandbox, where no provider is configured: made once, kept in the home."""

import base64
import json
import re
import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from handbell.access.types import FIRST_ORGANIZATION
from handbell.entrypoints.bootstrap import Runtime, database_urls
from handbell.entrypoints.home import write_private
from handbell.platform.clock import SimClock
from handbell.platform.db import OrganizationId
from handbell.platform.settings import Settings
from handbell.templates.service import library_texts

PRACTICE: Final = {"phone": "212-555-0100", "postal_address": "1 Main St, Albany, NY 12207"}
"""What the first organisation says of itself in messages, until it is told better."""


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
        "HANDBELL_WHATSAPP_NUMBER": "+12025550199",
        "HANDBELL_TWILIO_BAA": "not_required",
        "HANDBELL_SENDGRID_BAA": "not_required",
        "HANDBELL_WHATSAPP_BAA": "not_required",
        "HANDBELL_SANDBOX_TWILIO_AUTO_REPLY": "on",
        "HANDBELL_SANDBOX_TEMPLATES": str(_write_templates(home)),
    }


def _write_templates(home: Path) -> Path:
    """The library's WhatsApp texts as Meta knows them once it has approved them."""
    path = home / "sandbox-templates.json"
    approved = [
        {
            "name": body.whatsapp.name,
            "language": body.whatsapp.language,
            "body": _numbered(body.body, body.whatsapp.parameters),
        }
        for text in library_texts()
        for body in (text.full, text.generic)
        if body is not None and body.whatsapp is not None
    ]
    write_private(path, json.dumps(approved, indent=2))
    return path


async def approve(runtime: Runtime, organization_id: OrganizationId = FIRST_ORGANIZATION) -> None:
    """Know that the sandbox's Meta has approved the library's templates. Safe to repeat."""
    await runtime.approvals.approve_all(
        organization_id, library_texts(), actor="sandbox", now=await runtime.clock.now()
    )


def _numbered(body: str, parameters: tuple[str, ...]) -> str:
    """Our names as Meta's numbers."""
    for no, name in enumerate(parameters, start=1):
        body = re.sub(r"\{\{\s*" + name + r"\s*\}\}", f"{{{{{no}}}}}", body)
    return body


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


def stepped_clock(settings: Settings) -> SimClock | None:
    """The clock that the sandbox shares with us in simulated time; None is the machine's own."""
    if settings.clock != "simulated":
        return None
    return SimClock(database_urls(settings).app)
