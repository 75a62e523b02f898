"""SendGrid's event webhook: a JSON array of events of many messages."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sendgrid.helpers.eventwebhook import EventWebhook

from handbell.channels.providers.failures import Failure, failure_of
from handbell.channels.types import EventKind, Ignored, Provider, StatusEvent, WebhookItem

_KINDS: Final = {
    "processed": EventKind.SENDING,
    "deferred": EventKind.SENDING,
    "delivered": EventKind.DELIVERED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "bounce": EventKind.BOUNCED,
    "dropped": EventKind.FAILED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "group_resubscribe": EventKind.RESUBSCRIBED,
}
_ENDS_CONSENT: Final = {EventKind.COMPLAINED, EventKind.UNSUBSCRIBED}


def verify(*, raw: bytes, signature: str, timestamp: str, public_key: str) -> bool:
    """Whether SendGrid signed exactly these bytes, the closing CRLF with them."""
    try:
        return _is_signed(EventWebhook(public_key), raw, signature, timestamp)
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm, InvalidSignature):
        return False


def _is_signed(webhook: EventWebhook, raw: bytes, signature: str, timestamp: str) -> bool:
    """The library takes text only; an e-mail may have been written in another charset."""
    try:
        return bool(webhook.verify_signature(raw.decode(), signature, timestamp))
    except UnicodeDecodeError:
        signed = timestamp.encode() + raw
        webhook.public_key.verify(b64decode(signature), signed, ec.ECDSA(SHA256()))
        return True


def parse_events(raw: bytes) -> tuple[WebhookItem, ...]:
    """Every event by itself: a bad one is ignored and loses no other."""
    try:
        items = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return (_ignored(raw, "not JSON"),)
    if not isinstance(items, list):
        return (_ignored(raw, "not an array"),)
    return tuple(_event(item) for item in items)


def _event(item: object) -> WebhookItem:
    if not isinstance(item, dict):
        return _ignored(orjson.dumps(item), "not an object")
    kind = _kind(item)
    if kind is None:
        return _ignored(orjson.dumps(item), "an unknown event")
    code = _code(item)
    failure = failure_of(Provider.SENDGRID, code)
    return StatusEvent(
        provider=Provider.SENDGRID,
        key=_text(item, "sg_event_id") or _digest(orjson.dumps(item)),
        kind=kind,
        attempt_token=_text(item, "handbell_attempt"),
        provider_ref=_reference(item),
        occurred_at=_instant(item.get("timestamp")),
        code=code,
        opted_out=kind in _ENDS_CONSENT or failure is Failure.OPT_OUT,
        bad_address=failure is Failure.INVALID_RECIPIENT,
        address=_text(item, "email"),
    )


def _kind(item: Mapping[str, object]) -> EventKind | None:
    kind = _KINDS.get(str(item.get("event")))
    if kind is EventKind.OPENED and item.get("sg_machine_open") is True:
        return EventKind.MACHINE_OPENED
    if kind is EventKind.BOUNCED and item.get("type") == "blocked":
        return EventKind.FAILED
    return kind


def _code(item: Mapping[str, object]) -> str | None:
    if item.get("event") == "bounce":
        return f"bounce:{_text(item, 'type') or 'bounce'}"
    if item.get("event") == "dropped":
        reason = f"dropped:{_text(item, 'reason') or ''}"
        return reason if failure_of(Provider.SENDGRID, reason) else "dropped"
    return None


def _reference(item: Mapping[str, object]) -> str | None:
    return (_text(item, "sg_message_id") or "").split(".", 1)[0] or None


def _text(item: Mapping[str, object], name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) and value else None


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(str(value)), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def _ignored(raw: bytes, why: str) -> Ignored:
    return Ignored(provider=Provider.SENDGRID, key=_digest(raw), why=why)
