"""What the sandbox is set up with, what it keeps and what it will do next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from handbell.platform.vocabulary import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """The accounts that the sandbox plays, and how its patients behave.

    `sendgrid_private_key` is PEM or base64 DER (PKCS#8); when empty, a key is made at start
    and its public half is at `/sendgrid/v3/user/webhooks/event/settings/signed`. `record` is a
    file for what was received, which outlives the process.
    """

    public_url: str
    twilio_account_sid: str
    twilio_auth_token: str
    twilio_from: str
    twilio_messaging_service_sid: str = ""
    twilio_auto_reply: bool = False
    twilio_test_account_sid: str = ""
    twilio_test_auth_token: str = ""
    sendgrid_api_key: str
    sendgrid_private_key: str = ""
    whatsapp_access_token: str
    whatsapp_phone_number_id: str
    whatsapp_business_id: str
    whatsapp_app_secret: str
    whatsapp_number: str = "+12025550199"
    patients: bool = False
    seed: int = 0
    record: str = ""
    templates: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message that a provider has taken. `sender` is `from` in the control API."""

    at: datetime
    channel: Channel
    to: str
    body: str
    token: str | None
    provider_id: str
    sender: str
    subject: str | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedSend:
    """A message to a number that has said STOP: refused, and noted all the same."""

    at: datetime
    to: str


PROVIDER_OF_CHANNEL: Final = {
    Channel.SMS: "twilio",
    Channel.EMAIL: "sendgrid",
    Channel.WHATSAPP: "whatsapp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPost:
    """A Twilio webhook: signed over the URL and the sorted fields."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppChange:
    """The `value` of one change of the field `messages`."""

    value: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """One SendGrid event; events due together travel in one batch."""

    event: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A patient writes. `sender` is the patient's address, `to` the practice's line."""

    channel: Channel
    sender: str
    to: str
    body: str
    context: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A patient's message that was carried to the product.

    Both numbers count the messages received until then: when the webhook left, and when it was
    answered, which was at `answered_at`.
    """

    at: datetime
    answered_at: datetime
    is_taken: bool
    reply: Reply
    messages_when_sent: int
    messages_when_answered: int


Deed = FormPost | WhatsAppChange | MailEvent | Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that the sandbox does at an instant.

    Actions of one instant are ordered by `key`, which depends on the message alone and never
    on the order of arrival; those about one address never overtake each other.
    """

    at: datetime
    key: str
    address: str
    deed: Deed
    about: str | None = None
    tries: int = 0
