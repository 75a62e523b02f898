"""The SDKs against the sandbox: `twilio` and `sendgrid` are the providers' own, `pywa` is not.

Meta publishes none for Python; pywa speaks its Cloud API.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from python_http_client.exceptions import HTTPError
from pywa.client import WhatsApp
from pywa.errors import WhatsAppError
from pywa.types.templates import (
    BodyText,
    QuickReplyButton,
    Template,
    TemplateCategory,
    TemplateLanguage,
    TemplateStatus,
)
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import (
    Category,
    ClickTracking,
    CustomArg,
    Header,
    Mail,
    MailSettings,
    OpenTracking,
    SandBoxMode,
    TrackingSettings,
)
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from handbell.channels.types import Provider
from tools.contract.ours import ATTEMPT, FROM, MAILBOX, PATIENT, STOPPED
from tools.contract.stage import VERSION, Stage, in_thread
from tools.contract.types import Asker

_STRANGER: Final = "SM" + "0" * 32


class _Here(TwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Twilio's own HTTP client, sent to another host."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=10)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, self._base + urlsplit(url).path, *args, **kwargs)


class _Rerouted(httpx.BaseTransport):
    """Carries what goes to Meta to another host."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpx.URL(self._base + request.url.raw_path.decode("ascii"))
        request.url = url
        request.headers["host"] = url.netloc.decode("ascii")
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


async def play(stage: Stage) -> None:
    """Play every scenario of the three SDKs."""
    await _twilio(stage)
    await _sendgrid(stage)
    await _pywa(stage)


@contextmanager
def _twilio_client(stage: Stage, token: str) -> Iterator[Client]:
    here = _Here(stage.base(Provider.TWILIO))
    with here.session:
        yield Client(stage.config.twilio_account_sid, token, http_client=here)


async def _twilio(stage: Stage) -> None:
    text = {"to": PATIENT, "body": "See you soon ☂", "status_callback": _callback(stage)}
    service = {"messaging_service_sid": stage.config.twilio_messaging_service_sid}
    with _twilio_client(stage, stage.config.twilio_auth_token) as client:
        await _twilio_takes(stage, client, text, service)
        await _twilio_refuses(stage, client, text | service)


async def _twilio_takes(
    stage: Stage, client: Client, text: dict[str, str], service: dict[str, str]
) -> None:
    with stage.playing(Provider.TWILIO, Asker.SDK, "create, fetch and list"):
        made = await in_thread(
            lambda: client.messages.create(**text, **service, validity_period=3600)
        )
        stage.expect((made.status, made.from_, made.num_segments), ("accepted", None, "0"))
        await stage.release()
        found = await in_thread(lambda: client.messages(made.sid).fetch())
        stage.expect((found.status, found.body, found.to), ("delivered", text["body"], PATIENT))
        listed = await in_thread(lambda: client.messages.list(to=PATIENT, limit=5, page_size=5))
        stage.expect(listed[0].sid, made.sid)
    with stage.playing(Provider.TWILIO, Asker.SDK, "create from a number"):
        line = stage.config.twilio_from
        made = await in_thread(lambda: client.messages.create(**text, from_=line))
        stage.expect((made.status, made.num_segments), ("queued", "1"))
        await stage.release()


async def _twilio_refuses(stage: Stage, client: Client, text: dict[str, str]) -> None:
    with stage.playing(Provider.TWILIO, Asker.SDK, "opted out"):
        await stage.write("sms", "STOP", STOPPED)
        await _expect_twilio(stage, client, 400, 21610, **text | {"to": STOPPED})
        await stage.write("sms", "START", STOPPED)
    with stage.playing(Provider.TWILIO, Asker.SDK, "unknown service"):
        unknown = {"messaging_service_sid": "MG" + "0" * 32}
        await _expect_twilio(stage, client, 400, 21701, **text | unknown)
    with stage.playing(Provider.TWILIO, Asker.SDK, "fetch of a stranger"):
        try:
            await in_thread(lambda: client.messages(_STRANGER).fetch())
            stage.expect("found", "not found")
        except TwilioRestException as error:
            stage.expect((error.status, error.code), (404, 20404))
    with stage.playing(Provider.TWILIO, Asker.SDK, "over the rate, unavailable, wrong token"):
        await stage.fault(Provider.TWILIO, status_429=1)
        await _expect_twilio(stage, client, 429, 20429, **text)
        await stage.fault(Provider.TWILIO, status_503=1)
        await _expect_twilio(stage, client, 503, 20503, **text)
        with _twilio_client(stage, "wrong") as wrong:
            await _expect_twilio(stage, wrong, 401, 20003, **text)


async def _expect_twilio(
    stage: Stage, client: Client, status: int, code: int, **text: Any
) -> None:
    try:
        await in_thread(lambda: client.messages.create(**text))
        stage.expect("created", code)
    except TwilioRestException as error:
        stage.expect((error.status, error.code), (status, code))


def _callback(stage: Stage) -> str:
    return f"{stage.url}/webhooks/twilio/status?mid={ATTEMPT}"


def _mail(*, sandbox: bool) -> Mail:
    mail = Mail((FROM, "Riverside Health"), MAILBOX, "Your visit", "See you", "<p>See you</p>")
    mail.custom_arg = CustomArg("handbell_attempt", ATTEMPT)
    mail.category = [Category("handbell"), Category("care")]
    mail.header = [
        Header("List-Unsubscribe", "<https://m.example.org/u/7Kq2xZ9a>"),
        Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    tracking = TrackingSettings(click_tracking=ClickTracking(enable=False, enable_text=False))
    tracking.open_tracking = OpenTracking(enable=False)
    mail.tracking_settings = tracking
    if sandbox:
        mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(enable=True))
    return mail


