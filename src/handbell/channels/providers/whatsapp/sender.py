"""Sends WhatsApp messages through Meta's Cloud API."""

from dataclasses import dataclass, field

import orjson

from handbell.channels.providers.failures import post_once
from handbell.channels.providers.whatsapp import codes
from handbell.channels.types import (
    Outbound,
    Outcome,
    WhatsAppMedia,
    WhatsAppTemplate,
    WhatsAppText,
)
from handbell.platform.transport import Answer, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppAccount:
    """One business account; `base_url` ends in the version of the API, such as v23.0."""

    base_url: str
    access_token: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.access_token}",
            "Content-Type": "application/json",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppSender:
    """Templates at any time, free text inside the 24-hour window."""

    transport: Transport
    account: WhatsAppAccount

    async def send(self, out: Outbound) -> Outcome:
        answer = await post_once(
            self.transport,
            f"{self.account.base_url}/{out.sender}/messages",
            headers=self.account.headers(),
            body=orjson.dumps(_message(out)),
        )
        return codes.read(answer) if isinstance(answer, Answer) else answer


def _message(out: Outbound) -> dict[str, object]:
    # Without the plus Meta prepends the country code of the business and misdelivers.
    message: dict[str, object] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": out.to if out.to.startswith("+") else f"+{out.to}",
        "biz_opaque_callback_data": out.attempt_token,
    }
    match out.content:
        case WhatsAppTemplate() as template:
            return message | {"type": "template", "template": _template(template)}
        case WhatsAppText(text=text):
            return message | {"type": "text", "text": {"body": text, "preview_url": False}}
        case _:
            raise TypeError("WhatsApp sends templates and text only")


def _template(template: WhatsAppTemplate) -> dict[str, object]:
    language = {"code": template.language}
    components = [*_header(template), *_body(template), *_buttons(template)]
    return {"name": template.name, "language": language, "components": components}


def _header(template: WhatsAppTemplate) -> list[dict[str, object]]:
    match template.header:
        case None:
            return []
        case WhatsAppMedia(kind=kind, link=link, filename=filename):
            media = {"link": link} | ({"filename": filename} if filename else {})
            parameter: dict[str, object] = {"type": kind.value, kind.value: media}
        case text:
            parameter = {"type": "text", "text": text}
    return [{"type": "header", "parameters": [parameter]}]


def _body(template: WhatsAppTemplate) -> list[dict[str, object]]:
    values = [{"type": "text", "text": value} for value in template.parameters]
    return [{"type": "body", "parameters": values}] if values else []


def _buttons(template: WhatsAppTemplate) -> list[dict[str, object]]:
    """Meta counts the buttons of a template from 0: quick replies first, then links."""
    replies = [
        ("quick_reply", {"type": "payload", "payload": one}) for one in template.button_payloads
    ]
    links = [("url", {"type": "text", "text": one}) for one in template.url_suffixes]
    return [
        {"type": "button", "sub_type": kind, "index": str(index), "parameters": [parameter]}
        for index, (kind, parameter) in enumerate([*replies, *links])
    ]
