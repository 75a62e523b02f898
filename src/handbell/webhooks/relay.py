"""The normalised form in which a trusted relay hands on what providers reported."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError

# allow public-files: a relayed code means what the provider's own code means
from handbell.channels.providers.failures import Failure, failure_of
from handbell.channels.service import CHANNEL_OF_PROVIDER
from handbell.channels.types import EventKind, InboundText, StatusEvent
from handbell.webhooks.errors import RelayUnreadable
from handbell.webhooks.schemas import RelayedStatusIn, RelayedTextIn

WINDOW: Final = timedelta(minutes=5)
"""How old, or how far ahead, a relay's timestamp may be."""
_WORDS: Final = {kind.value: kind for kind in EventKind if kind is not EventKind.OTHER} | {
    "read": EventKind.OPENED,
    "undelivered": EventKind.FAILED,
}
_ENDS_CONSENT: Final = {EventKind.UNSUBSCRIBED, EventKind.COMPLAINED}


def verify(*, raw: bytes, signature: str, timestamp: str, secret: str, now: datetime) -> bool:
    """Whether the relay signed these bytes, lately: HMAC-SHA256 over timestamp, dot and body.

    `timestamp` is in Unix seconds.
    """
    signed = timestamp.encode(errors="replace") + b"." + raw
    expected = "sha256=" + hmac.new(secret.encode(), signed, sha256).hexdigest()
    is_same = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
    return is_same and _is_fresh(timestamp, now=now)


def _is_fresh(timestamp: str, *, now: datetime) -> bool:
    try:
        return abs(now - datetime.fromtimestamp(int(timestamp), tz=UTC)) <= WINDOW
    except (ValueError, OverflowError, OSError):
        return False


def parse_status(raw: bytes) -> StatusEvent:
    """One event. The key is Twilio's and Meta's own, so that what both they and a relay tell
    counts once. Raises `RelayUnreadable`."""
    told = _parse(RelayedStatusIn, raw)
    kind = _WORDS.get(told.status.lower())
    if kind is None:
        raise RelayUnreadable("status")
    failure = failure_of(told.provider, told.event_data.code)
    return StatusEvent(
        provider=told.provider,
        key=f"{told.message_id}:{told.status.lower()}",
        kind=kind,
        attempt_token=told.event_data.attempt_token,
        provider_ref=told.message_id,
        occurred_at=told.timestamp,
        code=told.event_data.code,
        opted_out=kind in _ENDS_CONSENT or failure is Failure.OPT_OUT,
        bad_address=failure is Failure.INVALID_RECIPIENT,
        address=told.event_data.address,
    )


def parse_inbound(raw: bytes) -> InboundText:
    """One message of a patient's. Raises `RelayUnreadable`."""
    told = _parse(RelayedTextIn, raw)
    return InboundText(
        provider=told.provider,
        channel=CHANNEL_OF_PROVIDER[told.provider],
        key=told.message_id,
        line=told.to,
        body=told.body,
        sender=told.sender,
        provider_ref=told.message_id,
        occurred_at=told.timestamp,
    )


def _parse(model: type[Any], raw: bytes) -> Any:
    try:
        return model.model_validate_json(raw)
    except ValidationError as wrong:
        fields = {".".join(str(part) for part in one["loc"]) for one in wrong.errors()}
        raise RelayUnreadable(*fields) from None
