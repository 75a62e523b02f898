"""What our own clients send, in every text of the library, and every answer they must read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from handbell.channels.providers.sendgrid.sender import SendGridAccount, SendGridSender
from handbell.channels.providers.twilio.sender import TwilioAccount, TwilioSender
from handbell.channels.providers.whatsapp.sender import WhatsAppAccount, WhatsAppSender
from handbell.channels.types import (
    Accepted,
    EmailContent,
    Outbound,
    Provider,
    Refused,
    Retry,
    Sender,
    SmsContent,
    Unknown,
    WhatsAppTemplate,
    WhatsAppText,
)
from handbell.platform.transport import AiohttpTransport, Transport
from handbell.platform.vocabulary import Channel
from handbell.templates.catalogue import SAMPLES
from handbell.templates.library import load
from handbell.templates.rendering import render
from handbell.templates.types import TemplateBody
from tools.contract.stage import LINE, PHONE_ID, VERSION, Stage
from tools.contract.types import Asker

PATIENT: Final = "+12025550123"
STOPPED: Final = "+12025550124"
MAILBOX: Final = "pat@example.org"
ATTEMPT: Final = "Kq2xZ9a-attempt_7"
FROM: Final = "care@practice.example.org"
_PROVIDERS: Final = {
    Channel.SMS: Provider.TWILIO,
    Channel.EMAIL: Provider.SENDGRID,
    Channel.WHATSAPP: Provider.WHATSAPP,
}
_ONE_CLICK: Final = {
    "List-Unsubscribe": "<https://m.example.org/u/7Kq2xZ9a>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
TEXT: Final = Outbound(
    sender=LINE,
    to=PATIENT,
    content=SmsContent(text="Nos vemos mañana a las 9:30 & más → ok? 100 %"),
    attempt_token=ATTEMPT,
    validity=timedelta(hours=2),
)
MAIL: Final = Outbound(
    sender=FROM,
    to=MAILBOX,
    content=EmailContent(subject="Your visit", html="<p>See you</p>", text="See you"),
    attempt_token=ATTEMPT,
)
SAID: Final = Outbound(
    sender=PHONE_ID,
    to=PATIENT,
    content=WhatsAppText(text="Thank you, see you then."),
    attempt_token=ATTEMPT,
)

_OUT: Final = {Provider.TWILIO: TEXT, Provider.SENDGRID: MAIL, Provider.WHATSAPP: SAID}


async def play(stage: Stage) -> None:
    """Play every scenario of our three clients."""
    async with AiohttpTransport() as transport:
        await _approve_library(stage)
        await _whole_library(stage, transport)
        await _texts(stage, transport)
        await _mails(stage, transport)
        await _whatsapp(stage, transport)
        await _bad_days(stage, transport)


def library() -> Iterator[TemplateBody]:
    """Every packaged text: purpose x channel x language, full and generic."""
    for text in load():
        yield from (body for body in (text.full, text.generic) if body is not None)


def texting(stage: Stage, transport: Transport, *, service: bool = True) -> TwilioSender:
    config = stage.config
    account = TwilioAccount(
        base_url=stage.base(Provider.TWILIO),
        account_sid=config.twilio_account_sid,
        auth_token=config.twilio_auth_token,
        public_url=stage.url,
        messaging_service_sid=config.twilio_messaging_service_sid if service else None,
    )
    return TwilioSender(transport=transport, account=account)


def mailing(stage: Stage, transport: Transport) -> SendGridSender:
    account = SendGridAccount(
        base_url=stage.base(Provider.SENDGRID),
        api_key=stage.config.sendgrid_api_key,
        from_name="Riverside Health",
    )
    return SendGridSender(transport=transport, account=account)


def chatting(stage: Stage, transport: Transport) -> WhatsAppSender:
    account = WhatsAppAccount(
        base_url=f"{stage.base(Provider.WHATSAPP)}/v{VERSION}",
        access_token=stage.config.whatsapp_access_token,
    )
    return WhatsAppSender(transport=transport, account=account)


def _senders(stage: Stage, transport: Transport) -> dict[Provider, Sender]:
    return {
        Provider.TWILIO: texting(stage, transport),
        Provider.SENDGRID: mailing(stage, transport),
        Provider.WHATSAPP: chatting(stage, transport),
    }


async def _approve_library(stage: Stage) -> None:
    approved = [
        {
            "name": body.whatsapp.name,
            "language": body.whatsapp.language,
            "body": " ".join(f"{{{{{n}}}}}" for n, _ in enumerate(body.whatsapp.parameters, 1)),
        }
        for body in library()
        if body.whatsapp is not None
    ]
    await stage.control("PUT", "templates", approved)


async def _whole_library(stage: Stage, transport: Transport) -> None:
    senders = _senders(stage, transport)
    await stage.write("whatsapp", "Hello", PATIENT)  # opens the window for free texts
    for body in library():
        provider = _PROVIDERS[body.channel]
        name = f"{body.purpose} {body.language} {body.kind}"
        with stage.playing(provider, Asker.OURS, name):
            made = render(body, SAMPLES, locale=body.language).content
            if isinstance(made, EmailContent):
                made = replace(made, headers=_ONE_CLICK)
            to = MAILBOX if body.channel is Channel.EMAIL else PATIENT
            out = replace(_OUT[provider], to=to, content=made, validity=timedelta(hours=4))
            stage.expect_kind(await senders[provider].send(out), Accepted)
            await stage.release()


async def _texts(stage: Stage, transport: Transport) -> None:
    with stage.playing(Provider.TWILIO, Asker.OURS, "from a number, longest validity"):
        out = replace(TEXT, validity=timedelta(days=3))
        sender = texting(stage, transport, service=False)
        stage.expect_kind(await sender.send(out), Accepted)
        await stage.release()
    with stage.playing(Provider.TWILIO, Asker.OURS, "without validity, 1600 characters"):
        out = replace(TEXT, content=SmsContent(text="é" * 1600), validity=None)
        stage.expect_kind(await texting(stage, transport).send(out), Accepted)
        await stage.release()
    with stage.playing(Provider.TWILIO, Asker.OURS, "opted out, and in again"):
        await stage.write("sms", "STOP", STOPPED)
        said = await texting(stage, transport).send(replace(TEXT, to=STOPPED))
        stage.expect(said, Refused(code="21610", opted_out=True))
        for word in ("HELP", "START", "What do I bring? ☂ &=%"):
            await stage.write("sms", word, STOPPED)
        said = await texting(stage, transport).send(replace(TEXT, to=STOPPED))
        stage.expect_kind(said, Accepted)
        await stage.release()


async def _mails(stage: Stage, transport: Transport) -> None:
    with stage.playing(Provider.SENDGRID, Asker.OURS, "unsubscribed address"):
        await stage.write("email", "STOP", "gone@example.org")
        out = replace(MAIL, to="gone@example.org")
        stage.expect_kind(await mailing(stage, transport).send(out), Accepted)
        await stage.release()


async def _whatsapp(stage: Stage, transport: Transport) -> None:
    sender = chatting(stage, transport)
    with stage.playing(Provider.WHATSAPP, Asker.OURS, "text outside the window"):
        stage.expect_kind(await sender.send(replace(SAID, to=STOPPED)), Accepted)
        await stage.release()
    with stage.playing(Provider.WHATSAPP, Asker.OURS, "patient's text, answered"):
        await stage.write("whatsapp", "¿A qué hora?", STOPPED)
        stage.expect_kind(await sender.send(replace(SAID, to=STOPPED)), Accepted)
        await stage.release()
    buttons = WhatsAppTemplate(
        name="with_buttons",
        language="en_US",
        parameters=("Alexandra", "Tue, Dec 1"),
        button_payloads=("CONFIRM:7Kq2", "RESCHEDULE:7Kq2"),
    )
    told = {"name": "with_buttons", "language": "en_US", "body": "Hello {{1}}, see you on {{2}}."}
    await stage.control("PUT", "templates", [told])
    for name, content, code in (
        ("template with buttons", buttons, None),
        ("template that is not approved", replace(buttons, language="es"), "132001"),
        ("template with too few parameters", replace(buttons, parameters=("Ann",)), "132000"),
    ):
        with stage.playing(Provider.WHATSAPP, Asker.OURS, name):
            said = await sender.send(replace(SAID, content=content))
            if code is None:
                stage.expect_kind(said, Accepted)
            else:
                stage.expect(said, Refused(code=code))
            await stage.release()


async def _bad_days(stage: Stage, transport: Transport) -> None:
    """Too many requests, and a provider that is down."""
    down = {Provider.TWILIO: "20503", Provider.SENDGRID: "503", Provider.WHATSAPP: "2"}
    for provider, sender in _senders(stage, transport).items():
        with stage.playing(provider, Asker.OURS, "over the rate"):
            await stage.fault(provider, status_429=1)
            stage.expect_kind(await sender.send(_OUT[provider]), Retry)
        with stage.playing(provider, Asker.OURS, "service unavailable"):
            await stage.fault(provider, status_503=1)
            stage.expect(await sender.send(_OUT[provider]), Unknown(code=down[provider]))
        with stage.playing(provider, Asker.OURS, "and back again"):
            stage.expect_kind(await sender.send(_OUT[provider]), Accepted)
            await stage.release()
    await _wrong_keys(stage, transport)


async def _wrong_keys(stage: Stage, transport: Transport) -> None:
    keys = ("twilio_auth_token", "sendgrid_api_key", "whatsapp_access_token")
    nonsense: dict[str, Any] = dict.fromkeys(keys, "wrong")
    right, stage.config = stage.config, replace(stage.config, **nonsense)
    refused = {Provider.TWILIO: "20003", Provider.SENDGRID: "401", Provider.WHATSAPP: "190"}
    for provider, sender in _senders(stage, transport).items():
        with stage.playing(provider, Asker.OURS, "wrong key"):
            stage.expect(await sender.send(_OUT[provider]), Refused(code=refused[provider]))
    stage.config = right
