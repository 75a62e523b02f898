"""The sandbox as a process: reads `HANDBELL_*` and serves until it is told to stop."""

import json
import os
from pathlib import Path
from typing import Final

import uvicorn

from handbell.platform.clock import Clock, SystemClock
from handbell.platform.settings import Settings
from handbell.sandbox.app import create_app
from handbell.sandbox.types import SandboxConfig

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than any client keeps a connection: one that we close while a request is on its way
would leave its outcome unknown."""


def config_from(settings: Settings) -> SandboxConfig:
    """The accounts that the product is set up with are the ones that the sandbox plays.

    Its own: `HANDBELL_SANDBOX_SENDGRID_PRIVATE_KEY`, `HANDBELL_SANDBOX_PATIENTS=on`,
    `HANDBELL_SANDBOX_SEED`, `HANDBELL_SANDBOX_TWILIO_AUTO_REPLY=on`,
    `HANDBELL_SANDBOX_TWILIO_TEST_ACCOUNT_SID` and `…_AUTH_TOKEN`, `HANDBELL_SANDBOX_RECORD`, a
    file for what was received, and `HANDBELL_SANDBOX_TEMPLATES`, a JSON file of approved
    WhatsApp templates.
    """
    own = {
        name.removeprefix("HANDBELL_SANDBOX_"): value
        for name, value in os.environ.items()
        if name.startswith("HANDBELL_SANDBOX_")
    }
    return SandboxConfig(
        public_url=settings.public_url.rstrip("/"),
        twilio_account_sid=settings.twilio_account_sid,
        twilio_auth_token=settings.twilio_auth_token.get_secret_value(),
        twilio_from=settings.twilio_from,
        twilio_messaging_service_sid=settings.twilio_messaging_service_sid,
        twilio_auto_reply=own.get("TWILIO_AUTO_REPLY") == "on",
        sendgrid_api_key=settings.sendgrid_api_key.get_secret_value(),
        sendgrid_private_key=own.get("SENDGRID_PRIVATE_KEY", ""),
        whatsapp_access_token=settings.whatsapp_access_token.get_secret_value(),
        whatsapp_phone_number_id=settings.whatsapp_phone_number_id,
        whatsapp_business_id=settings.whatsapp_business_id,
        whatsapp_app_secret=settings.whatsapp_app_secret.get_secret_value(),
        patients=own.get("PATIENTS") == "on",
        seed=int(own.get("SEED", "0")),
        record=own.get("RECORD", ""),
        twilio_test_account_sid=own.get("TWILIO_TEST_ACCOUNT_SID", ""),
        twilio_test_auth_token=own.get("TWILIO_TEST_AUTH_TOKEN", ""),
        templates=_templates(own.get("TEMPLATES", "")),
    )


def _templates(path: str) -> tuple[tuple[str, str, str], ...]:
    told = json.loads(Path(path).read_text()) if path else []
    return tuple((one["name"], one["language"], one["body"]) for one in told)


def run(host: str = "127.0.0.1", port: int = 8701, *, clock: Clock | None = None) -> None:
    """Serve; a `clock` that is given is stepped by someone else (simulated time)."""
    app = create_app(config_from(Settings()), clock or SystemClock(), simulated=clock is not None)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
