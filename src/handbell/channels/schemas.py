"""Provider accounts as the clients speak of them."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, StringConstraints

from handbell.channels.credentials import (
    Credentials,
    SendGridCredentials,
    TwilioCredentials,
    WhatsAppCredentials,
)
from handbell.channels.service import NewAccount
from handbell.channels.types import Account, Baa, Line, NewLine, Provider
from handbell.platform.lines import Line as Text
from handbell.platform.vocabulary import Channel

LINES_AT_MOST: Final = 100
_Secret = Annotated[SecretStr, Field(min_length=1, max_length=500)]
_TwilioSid = Annotated[str, StringConstraints(pattern=r"^AC[0-9a-fA-F]{32}$")]
_ServiceSid = Annotated[str, StringConstraints(pattern=r"^MG[0-9a-fA-F]{32}$")]
_Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{5,30}$")]
_TOKEN: Final = "the secret that the provider shows once"  # noqa: S105 - an example
_CREDENTIALS: Final[dict[str, JsonValue]] = {"provider": "twilio", "auth_token": _TOKEN}
_LINE: Final[dict[str, JsonValue]] = {"address": "+12025550142"}
_NEW: Final[dict[str, JsonValue]] = {
    "reference": "AC" + "0" * 32,
    "baa": "signed",
    "credentials": _CREDENTIALS,
    "lines": [_LINE],
}
_ACCOUNT: Final[dict[str, JsonValue]] = {
    "id": 4,
    "provider": "twilio",
    "reference": "AC" + "0" * 32,
    "baa": "signed",
    "is_of_environment": False,
    "lines": [{"id": 9, "channel": "sms", "address": "+12025550142", "reference": None}],
}


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TwilioCredentialsIn(_Given):
    """`messaging_service_sid`: the service sends, and chooses the number."""

    provider: Literal["twilio"]
    auth_token: _Secret
    messaging_service_sid: _ServiceSid | None = None

    def to_credentials(self) -> TwilioCredentials:
        return TwilioCredentials(
            auth_token=self.auth_token.get_secret_value(),
            messaging_service_sid=self.messaging_service_sid,
        )


class SendGridCredentialsIn(_Given):
    """`webhook_public_key` is the verification key of the event webhook, base64."""

    provider: Literal["sendgrid"]
    api_key: _Secret
    from_name: Annotated[str, Field(max_length=200)] = ""
    reply_to: Annotated[str, Field(max_length=200, pattern=r"^$|^[^@+\s]{1,20}@[^@\s]+$")] = ""
    webhook_public_key: Annotated[str, Field(max_length=500)] = ""

    def to_credentials(self) -> SendGridCredentials:
        return SendGridCredentials(
            api_key=self.api_key.get_secret_value(),
            from_name=self.from_name,
            reply_to=self.reply_to,
            webhook_public_key=self.webhook_public_key,
        )


class WhatsAppCredentialsIn(_Given):
    """`app_secret` is left out where the app is the installation's own."""

    provider: Literal["whatsapp"]
    access_token: _Secret
    app_secret: Annotated[SecretStr, Field(max_length=500)] = SecretStr("")

    def to_credentials(self) -> WhatsAppCredentials:
        return WhatsAppCredentials(
            access_token=self.access_token.get_secret_value(),
            app_secret=self.app_secret.get_secret_value(),
        )


CredentialsIn = Annotated[
    TwilioCredentialsIn | SendGridCredentialsIn | WhatsAppCredentialsIn,
    Field(discriminator="provider"),
]


class LineIn(_Given):
    """A number or mailbox to send from. WhatsApp's needs its phone number id as `reference`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_LINE]})

    address: Text
    reference: _Digits | None = None

    def to_line(self) -> NewLine:
        return NewLine(address=self.address, reference=self.reference)


class AccountIn(_Given):
    """An account. `reference`: Twilio's account SID, WhatsApp's business account id, and for
    SendGrid a name of your own."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    reference: Text
    baa: Baa
    credentials: CredentialsIn
    lines: Annotated[list[LineIn], Field(max_length=LINES_AT_MOST)] = []

    def to_account(self) -> NewAccount:
        return NewAccount(
            provider=Provider(self.credentials.provider),
            reference=self.reference,
            baa=self.baa,
            credentials=self.credentials.to_credentials(),
            lines=tuple(line.to_line() for line in self.lines),
        )


class AccountChange(_Given):
    """What is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"credentials": _CREDENTIALS}]}
    )

    baa: Baa | None = None
    credentials: CredentialsIn | None = None

    def to_credentials(self) -> Credentials | None:
        return None if self.credentials is None else self.credentials.to_credentials()


class LineOut(BaseModel):
    id: int
    channel: Channel
    address: str
    reference: str | None

    @classmethod
    def of(cls, line: Line) -> "LineOut":
        return cls(
            id=line.id, channel=line.channel, address=line.address, reference=line.reference
        )


class AccountOut(BaseModel):
    """An account without its secrets."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACCOUNT]})

    id: int
    provider: Provider
    reference: str
    baa: Baa
    is_of_environment: bool
    lines: list[LineOut]

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        return cls(
            id=account.id,
            provider=account.provider,
            reference=account.reference,
            baa=account.baa,
            is_of_environment=account.is_of_environment,
            lines=[LineOut.of(line) for line in account.lines],
        )
