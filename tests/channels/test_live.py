"""Our clients against the providers themselves: only where the environment has credentials.

Twilio's test credentials and SendGrid's sandbox mode send nothing; WhatsApp's test number sends
`hello_world` to a recipient that the account's owner has allowed.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import orjson
import pytest

from handbell.channels.providers.sendgrid.sender import SendGridAccount, SendGridSender
from handbell.channels.providers.twilio.sender import TwilioAccount, TwilioSender
from handbell.channels.providers.whatsapp.sender import WhatsAppAccount, WhatsAppSender
from handbell.channels.types import (
    Accepted,
    EmailContent,
    Outbound,
    Outcome,
    Refused,
    Retry,
    SmsContent,
    WhatsAppTemplate,
)
from handbell.platform.transport import AiohttpTransport, Answer, Transport

pytestmark = pytest.mark.live
TOKEN: Final = "live-test"


def given(*names: str) -> list[str]:
    """The values of these variables; without one of them the test is skipped."""
    values = [os.environ.get(f"HANDBELL_LIVE_{name}", "") for name in names]
    if not all(values):
        pytest.skip("no credentials in the environment")
    return values


class SandboxMode:
    """Turns SendGrid's sandbox mode on in each mail: it is checked and not sent, and the answer
    is 200 instead of 202."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        mail = orjson.loads(body) | {"mail_settings": {"sandbox_mode": {"enable": True}}}
        answer = await self.inner.post(url, headers=headers, body=orjson.dumps(mail))
        if answer.status == 200:
            return Answer(status=202, headers=answer.headers, body=answer.body)
        return answer


async def test_sendgrid_takes_our_mail_in_its_sandbox_mode() -> None:
    key, sender = given("SENDGRID_API_KEY", "SENDGRID_FROM_EMAIL")
    account = SendGridAccount(base_url="https://api.sendgrid.com", api_key=key)
    mail = EmailContent(subject="A test", html="<p>A test</p>", text="A test")
    out = Outbound(sender=sender, to="pat@example.org", content=mail, attempt_token=TOKEN)
    async with AiohttpTransport() as transport:
        outcome = await SendGridSender(transport=SandboxMode(transport), account=account).send(out)
    assert isinstance(outcome, Accepted), outcome


@pytest.mark.parametrize(
    ("sender", "to", "wanted"),
    [
        ("+15005550006", "+12025550123", Accepted),
        ("+15005550006", "+15005550001", Refused),
        ("+15005550006", "+15005550004", Refused),
        ("+15005550006", "+15005550009", Refused),
        ("+15005550007", "+12025550123", Refused),
        ("+15005550008", "+12025550123", Retry),
    ],
)
async def test_twilios_magic_numbers_mean_what_we_take_them_for(
    sender: str, to: str, wanted: type[Outcome]
) -> None:
    sid, token = given("TWILIO_TEST_ACCOUNT_SID", "TWILIO_TEST_AUTH_TOKEN")
    account = TwilioAccount(
        base_url="https://api.twilio.com",
        account_sid=sid,
        auth_token=token,
        public_url="https://m.example.org",
    )
    out = Outbound(
        sender=sender,
        to=to,
        content=SmsContent(text="A test"),
        attempt_token=TOKEN,
        validity=timedelta(hours=1),
    )
    async with AiohttpTransport() as transport:
        outcome = await TwilioSender(transport=transport, account=account).send(out)
    assert isinstance(outcome, wanted), outcome
    assert getattr(outcome, "opted_out", False) == (to == "+15005550004")


async def test_whatsapps_test_number_takes_its_first_template() -> None:
    token, number_id, to = given(
        "WHATSAPP_ACCESS_TOKEN", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_TO"
    )
    base_url = "https://graph.facebook.com/v23.0"
    account = WhatsAppAccount(base_url=base_url, access_token=token)
    template = WhatsAppTemplate(name="hello_world", language="en_US", parameters=())
    out = Outbound(sender=number_id, to=to, content=template, attempt_token=TOKEN)
    async with AiohttpTransport() as transport:
        outcome = await WhatsAppSender(transport=transport, account=account).send(out)
    assert isinstance(outcome, Accepted), outcome
