"""Every recorded webhook: is it the provider's, and what does it say."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from handbell.channels.providers.failures import failure_of
from handbell.channels.providers.sendgrid import webhooks as sendgrid
from handbell.channels.providers.twilio import webhooks as twilio
from handbell.channels.providers.whatsapp import webhooks as whatsapp
from handbell.channels.types import (
    EventKind,
    InboundText,
    StatusEvent,
    TemplateStatus,
    WebhookItem,
)

pytestmark = pytest.mark.shared_data
_SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
_TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
_FORGED = {401, 403}


@pytest.fixture(scope="session")
def folder(shared_dir: Path) -> Path:
    return shared_dir / "reference" / "providers" / "fixtures"


def _samples(folder: Path, provider: str) -> list[dict]:  # type: ignore[type-arg]
    found = [json.loads(p.read_text()) for p in sorted((folder / provider).glob("*.json"))]
    assert len(found) > 10
    return [s for s in found if s["request"]["method"] == "POST"]


def _secrets(folder: Path) -> dict[str, str]:
    secrets: dict[str, str] = json.loads((folder / "index.json").read_text())["secrets"]
    return secrets


def _agrees(items: tuple[WebhookItem, ...], expect: dict) -> None:  # type: ignore[type-arg]
    if "events" in expect:
        assert len(items) == expect["events"]
        return
    item = items[0]
    if isinstance(item, InboundText):
        assert expect["event"] in {"reply", "opt_out", "opt_in"}
        assert item.body == expect.get("text", expect.get("button", item.body))
        assert item.context_ref == expect.get("in_reply_to", item.context_ref)
        assert item.sender == expect.get("phone", "+15550100123")
    elif isinstance(item, StatusEvent):
        _agrees_on_status(item, expect)
    else:
        assert expect["event"] == "template_status"
        assert isinstance(item, TemplateStatus)
        states = {"APPROVED": "approved", "DISABLED": "rejected", "PAUSED": "paused"}
        assert item.state == states[expect["status"]]
        assert item.name == "appointment_reminder"
        assert item.occurred_at is not None


def _agrees_on_status(item: StatusEvent, expect: dict) -> None:  # type: ignore[type-arg]
    kind = {"opt_out": "unsubscribed", "opt_in": "resubscribed"}.get(
        expect["event"], expect["event"]
    )
    if expect.get("machine_open"):
        kind = EventKind.MACHINE_OPENED
    if expect.get("error_class") == "expired":
        kind = EventKind.EXPIRED
    if kind == "dropped":
        kind = EventKind.FAILED
    assert item.kind == kind
    assert item.attempt_token == expect.get("our_message_id", item.attempt_token)
    assert item.provider_ref == expect.get("provider_message_id", item.provider_ref)
    if "error_class" in expect:
        assert failure_of(item.provider, item.code) == expect["error_class"]
        assert item.opted_out == (expect["error_class"] == "opt_out")
        assert item.bad_address == (expect["error_class"] == "invalid_recipient")


def test_twilio_samples_mean_what_they_say(folder: Path) -> None:
    token = _secrets(folder)["twilio_auth_token"]
    for sample in _samples(folder, "twilio"):
        request, expect = sample["request"], sample["expect"]
        url, raw = request["url"], request["body"].encode()
        signature = request["headers"]["X-Twilio-Signature"]
        verdict = twilio.verify(url=url, raw=raw, signature=signature, auth_token=token)
        assert verdict == (expect.get("http") not in _FORGED), sample["name"]
        if not verdict or "/events" in url:
            continue
        mid = parse_qs(urlsplit(url).query).get("mid", [None])[0]
        inbound = "MessageStatus" not in request["body"]
        _agrees(
            twilio.parse_inbound(raw) if inbound else twilio.parse_status(raw, mid=mid), expect
        )


def test_sendgrid_samples_mean_what_they_say(folder: Path) -> None:
    key = _secrets(folder)["sendgrid_public_key"]
    for sample in _samples(folder, "sendgrid"):
        request, expect = sample["request"], sample["expect"]
        headers, raw = request["headers"], request["body"].encode()
        if _SIGNATURE not in headers or not raw.lstrip().startswith(b"["):
            continue
        verdict = sendgrid.verify(
            raw=raw,
            signature=headers[_SIGNATURE],
            timestamp=headers[_TIMESTAMP],
            public_key=headers.get("X-Test-Public-Key", key),
        )
        assert verdict == (expect.get("http") not in _FORGED), sample["name"]
        if verdict:
            ours = raw.replace(b'"message_id"', b'"handbell_attempt"')
            _agrees(sendgrid.parse_events(ours), expect)


def test_whatsapp_samples_mean_what_they_say(folder: Path) -> None:
    secret = _secrets(folder)["whatsapp_app_secret"]
    for sample in _samples(folder, "whatsapp"):
        request, expect = sample["request"], sample["expect"]
        raw, signature = request["body"].encode(), request["headers"]["X-Hub-Signature-256"]
        verdict = whatsapp.verify(raw=raw, signature=signature, app_secret=secret)
        assert verdict == (expect.get("http") not in _FORGED), sample["name"]
        if verdict:
            _agrees(whatsapp.parse_envelope(raw), expect)
