"""Who signed, over which address and by which rule; and the relay's own form."""

import hashlib
import hmac
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest

from handbell.channels.types import EventKind
from handbell.platform.clock import FrozenClock
from handbell.webhooks import reading
from handbell.webhooks.types import Kind, Request, Secrets

TOKEN = "12345"
BODY = b"MessageSid=SM1&ErrorMessage=&Note=b&Note=a&Note=a&Body=a+b%2Bc"
SIGNED = "Bodya b+cErrorMessageMessageSidSM1NoteaNoteb"
"""Sorted by name; the empty field counts, and a repeated one with each of its values once."""


def sign(url: str, fields: str, *, key: str = TOKEN, algorithm: str = "sha1") -> str:
    return b64encode(hmac.digest(key.encode(), (url + fields).encode(), algorithm)).decode()


def request(
    signature: str, *, raw: bytes = BODY, query: str = "", settings: str = "", host: str = ""
) -> Request:
    return Request(
        kind=Kind.TWILIO_STATUS,
        raw=raw,
        path="/webhooks/twilio/status",
        query=query,
        headers={
            "x-twilio-signature": signature,
            "host": host,
            "x-twilio-webhooks-signature-settings": settings,
        },
    )


def is_genuine(one: Request, clock: FrozenClock, *, public_url: str, **more: str) -> bool:
    secrets = Secrets(
        public_url=public_url,
        twilio_auth_token=TOKEN,
        sendgrid_public_key="",
        whatsapp_app_secret="",
        whatsapp_verify_token="",
        **more,
    )
    return reading.is_genuine(one, secrets, now=clock.instant)


@pytest.mark.parametrize(
    ("public_url", "called"),
    [
        ("https://m.example.org", "https://m.example.org"),
        ("https://m.example.org/", "https://m.example.org"),
        ("https://m.example.org", "https://m.example.org:443"),
        ("https://m.example.org:443", "https://m.example.org"),
        ("https://m.example.org:8443", "https://m.example.org:8443"),
        ("https://m.example.org/handbell", "https://m.example.org/handbell"),
    ],
)
def test_the_address_is_the_configured_one_with_its_port_or_without(
    clock: FrozenClock, public_url: str, called: str
) -> None:
    url = f"{called}/webhooks/twilio/status?mid=a%2Db"
    one = request(sign(url, SIGNED), query="mid=a%2Db", host="inside:8700")
    assert is_genuine(one, clock, public_url=public_url)


@pytest.mark.parametrize(
    "called",
    ["http://m.example.org", "https://other.example.org", "https://m.example.org/x"],
)
def test_another_address_is_another_signature(clock: FrozenClock, called: str) -> None:
    one = request(sign(f"{called}/webhooks/twilio/status", SIGNED), host="other.example.org")
    assert not is_genuine(one, clock, public_url="https://m.example.org")


def test_a_field_less_or_more_is_another_signature(clock: FrozenClock) -> None:
    url = "https://m.example.org/webhooks/twilio/status"
    signature = sign(url, SIGNED)
    assert is_genuine(request(signature), clock, public_url="https://m.example.org")
    for raw in (BODY.replace(b"&ErrorMessage=", b""), BODY + b"&X=1", BODY + b"&Note=c"):
        one = request(signature, raw=raw)
        assert not is_genuine(one, clock, public_url="https://m.example.org")


def test_a_json_body_is_signed_by_its_hash_in_the_address(clock: FrozenClock) -> None:
    raw = b'[{"id": "E1"}]'
    query = f"bodySHA256={hashlib.sha256(raw).hexdigest()}"
    signature = sign(f"https://m.example.org/webhooks/twilio/status?{query}", "")
    one = request(signature, raw=raw, query=query)
    assert is_genuine(one, clock, public_url="https://m.example.org")
    for other in (raw + b" ", b""):
        forged = request(signature, raw=other, query=query)
        assert not is_genuine(forged, clock, public_url="https://m.example.org")


