"""Anybody may post to a webhook: no bytes make it raise, and a bad item loses no other."""

import json

from hypothesis import given
from hypothesis import strategies as st

from handbell.channels.providers.sendgrid import webhooks as sendgrid
from handbell.channels.providers.twilio import webhooks as twilio
from handbell.channels.providers.whatsapp import webhooks as whatsapp
from handbell.channels.types import Ignored, StatusEvent

JSON = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["entry", "changes", "field", "value", "statuses", "event", "type"]),
            inner,
            max_size=3,
        )
    ),
)


@given(raw=st.binary(max_size=40), word=st.text(max_size=12))
def test_garbage_is_never_genuine(raw: bytes, word: str) -> None:
    url = "https://outreach.example.org/x"
    assert not twilio.verify(url=url, raw=raw, signature=word, auth_token="secret")
    assert not sendgrid.verify(raw=raw, signature=word, timestamp=word, public_key=word)
    assert not whatsapp.verify(raw=raw, signature=word, app_secret="secret")


@given(value=JSON, raw=st.binary(max_size=40))
def test_garbage_is_parsed_without_an_error(value: object, raw: bytes) -> None:
    for body in (json.dumps(value).encode(), raw):
        sendgrid.parse_events(body)
        whatsapp.parse_envelope(body)
        twilio.parse_status(body, mid=None)
        twilio.parse_inbound(body)


def test_a_bad_item_loses_no_other() -> None:
    good = {"event": "delivered", "sg_event_id": "e1", "handbell_attempt": "t1", "timestamp": 1}
    bad, unknown, item = sendgrid.parse_events(json.dumps([7, {"event": "new"}, good]).encode())
    assert isinstance(bad, Ignored)
    assert isinstance(unknown, Ignored)
    assert isinstance(item, StatusEvent)
    assert item.attempt_token == "t1"
    status = {"id": "wamid.1", "status": "read", "timestamp": "1"}
    change = {"field": "messages", "value": {"statuses": [None, status]}}
    body = json.dumps({"entry": [3, {"changes": [None, change]}]}).encode()
    found = [i for i in whatsapp.parse_envelope(body) if isinstance(i, StatusEvent)]
    assert [event.key for event in found] == ["wamid.1:read"]
