"""Whether a webhook is one that the provider would have called."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

import orjson
from jsonschema import Draft202012Validator
from pywa.utils import webhook_updates_validator
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from handbell.channels.types import Provider
from tools.contract.openapi import FORM, JSON, LONGEST_FAULT
from tools.contract.types import Asked, Hook, Scenario

_SENDGRID: Final = "x-twilio-email-event-webhook"


@dataclass(frozen=True, slots=True)
class Kind:
    """A webhook: the provider, its schema in the reference folder, its content type."""

    provider: Provider
    schema: str
    media_type: str


KINDS: Final = {
    "/webhooks/twilio/status": Kind(Provider.TWILIO, "twilio_status_callback", FORM),
    "/webhooks/twilio/inbound": Kind(Provider.TWILIO, "twilio_inbound", FORM),
    "/webhooks/sendgrid/events": Kind(Provider.SENDGRID, "sendgrid_event_webhook", JSON),
    "/webhooks/whatsapp": Kind(Provider.WHATSAPP, "whatsapp_webhook", JSON),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the providers' webhooks are verified with."""

    twilio_auth_token: str
    sendgrid_public_key: str
    whatsapp_app_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookJudge:
    """Holds webhooks against their schemas, and their signatures against the SDKs' verifiers."""

    schemas: dict[str, Any]
    secrets: Secrets

    @classmethod
    def read(cls, folder: Path, secrets: Secrets) -> Self:
        """`folder` is the reference on providers, with `openapi/webhooks`."""
        files = (folder / "openapi" / "webhooks").glob("*.schema.json")
        schemas = {
            file.name.removesuffix(".schema.json"): orjson.loads(file.read_bytes())
            for file in files
        }
        return cls(schemas=schemas, secrets=secrets)

    def faults(self, hook: Hook) -> Iterator[str]:
        kind = KINDS.get(urlsplit(hook.url).path)
        if kind is None:
            yield "the provider has no such webhook"
            return
        if hook.asked.media_type != kind.media_type:
            yield f"content type {hook.asked.media_type!r} is not {kind.media_type}"
        value = _value(kind.media_type, hook.asked.body)
        for error in Draft202012Validator(self.schemas[kind.schema]).iter_errors(value):
            yield f"{error.json_path}: {error.message}"[:LONGEST_FAULT]
        if not self._is_signed(kind.provider, hook):
            yield "the signature is not accepted by the SDK"

    def _is_signed(self, provider: Provider, hook: Hook) -> bool:
        check: dict[Provider, Callable[[Hook], bool]] = {
            Provider.TWILIO: self._is_twilios,
            Provider.SENDGRID: self._is_sendgrids,
            Provider.WHATSAPP: self._is_metas,
        }
        return check[provider](hook)

    def _is_twilios(self, hook: Hook) -> bool:
        fields = _value(FORM, hook.asked.body)
        signature = hook.asked.headers.get("x-twilio-signature", "")
        validator = RequestValidator(self.secrets.twilio_auth_token)
        return bool(validator.validate(hook.url, fields, signature))

    def _is_sendgrids(self, hook: Hook) -> bool:
        signature, timestamp = (
            hook.asked.headers.get(f"{_SENDGRID}-{part}", "")
            for part in ("signature", "timestamp")
        )
        verifier = EventWebhook(self.secrets.sendgrid_public_key)
        body = hook.asked.body.decode()
        return body.endswith("\r\n") and verifier.verify_signature(body, signature, timestamp)

    def _is_metas(self, hook: Hook) -> bool:
        signature = hook.asked.headers.get("x-hub-signature-256", "")
        secret = self.secrets.whatsapp_app_secret
        is_right = webhook_updates_validator(secret, hook.asked.body, signature)
        return signature.startswith("sha256=") and is_right


def _value(media_type: str, body: bytes) -> Any:
    if media_type == FORM:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True))
    return orjson.loads(body)


def hook_from(sample: dict[str, Any], scenario: Scenario) -> Hook:
    """A recorded sample of the reference folder as a webhook."""
    told = sample["request"]
    headers = {name.lower(): value for name, value in told["headers"].items()}
    url = urlsplit(told["url"])
    asked = Asked(
        method=told["method"],
        path=url.path,
        query=url.query,
        headers=headers,
        body=told["body"].encode(),
    )
    return Hook(scenario=scenario, url=told["url"], asked=asked)
