"""Meta's webhook: an envelope of entries, changes, and in them statuses and messages."""

import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import orjson

from handbell.channels.providers.failures import Failure, failure_of
from handbell.channels.types import (
    EventKind,
    Ignored,
    InboundText,
    Provider,
    StatusEvent,
    TemplateStatus,
    WebhookItem,
)
from handbell.platform.vocabulary import Channel

_KINDS: Final = {
    "sent": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "read": EventKind.OPENED,
    "played": EventKind.OPENED,
    "failed": EventKind.FAILED,
}
_PREFERENCES: Final = {"stop": EventKind.UNSUBSCRIBED, "resume": EventKind.RESUBSCRIBED}
_APPROVALS: Final = {
    **dict.fromkeys(("APPROVED", "REINSTATED", "UNPAUSED", "UNARCHIVED"), "approved"),
    **dict.fromkeys(("PENDING", "IN_APPEAL"), "pending"),
    **dict.fromkeys(
        ("REJECTED", "DISABLED", "DELETED", "PENDING_DELETION", "ARCHIVED", "LIMIT_EXCEEDED"),
        "rejected",
    ),
    **dict.fromkeys(("PAUSED", "LOCKED"), "paused"),
}
"""What a template event means for sending; FLAGGED warns and changes nothing."""
_MEDIA: Final = {"image", "video", "audio", "document", "sticker"}
_Json = Mapping[str, object]


def verify(*, raw: bytes, signature: str, app_secret: str) -> bool:
    """Whether Meta signed exactly these bytes; `signature` is X-Hub-Signature-256."""
    expected = "sha256=" + hmac.new(app_secret.encode(), raw, sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))


def account_of(raw: bytes) -> str | None:
    """The business account that an envelope names; None where it names none or several."""
    try:
        entries = _items(_object(orjson.loads(raw)), "entry")
        named = {str(_object(entry).get("id")) for entry in entries}
    except orjson.JSONDecodeError:
        return None
    return named.pop() if len(named) == 1 else None


def parse_envelope(raw: bytes) -> tuple[WebhookItem, ...]:
    """Every status and message of the envelope; a bad one is ignored and loses no other."""
    try:
        envelope = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return (_ignored(raw, "not JSON"),)
    changes = [
        (_object(change), _object(entry).get("time"))
        for entry in _items(_object(envelope), "entry")
        for change in _items(_object(entry), "changes")
    ]
    return tuple(item for change, at in changes for item in _change(change, at))


def _change(change: _Json, at: object) -> Iterator[WebhookItem]:
    value = _object(change.get("value"))
    match change.get("field"):
        case "messages":
            line = _e164(_object(value.get("metadata")).get("display_phone_number")) or ""
            yield from (_status(_object(item)) for item in _items(value, "statuses"))
            yield from (_message(_object(item), line) for item in _items(value, "messages"))
        case "user_preferences":
            yield from (_preference(_object(i)) for i in _items(value, "user_preferences"))
        case "message_template_status_update":
            yield _template(value, at)
        case _:
            yield _ignored(orjson.dumps(change), "a field that we do not read")


def _status(item: _Json) -> WebhookItem:
    ref, status = _text(item, "id"), _text(item, "status")
    kind = _KINDS.get(status or "")
    if ref is None or kind is None:
        return _ignored(orjson.dumps(item), "no message or an unknown status")
    code = _error_code(item)
    failure = failure_of(Provider.WHATSAPP, code)
    return StatusEvent(
        provider=Provider.WHATSAPP,
        key=f"{ref}:{status}",
        kind=kind,
        attempt_token=_text(item, "biz_opaque_callback_data"),
        provider_ref=ref,
        occurred_at=_instant(item.get("timestamp")),
        code=code,
        opted_out=failure is Failure.OPT_OUT,
        bad_address=failure is Failure.INVALID_RECIPIENT,
        address=_e164(item.get("recipient_id")),
    )


def _message(item: _Json, line: str) -> WebhookItem:
    ref, body = _text(item, "id"), _body(item)
    if ref is None or body is None:
        return _ignored(orjson.dumps(item), "no message or a kind that says nothing")
    return InboundText(
        provider=Provider.WHATSAPP,
        channel=Channel.WHATSAPP,
        key=ref,
        line=line,
        body=body,
        sender=_e164(item.get("from")),
        provider_ref=ref,
        context_ref=_answered(item),
        occurred_at=_instant(item.get("timestamp")),
    )


def _answered(item: _Json) -> str | None:
    """Our message that is answered, or reacted to."""
    reaction = _text(_object(item.get("reaction")), "message_id")
    return reaction or _text(_object(item.get("context")), "id")


def _body(item: _Json) -> str | None:
    """The text, or the payload of the button: it is ours and the same in every language."""
    kind = _text(item, "type") or ""
    part = _object(item.get(kind))
    if kind == "text":
        return _text(part, "body")
    if kind == "button":
        return _text(part, "payload") or _text(part, "text")
    if kind == "interactive":
        return _text(_object(part.get(_text(part, "type") or "")), "id")
    if kind == "reaction":
        return _reaction(_text(part, "emoji"))
    if kind in _MEDIA:
        return _text(part, "caption") or ""
    return None


def _reaction(emoji: str | None) -> str:
    """In the words in which telephones tell of a reaction, so that it is read as one."""
    return f"Reacted {emoji} to “…”" if emoji else "Removed a reaction from “…”"


def _preference(item: _Json) -> WebhookItem:
    address, kind = _e164(item.get("wa_id")), _PREFERENCES.get(str(item.get("value")))
    if address is None or kind is None:
        return _ignored(orjson.dumps(item), "no number or an unknown preference")
    return StatusEvent(
        provider=Provider.WHATSAPP,
        key=f"preference:{sha256(orjson.dumps(item)).hexdigest()}",
        kind=kind,
        occurred_at=_instant(item.get("timestamp")),
        opted_out=kind is EventKind.UNSUBSCRIBED,
        address=address,
    )


def _template(item: _Json, at: object) -> WebhookItem:
    """Meta's reason is NONE where there is none; then its own title says more."""
    event = _text(item, "event") or ""
    name, language = (
        _text(item, "message_template_name"),
        _text(item, "message_template_language"),
    )
    state = _APPROVALS.get(event)
    if name is None or language is None or state is None:
        return _ignored(orjson.dumps(item), "no template or an event that changes nothing")
    reason = _text(item, "reason")
    told = reason if reason != "NONE" else _text(_object(item.get("other_info")), "title")
    category = _text(item, "message_template_category")
    return TemplateStatus(
        provider=Provider.WHATSAPP,
        key=f"template:{sha256(orjson.dumps([dict(item), at])).hexdigest()}",
        name=name,
        language=language,
        state=state,
        reason=told or (None if state == "approved" else event),
        category=category.lower() if category else None,
        occurred_at=_instant(at),
    )


def _error_code(item: _Json) -> str | None:
    codes = [_object(error).get("code") for error in _items(item, "errors")]
    return str(codes[0]) if codes and codes[0] is not None else None


def _object(value: object) -> _Json:
    return value if isinstance(value, dict) else {}


def _items(value: _Json, name: str) -> list[object]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _text(item: _Json, name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) and value else None


def _e164(value: object) -> str | None:
    """Meta leaves the plus out, and may write a display number with blanks."""
    digits = "".join(c for c in value if c in "0123456789") if isinstance(value, str) else ""
    return f"+{digits}" if digits else None


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(value)), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _ignored(raw: bytes, why: str) -> Ignored:
    return Ignored(provider=Provider.WHATSAPP, key=sha256(raw).hexdigest(), why=why)