def test_the_setting_chooses_sha_256_and_the_shared_key(clock: FrozenClock) -> None:
    url = "https://m.example.org/webhooks/twilio/status"
    said = "key=webhooks_sharedkey_01,algorithm=HMAC_SHA256"
    at = {"public_url": "https://m.example.org"}
    by_token = sign(url, SIGNED, algorithm="sha256")
    assert is_genuine(request(by_token, settings=said), clock, **at)
    assert not is_genuine(request(by_token), clock, **at)
    assert not is_genuine(request(sign(url, SIGNED), settings=said), clock, **at)
    unheard = "key=k,algorithm=HMAC_MD5"
    assert not is_genuine(request(by_token, settings=unheard), clock, **at)
    shared = sign(url, SIGNED, key="shared", algorithm="sha256")
    assert is_genuine(request(shared, settings=said), clock, twilio_shared_key="shared", **at)
    assert not is_genuine(
        request(by_token, settings=said), clock, twilio_shared_key="shared", **at
    )


STATUS: dict[str, Any] = {
    "provider": "twilio",
    "message_id": "SM9",
    "status": "undelivered",
    "timestamp": "2026-12-01T16:59:00Z",
    "event_data": {"code": "30005", "carrier": "unheard of"},
}
TEXT: dict[str, Any] = {
    "provider": "whatsapp",
    "from": "+12125550123",
    "to": "+12025550199",
    "body": "C",
    "timestamp": "2026-12-01T16:59:00Z",
    "message_id": "wamid.1",
}


@pytest.mark.requirement("R6.1")
async def test_a_relay_tells_of_a_message_once_with_what_the_provider_tells(hooks: Any) -> None:
    for _ in range(2):
        assert (await hooks.relay("outbound-status", **STATUS)).json() == {}
    assert await hooks.apply_all() == 1
    native = {"MessageSid": "SM9", "MessageStatus": "undelivered", "ErrorCode": "30005"}
    await hooks.twilio("status?mid=a", **native)
    await hooks.practice.execute("DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox)")
    await hooks.apply_all()
    told, own = hooks.delivery.events
    assert told.key == own.key
    assert (told.kind, told.code, told.bad_address) == (EventKind.FAILED, "30005", True)
    assert told.occurred_at.isoformat() == "2026-12-01T16:59:00+00:00"


@pytest.mark.requirement("R1.7", "R5.3")
async def test_a_relayed_text_is_received_and_a_stop_has_stopped(hooks: Any) -> None:
    assert (await hooks.relay("inbound", **TEXT)).status_code == 200
    await hooks.apply_all()
    [(organization_id, item, _)] = hooks.inbound.taken
    assert (organization_id, item.body, item.channel) == (1, "C", "whatsapp")
    stop = TEXT | {"body": "STOP", "message_id": "wamid.2"}
    assert (await hooks.relay("inbound", **stop)).status_code == 200
    assert hooks.delivery.calls == ["opt_out with 2 stored", "settle of 1"]


async def test_a_relay_that_signs_wrongly_or_not_now_is_refused(hooks: Any) -> None:
    for answer in (
        await hooks.relay("inbound", secret="another", **TEXT),
        await hooks.relay("inbound", late=301, **TEXT),
        await hooks.relay("inbound", late=-301, **TEXT),
        await hooks.client.post("/comm/webhook/inbound", json=TEXT),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "signature_invalid")
    assert (await hooks.relay("inbound", late=299, **TEXT)).status_code == 200


@pytest.mark.parametrize(
    ("path", "told", "field"),
    [
        ("outbound-status", STATUS | {"status": "teleported"}, "status"),
        ("outbound-status", STATUS | {"provider": "pigeon"}, "provider"),
        ("outbound-status", STATUS | {"timestamp": "2026-12-01T16:59:00"}, "timestamp"),
        ("inbound", TEXT | {"message_id": ""}, "message_id"),
        ("inbound", TEXT | {"to": None}, "to"),
    ],
)
async def test_a_relay_hears_what_it_says_wrongly_and_nothing_is_stored(
    hooks: Any, path: str, told: dict[str, Any], field: str
) -> None:
    answer = await hooks.relay(path, **told)
    assert (answer.status_code, answer.json()["code"]) == (422, "relay_unreadable")
    assert answer.json()["details"] == {"fields": [field]}
    assert await hooks.rows("SELECT id FROM webhook_deliveries") == []


async def test_meta_is_answered_with_200_and_nothing_else(hooks: Any) -> None:
    answer = await hooks.whatsapp({"anything": "new"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_form_of_the_test_is_the_form_that_is_sent() -> None:
    fields = [("MessageSid", "SM1"), ("ErrorMessage", ""), ("Note", "b"), ("Note", "a")]
    more = [("Note", "a"), ("Body", "a b+c")]
    assert urlencode(fields + more).encode() == BODY
