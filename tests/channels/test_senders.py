"""What each sender asks, byte for byte, and what it makes of each answer."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from handbell.channels.providers.sendgrid.sender import SendGridAccount, SendGridSender
from handbell.channels.providers.twilio.sender import TwilioAccount, TwilioSender
from handbell.channels.providers.whatsapp.sender import WhatsAppAccount, WhatsAppSender
from handbell.channels.types import (
    Accepted,
    Attachment,
    EmailContent,
    MediaKind,
    Outbound,
    Outcome,
    Refused,
    Retry,
    SmsContent,
    Unknown,
    WhatsAppMedia,
    WhatsAppTemplate,
)
from handbell.platform.transport import Answer, FakeTransport, NeverLeft, NoAnswer

SMS = Outbound(
    sender="+12025550100",
    to="+15550100123",
    content=SmsContent(text="Hi & bye"),
    attempt_token="t1",
    validity=timedelta(days=2),
)
EMAIL = Outbound(
    sender="clinic@example.org",
    to="pat@example.org",
    content=EmailContent(subject="S", html="<p>H</p>", text="T"),
    attempt_token="t1",
)
TEMPLATE = Outbound(
    sender="9",
    to="15550100123",
    content=WhatsAppTemplate(
        name="reminder", language="en_US", parameters=("Ann",), button_payloads=("CONFIRM:1",)
    ),
    attempt_token="t1",
)


def _twilio(transport: FakeTransport) -> TwilioSender:
    account = TwilioAccount(
        base_url="http://twilio.test",
        account_sid="AC1",
        auth_token="secret",
        public_url="https://outreach.example.org",
        messaging_service_sid="MG1",
    )
    return TwilioSender(transport=transport, account=account)


def _sendgrid(transport: FakeTransport) -> SendGridSender:
    account = SendGridAccount(base_url="http://sendgrid.test", api_key="SG.1")
    return SendGridSender(transport=transport, account=account)


def _whatsapp(transport: FakeTransport) -> WhatsAppSender:
    account = WhatsAppAccount(base_url="http://graph.test/v23.0", access_token="tok")
    return WhatsAppSender(transport=transport, account=account)


def _said(status: int, body: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=named, body=json.dumps(body).encode())


async def test_twilio_is_asked_in_a_form_with_the_attempt_in_the_callback() -> None:
    transport = FakeTransport(_said(201, {"sid": "SM1"}))
    assert await _twilio(transport).send(SMS) == Accepted(provider_ref="SM1")
    (posted,) = transport.posted
    assert posted.url == "http://twilio.test/2010-04-01/Accounts/AC1/Messages.json"
    assert posted.headers["Authorization"] == "Basic QUMxOnNlY3JldA=="
    assert posted.body == (
        b"To=%2B15550100123&MessagingServiceSid=MG1&Body=Hi+%26+bye&StatusCallback=https%3A%2F%2F"
        b"outreach.example.org%2Fwebhooks%2Ftwilio%2Fstatus%3Fmid%3Dt1%23rc%3D3%26rp%3Dall"
        b"&ValidityPeriod=36000"
    )
    assert parse_qs(posted.body.decode())["Body"] == ["Hi & bye"]


async def test_sendgrid_is_asked_without_tracking_and_with_the_attempt_as_an_argument() -> None:
    transport = FakeTransport(Answer(status=202, headers={"x-message-id": "X1"}))
    assert await _sendgrid(transport).send(EMAIL) == Accepted(provider_ref="X1")
    (posted,) = transport.posted
    assert posted.url == "http://sendgrid.test/v3/mail/send"
    assert posted.body == (
        b'{"personalizations":[{"to":[{"email":"pat@example.org"}]}],'
        b'"from":{"email":"clinic@example.org"},"subject":"S",'
        b'"content":[{"type":"text/plain","value":"T"},{"type":"text/html","value":"<p>H</p>"}],'
        b'"custom_args":{"handbell_attempt":"t1"},"categories":["handbell"],'
        b'"tracking_settings":{"click_tracking":{"enable":false,"enable_text":false},'
        b'"open_tracking":{"enable":false}}}'
    )


async def test_whatsapp_is_asked_with_a_plus_a_template_and_the_attempt() -> None:
    transport = FakeTransport(_said(200, {"messages": [{"id": "wamid.1"}]}))
    assert await _whatsapp(transport).send(TEMPLATE) == Accepted(provider_ref="wamid.1")
    (posted,) = transport.posted
    assert posted.url == "http://graph.test/v23.0/9/messages"
    assert posted.body == (
        b'{"messaging_product":"whatsapp","recipient_type":"individual","to":"+15550100123",'
        b'"biz_opaque_callback_data":"t1","type":"template","template":{"name":"reminder",'
        b'"language":{"code":"en_US"},"components":[{"type":"body","parameters":'
        b'[{"type":"text","text":"Ann"}]},{"type":"button","sub_type":"quick_reply","index":"0",'
        b'"parameters":[{"type":"payload","payload":"CONFIRM:1"}]}]}}'
    )


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (_said(400, {"code": 21610}), Refused(code="21610", opted_out=True)),
        (_said(400, {"code": 21211}), Refused(code="21211", bad_address=True)),
        (_said(400, {"code": 99999}), Refused(code="99999")),
        (
            _said(429, {"code": 20429}, retry_after="7"),
            Retry(code="20429", retry_after=timedelta(seconds=7)),
        ),
        (_said(503, {"code": 20503}), Unknown(code="20503")),
        (Answer(status=502, body=b"<html>"), Unknown(code="http_502")),
        (NeverLeft("refused"), Retry(code="never_left")),
        (NoAnswer("reset"), Unknown(code="no_answer")),
    ],
)
async def test_twilio_answers_mean(
    answer: Answer | NeverLeft | NoAnswer, outcome: Outcome
) -> None:
    assert await _twilio(FakeTransport(answer)).send(SMS) == outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (
            _said(400, {"errors": [{"field": "personalizations.0.to", "message": "no"}]}),
            Refused(code="400", bad_address=True),
        ),
        (_said(401, {"errors": [{"field": None}]}), Refused(code="401")),
        (Answer(status=413, body=b"<html>"), Refused(code="413")),
        (_said(429, {"errors": []}), Retry(code="429")),
        (_said(500, {"errors": []}), Unknown(code="500")),
        (Answer(status=202), Unknown(code="no_message_id")),
    ],
)
async def test_sendgrid_answers_mean(answer: Answer, outcome: Outcome) -> None:
    assert await _sendgrid(FakeTransport(answer)).send(EMAIL) == outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (_said(503, {"error": {"code": 131016}}), Retry(code="131016")),
        (_said(400, {"error": {"code": 131048}}), Refused(code="131048")),
        (_said(400, {"error": {"code": 131050}}), Refused(code="131050", opted_out=True)),
        (_said(400, {"error": {"code": 131026}}), Refused(code="131026", bad_address=True)),
        (_said(503, {"error": {"code": 2}}), Unknown(code="2")),
        (_said(200, {"messages": []}), Unknown(code="no_wamid")),
    ],
)
async def test_whatsapp_answers_mean(answer: Answer, outcome: Outcome) -> None:
    assert await _whatsapp(FakeTransport(answer)).send(TEMPLATE) == outcome


async def test_sendgrid_carries_categories_and_files() -> None:
    made = Attachment(filename="visit.ics", media_type="text/calendar", data=b"BEGIN:VCALENDAR")
    content = EmailContent(
        subject="S", html="<p>H</p>", text="T", categories=("care",), attachments=(made,)
    )
    transport = FakeTransport(Answer(status=202, headers={"x-message-id": "X1"}))
    await _sendgrid(transport).send(replace(EMAIL, content=content))
    mail = json.loads(transport.posted[0].body)
    assert mail["categories"] == ["handbell", "care"]
    assert mail["attachments"] == [
        {
            "content": "QkVHSU46VkNBTEVOREFS",
            "type": "text/calendar",
            "filename": "visit.ics",
            "disposition": "attachment",
        }
    ]


@pytest.mark.requirement("R2.1")
async def test_whatsapp_templates_have_headers_replies_and_links_in_metas_order() -> None:
    template = WhatsAppTemplate(
        name="reminder",
        language="en_US",
        parameters=(),
        header=WhatsAppMedia(kind=MediaKind.DOCUMENT, link="https://m.example.org/a.pdf"),
        button_payloads=("CONFIRM:1", "R"),
        url_suffixes=("k7Q",),
    )
    with_text = replace(template, header="Ann", button_payloads=(), url_suffixes=("k7Q",))
    transport = FakeTransport(*[_said(200, {"messages": [{"id": "wamid.1"}]})] * 2)
    for one in (template, with_text):
        await _whatsapp(transport).send(replace(TEMPLATE, content=one))
    first, second = (
        json.loads(posted.body)["template"]["components"] for posted in transport.posted
    )
    media = {"type": "document", "document": {"link": "https://m.example.org/a.pdf"}}
    assert first[0] == {"type": "header", "parameters": [media]}
    assert [(one["sub_type"], one["index"]) for one in first[1:]] == [
        ("quick_reply", "0"),
        ("quick_reply", "1"),
        ("url", "2"),
    ]
    assert second == [
        {"type": "header", "parameters": [{"type": "text", "text": "Ann"}]},
        {
            "type": "button",
            "sub_type": "url",
            "index": "0",
            "parameters": [{"type": "text", "text": "k7Q"}],
        },
    ]
