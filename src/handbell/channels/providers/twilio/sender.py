"""Sends SMS through Twilio."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode

from handbell.channels.providers.failures import post_once
from handbell.channels.providers.twilio import codes
from handbell.channels.types import Outbound, Outcome, SmsContent
from handbell.platform.transport import Answer, Transport

# Twilio repeats a callback only on a connect failure unless the fragment asks for more.
_RETRY_FRAGMENT: Final = "#rc=3&rp=all"
_LONGEST_VALIDITY: Final = 36_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccount:
    """One account; `messaging_service_sid`, where there is one, wins over the line."""

    base_url: str
    account_sid: str
    auth_token: str = field(repr=False)
    public_url: str
    messaging_service_sid: str | None = None

    @property
    def messages_url(self) -> str:
        return f"{self.base_url}/2010-04-01/Accounts/{self.account_sid}/Messages.json"

    def callback_url(self, attempt_token: str) -> str:
        mid = quote(attempt_token, safe="")
        return f"{self.public_url}/webhooks/twilio/status?mid={mid}{_RETRY_FRAGMENT}"

    def headers(self) -> dict[str, str]:
        basic = b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        return {
            "Authorization": f"Basic {basic}",
            "Content-Type": "application/x-www-form-urlencoded",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSender:
    """Source: Twilio API 2010-04-01, Messages; the meaning of answers is in `codes`."""

    transport: Transport
    account: TwilioAccount

    async def send(self, out: Outbound) -> Outcome:
        answer = await post_once(
            self.transport,
            self.account.messages_url,
            headers=self.account.headers(),
            body=urlencode(_form(self.account, out)).encode("ascii"),
        )
        return codes.read(answer) if isinstance(answer, Answer) else answer


def _form(account: TwilioAccount, out: Outbound) -> dict[str, str]:
    if not isinstance(out.content, SmsContent):
        raise TypeError("Twilio sends SMS only")
    form = {"To": out.to}
    if account.messaging_service_sid:
        form["MessagingServiceSid"] = account.messaging_service_sid
    else:
        form["From"] = out.sender
    form["Body"] = out.content.text
    form["StatusCallback"] = account.callback_url(out.attempt_token)
    if out.validity is not None:
        form["ValidityPeriod"] = str(_seconds(out.validity))
    return form


def _seconds(validity: timedelta) -> int:
    return max(1, min(_LONGEST_VALIDITY, int(validity.total_seconds())))
