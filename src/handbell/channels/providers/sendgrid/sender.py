"""Sends e-mail through SendGrid."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final

import orjson

from handbell.channels.providers.failures import post_once
from handbell.channels.providers.sendgrid import codes
from handbell.channels.types import Attachment, EmailContent, Outbound, Outcome
from handbell.platform.transport import Answer, Transport

ATTEMPT_ARGUMENT: Final = "handbell_attempt"
"""The custom argument that carries the attempt's token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridAccount:
    """One API key, the name that is shown beside the mailbox, and where answers go: a mailbox of
    Inbound Parse, empty where they go to the sender."""

    base_url: str
    api_key: str = field(repr=False)
    from_name: str = ""
    reply_to: str = ""

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridSender:
    """One request per patient: people in one `to` would see each other.

    Click and open tracking stay off: they rewrite links and tell a third party who read what.
    """

    transport: Transport
    account: SendGridAccount

    async def send(self, out: Outbound) -> Outcome:
        answer = await post_once(
            self.transport,
            f"{self.account.base_url}/v3/mail/send",
            headers=self.account.headers(),
            body=orjson.dumps(_mail(self.account, out)),
        )
        return codes.read(answer) if isinstance(answer, Answer) else answer


def _reply_to(account: SendGridAccount, out: Outbound) -> dict[str, object]:
    """The attempt's token behind a plus tells which message an answer belongs to."""
    if not account.reply_to:
        return {}
    local, _, domain = account.reply_to.partition("@")
    return {"reply_to": {"email": f"{local}+{out.attempt_token}@{domain}"}}


def _mail(account: SendGridAccount, out: Outbound) -> dict[str, object]:
    if not isinstance(out.content, EmailContent):
        raise TypeError("SendGrid sends e-mail only")
    sender = {"email": out.sender}
    if account.from_name:
        sender["name"] = account.from_name
    mail: dict[str, object] = {
        **_reply_to(account, out),
        "personalizations": [{"to": [{"email": out.to}]}],
        "from": sender,
        "subject": out.content.subject,
        "content": [
            {"type": "text/plain", "value": out.content.text},
            {"type": "text/html", "value": out.content.html},
        ],
        "custom_args": {ATTEMPT_ARGUMENT: out.attempt_token},
        "categories": ["handbell", *out.content.categories],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }
    if out.content.headers:
        mail["headers"] = dict(out.content.headers)
    if out.content.attachments:
        mail["attachments"] = [_attached(one) for one in out.content.attachments]
    return mail


def _attached(one: Attachment) -> dict[str, str]:
    return {
        "content": b64encode(one.data).decode("ascii"),
        "type": one.media_type,
        "filename": one.filename,
        "disposition": "attachment",
    }
