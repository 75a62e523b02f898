"""E-mails that patients write, as SendGrid's Inbound Parse hands them on."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.channels.providers.sendgrid.inbound import parse_inbound
from handbell.channels.types import Ignored, InboundText
from handbell.platform.vocabulary import Channel
from handbell.replies.policy import reply_parser
from handbell.replies.types import Intent

BOUNDARY = b"xYzZY"
FIELDS = {
    "headers": "From: Pat <Pat@Example.org>\nMessage-ID: <abc@example.org>\n"
    "Date: Tue, 1 Dec 2026 11:59:00 -0500\n",
    "from": "Pat <Pat@Example.org>",
    "to": "reply+ToKeN@in.example.org",
    "envelope": '{"to": ["reply+ToKeN@in.example.org"], "from": "pat@example.org"}',
    "subject": "Re: Your appointment",
    "text": "C",
}


def mail(**changes: str | bytes) -> bytes:
    """A form as SendGrid writes it."""
    fields: Mapping[str, str | bytes] = {**FIELDS, **changes}
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (BOUNDARY, name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in fields.items()
    ]
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def written(**changes: str | bytes) -> InboundText:
    (item,) = parse_inbound(mail(**changes))
    assert isinstance(item, InboundText), item
    return item


def test_who_wrote_to_whom_about_which_message_and_when() -> None:
    item = written()
    assert (item.channel, item.sender) == (Channel.EMAIL, "pat@example.org")
    assert (item.line, item.context_ref) == ("reply@in.example.org", "ToKeN")
    assert (item.key, item.body) == ("<abc@example.org>", "C")
    assert item.occurred_at == datetime(2026, 12, 1, 16, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "intent"),
    [
        ({"text": "Yes\n\n> On Tue, Clinic wrote:\n> Reply STOP to opt out"}, Intent.CONFIRM),
        ({"text": "C\n\nSent from my iPhone"}, Intent.CONFIRM),
        ({"subject": "unsubscribe", "text": ""}, Intent.STOP),
        ({"subject": "unsubscribe", "text": "unsubscribe"}, Intent.STOP),
        ({"subject": "Re: Your appointment", "text": "R"}, Intent.RESCHEDULE),
        ({"text": "", "html": "<p>Yes</p><blockquote>Reply STOP</blockquote>"}, Intent.CONFIRM),
        ({"subject": "Parking", "text": "yes"}, Intent.OTHER),
        (
            {
                "text": "Sí".encode("latin-1"),
                "charsets": '{"text": "iso-8859-1", "subject": "UTF-8"}',
            },
            Intent.CONFIRM,
        ),
    ],
)
def test_only_the_patient_s_own_words_count(
    changes: dict[str, str | bytes], intent: Intent
) -> None:
    assert reply_parser().read(written(**changes).body).intent is intent


def test_a_whole_mime_message_is_read_too() -> None:
    raw = (
        "From: pat@example.org\nMessage-ID: <raw@example.org>\nMIME-Version: 1.0\n"
        'Content-Type: text/plain; charset="utf-8"\n\nSTOP\n'
    )
    item = written(headers="", text="", email=raw)
    assert (item.key, item.body.strip()) == ("<raw@example.org>", "STOP")


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": "Message-ID: <a@b>\nAuto-Submitted: auto-replied\n"},
        {"headers": "Message-ID: <a@b>\nPrecedence: bulk\n"},
        {"envelope": '{"to": ["reply@in.example.org"], "from": ""}'},
        {"from": "no mailbox"},
        {"to": "", "envelope": "{}"},
    ],
)
def test_what_no_person_wrote_is_ignored(changes: dict[str, str | bytes]) -> None:
    (item,) = parse_inbound(mail(**changes))
    assert isinstance(item, Ignored)


@given(st.binary(max_size=400))
def test_nothing_that_comes_in_breaks_the_reader(raw: bytes) -> None:
    for body in (raw, b"--" + raw, mail(text=raw, headers=raw, envelope=raw, charsets=raw)):
        assert len(parse_inbound(body)) == 1


@given(st.text(max_size=60))
def test_any_envelope_is_survived(text: str) -> None:
    envelope = json.dumps({"to": [text], "from": text})
    assert len(parse_inbound(mail(envelope=envelope, to=text, **{"from": text}))) == 1