async def _sendgrid(stage: Stage) -> None:
    host = stage.base(Provider.SENDGRID)
    client = SendGridAPIClient(stage.config.sendgrid_api_key, host=host)
    for sandbox, status in ((False, 202), (True, 200)):
        with stage.playing(Provider.SENDGRID, Asker.SDK, f"send, sandbox mode {sandbox}"):
            answer = await in_thread(partial(client.send, _mail(sandbox=sandbox)))
            stage.expect((answer.status_code, answer.body), (status, b""))
            stage.expect(bool(answer.headers["X-Message-Id"]), wanted=True)
            await stage.release()
    reserved = _mail(sandbox=False)
    reserved.add_header(Header("Reply-To", "someone@example.org"))
    with stage.playing(Provider.SENDGRID, Asker.SDK, "reserved header"):
        await _expect_sendgrid(stage, client, reserved, 400)
    with stage.playing(Provider.SENDGRID, Asker.SDK, "over the rate, unavailable, wrong key"):
        await stage.fault(Provider.SENDGRID, status_429=1)
        await _expect_sendgrid(stage, client, _mail(sandbox=False), 429)
        await stage.fault(Provider.SENDGRID, status_503=1)
        await _expect_sendgrid(stage, client, _mail(sandbox=False), 503)
        wrong = SendGridAPIClient("SG.wrong", host=host)
        await _expect_sendgrid(stage, wrong, _mail(sandbox=False), 401)


async def _expect_sendgrid(
    stage: Stage, client: SendGridAPIClient, mail: Mail, status: int
) -> None:
    try:
        await in_thread(lambda: client.send(mail))
        stage.expect("accepted", status)
    except HTTPError as error:
        stage.expect(error.status_code, status)
        stage.expect(bool(error.to_dict["errors"][0]["message"]), wanted=True)


@contextmanager
def _pywa_client(stage: Stage, token: str) -> Iterator[WhatsApp]:
    config = stage.config
    with httpx.Client(transport=_Rerouted(stage.base(Provider.WHATSAPP))) as session:
        yield WhatsApp(
            phone_id=config.whatsapp_phone_number_id,
            token=token,
            waba_id=config.whatsapp_business_id,
            api_version=VERSION,
            session=session,
        )


async def _pywa(stage: Stage) -> None:
    with _pywa_client(stage, stage.config.whatsapp_access_token) as client:
        await _pywa_templates(stage, client)
        await _pywa_text(stage, client)


async def _pywa_templates(stage: Stage, client: WhatsApp) -> None:
    english = TemplateLanguage.ENGLISH_US
    with stage.playing(Provider.WHATSAPP, Asker.SDK, "create and list templates"):
        template = Template(
            name="from_pywa",
            language=english,
            category=TemplateCategory.UTILITY,
            components=[BodyText("Hello {{1}}, see you on {{2}} at noon.", "Ann", "Tue, Dec 1")],
        )
        made = await in_thread(lambda: client.create_template(template))
        stage.expect(made.status, TemplateStatus.APPROVED)
        listed = await in_thread(lambda: client.get_templates(name="from_pywa"))
        stage.expect([one.name for one in listed], ["from_pywa"])
    params = [
        _filled("Ann", "Tue, Dec 1"),
        QuickReplyButton.params(callback_data="CONFIRM:7Kq2", index=0),
    ]
    with stage.playing(Provider.WHATSAPP, Asker.SDK, "template with a button"):
        sent = await in_thread(
            lambda: client.send_template(PATIENT, "from_pywa", english, params, tracker=ATTEMPT)
        )
        stage.expect(sent.id.startswith("wamid."), wanted=True)
        await stage.release()
    with stage.playing(Provider.WHATSAPP, Asker.SDK, "unknown template"):
        await _expect_pywa(
            stage, 132001, lambda: client.send_template(PATIENT, "nothing", english, params)
        )


async def _pywa_text(stage: Stage, client: WhatsApp) -> None:
    with stage.playing(Provider.WHATSAPP, Asker.SDK, "text"):
        await stage.write("whatsapp", "Hello", PATIENT)
        await in_thread(lambda: client.send_message(PATIENT, "See you soon", tracker=ATTEMPT))
        await stage.release()
    with stage.playing(Provider.WHATSAPP, Asker.SDK, "over the rate, unavailable, wrong token"):
        await stage.fault(Provider.WHATSAPP, status_429=1)
        await _expect_pywa(stage, 130429, lambda: client.send_message(PATIENT, "Hello"))
        await stage.fault(Provider.WHATSAPP, status_503=1)
        await _expect_pywa(stage, 2, lambda: client.send_message(PATIENT, "Hello"))
        with _pywa_client(stage, "wrong") as wrong:
            await _expect_pywa(stage, 190, lambda: wrong.send_message(PATIENT, "Hello"))


_filled: Callable[..., Any] = BodyText.params  # whose own annotations miss positional texts


async def _expect_pywa(stage: Stage, code: int, call: Any) -> None:
    try:
        await in_thread(call)
        stage.expect("accepted", code)
    except WhatsAppError as error:
        stage.expect(error.code, code)
