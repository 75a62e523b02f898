"""Our clients and the sandbox know each other only through the providers' contracts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from handbell.channels.providers.sendgrid import webhooks as sendgrid
from handbell.channels.providers.sendgrid.sender import SendGridAccount, SendGridSender
from handbell.channels.providers.twilio import webhooks as twilio
from handbell.channels.providers.twilio.lookup import TwilioLookup
from handbell.channels.providers.twilio.sender import TwilioAccount, TwilioSender
from handbell.channels.providers.whatsapp import webhooks as whatsapp
from handbell.channels.providers.whatsapp.sender import WhatsAppAccount, WhatsAppSender
from handbell.channels.types import (
    Accepted,
    EmailContent,
    EventKind,
    InboundText,
    Outbound,
    Refused,
    Retry,
    SmsContent,
    Sought,
    StatusEvent,
    Unknown,
    WhatsAppTemplate,
)
from handbell.platform.transport import Answer

PATIENT = "+12025550123"
TOKEN = "attempt-token-of-a-test"


class ThroughTheBox:
    """The transport port, straight into the sandbox's application."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        answer = await self.client.post(url, content=body, headers=dict(headers))
        return _read(answer)

    async def get(self, url: str, *, headers: Mapping[str, str]) -> Answer:
        return _read(await self.client.get(url, headers=dict(headers)))


def _read(answer: httpx.Response) -> Answer:
    lower = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(status=answer.status_code, headers=lower, body=answer.content)


def texting(box: Any) -> TwilioSender:
    account = TwilioAccount(
        base_url="http://sandbox/twilio",
        account_sid="AC" + "a" * 32,
        auth_token="token",
        public_url=box.public_url,
        messaging_service_sid="MG" + "b" * 32,
    )
    return TwilioSender(transport=ThroughTheBox(box.client), account=account)


def text() -> Outbound:
    return Outbound(
        sender="+12025550100",
        to=PATIENT,
        content=SmsContent(text="See you soon"),
        attempt_token=TOKEN,
    )


@pytest.mark.requirement("R6.1")
async def test_a_text_comes_back_as_delivered_under_its_attempts_token(sandbox: Any) -> None:
    async with sandbox() as box:
        outcome = await texting(box).send(text())
        assert isinstance(outcome, Accepted)
        await box.release()
        events: list[Any] = []
        for hook in box.hooks:
            signature = hook.headers["X-Twilio-Signature"]
            assert twilio.verify(
                url=hook.url, raw=hook.body, signature=signature, auth_token="token"
            )
            mid = parse_qs(urlsplit(hook.url).query)["mid"][0]
            events += twilio.parse_status(hook.body, mid=mid)
    assert {event.attempt_token for event in events} == {TOKEN}
    assert {event.provider_ref for event in events} == {outcome.provider_ref}
    assert EventKind.DELIVERED in {event.kind for event in events}


@pytest.mark.requirement("R5.3")
async def test_after_a_stop_the_provider_refuses_and_the_client_says_opted_out(
    sandbox: Any,
) -> None:
    async with sandbox() as box:
        assert await box.reply("sms", "STOP")
        (hook,) = box.hooks
        (said,) = twilio.parse_inbound(hook.body)
        refused = await texting(box).send(text())
    assert isinstance(said, InboundText)
    assert (said.sender, said.body) == (PATIENT, "STOP")
    assert refused == Refused(code="21610", opted_out=True)


@pytest.mark.requirement("R9.2")
async def test_too_many_requests_is_safe_to_try_again(sandbox: Any) -> None:
    async with sandbox() as box:
        await box.client.put("/_sandbox/faults", json={"provider": "twilio", "status_429": 1})
        first = await texting(box).send(text())
        second = await texting(box).send(text())
    assert isinstance(first, Retry)
    assert isinstance(second, Accepted)


@pytest.mark.requirement("R9.2")
async def test_a_text_whose_answer_was_lost_is_found_in_the_list_and_no_other_is(
    sandbox: Any,
) -> None:
    async with sandbox() as box:
        sender = texting(box)
        lookup = TwilioLookup(transport=ThroughTheBox(box.client), account=sender.account)
        sought = Sought(
            sender="",
            to=PATIENT,
            text="See you soon",
            started_at=box.clock.instant,
            attempt_token=TOKEN,
        )
        assert await lookup.find(sought) == ()
        await box.client.put("/_sandbox/faults", json={"provider": "twilio", "lost": 1})
        assert await sender.send(text()) == Unknown(code="http_502")
        found = await lookup.find(sought)
        await box.release()
        (status, *_) = [twilio.parse_status(hook.body, mid=TOKEN)[0] for hook in box.hooks]
    assert isinstance(status, StatusEvent)
    assert found == (status.provider_ref,)


@pytest.mark.requirement("R6.1")
async def test_a_mail_comes_back_as_delivered_with_both_its_parts(sandbox: Any) -> None:
    mail = EmailContent(subject="Your visit", html="<p>See you</p>", text="See you")
    out = Outbound(
        sender="clinic@example.org", to="pat@example.org", content=mail, attempt_token=TOKEN
    )
    account = SendGridAccount(base_url="http://sandbox/sendgrid", api_key="SG.key")
    async with sandbox() as box:
        sender = SendGridSender(transport=ThroughTheBox(box.client), account=account)
        assert isinstance(await sender.send(out), Accepted)
        await box.release()
        answer = await box.client.get(
            "/sendgrid/v3/user/webhooks/event/settings/signed",
            headers={"Authorization": "Bearer SG.key"},
        )
        events: list[Any] = []
        for hook in box.hooks:
            assert sendgrid.verify(
                raw=hook.body,
                signature=hook.headers["X-Twilio-Email-Event-Webhook-Signature"],
                timestamp=hook.headers["X-Twilio-Email-Event-Webhook-Timestamp"],
                public_key=answer.json()["public_key"],
            )
            events += sendgrid.parse_events(hook.body)
    assert {event.attempt_token for event in events} == {TOKEN}
    assert EventKind.DELIVERED in {event.kind for event in events}


@pytest.mark.requirement("R6.1")
async def test_an_approved_template_is_delivered_and_an_unknown_one_refused(sandbox: Any) -> None:
    account = WhatsAppAccount(base_url="http://sandbox/whatsapp/v23.0", access_token="wa-token")
    known = WhatsAppTemplate(name="visit", language="en_US", parameters=("Ann",))
    unknown = WhatsAppTemplate(name="nothing", language="en_US", parameters=("Ann",))
    async with sandbox() as box:
        sender = WhatsAppSender(transport=ThroughTheBox(box.client), account=account)
        registered = [{"name": "visit", "language": "en_US", "body": "Hello {{1}}, see you."}]
        await box.client.put("/_sandbox/templates", json=registered)
        out = Outbound(sender="555", to=PATIENT, content=known, attempt_token=TOKEN)
        sent = await sender.send(out)
        refused = await sender.send(replace(out, content=unknown, attempt_token="other"))
        await box.release()
        events: list[Any] = []
        for hook in box.hooks:
            signature = hook.headers["X-Hub-Signature-256"]
            assert whatsapp.verify(raw=hook.body, signature=signature, app_secret="secret")
            events += whatsapp.parse_envelope(hook.body)
    assert isinstance(sent, Accepted)
    assert refused == Refused(code="132001")
    statuses = [event for event in events if isinstance(event, StatusEvent)]
    assert {event.attempt_token for event in statuses} == {TOKEN}
    assert EventKind.DELIVERED in {event.kind for event in statuses}
