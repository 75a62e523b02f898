"""Settings: environment variables `HANDBELL_*`, and OVHI's names where they mean the same.

A wrong value stops the start with a sentence that names it.
"""

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from handbell.platform.crypto import DERIVED

LEAST_LINK_KEY: Final = 16


def default_home() -> Path:
    """Where `handbell up` keeps its data when `HANDBELL_HOME` is not set."""
    if os.geteuid() == 0:
        return Path("/var/lib/handbell")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "handbell"


def _also(name: str, *others: str) -> AliasChoices:
    return AliasChoices(f"HANDBELL_{name}", *others)


Agreement = Literal["signed", "not_required", "none"]
"""Whether a HIPAA business associate agreement covers a provider account."""
Tier = Literal[
    "",
    "unlimited",
    "us_10dlc_low_volume",
    "us_10dlc_score_1_49",
    "us_10dlc_score_50_75",
    "us_10dlc_score_76_100",
    "toll_free",
    "short_code",
    "other_long_code",
    "whatsapp",
    "whatsapp_business_app",
    "whatsapp_upgraded",
    "whatsapp_new",
    "whatsapp_2k",
    "whatsapp_10k",
    "whatsapp_100k",
    "sendgrid",
]
"""What the provider lets the account's lines do (`channels/tiers.yaml`); empty goes by the looks
of the number."""


class Settings(BaseSettings):
    """All that an operator can set. Secrets have no default: `handbell up` makes its own."""

    model_config = SettingsConfigDict(
        env_prefix="HANDBELL_", extra="ignore", populate_by_name=True
    )

    home: Path = Field(default_factory=default_home)
    database_url: str = ""
    database_app_url: str = ""
    database_engine_url: str = ""
    redis_url: str = ""
    public_url: str = "http://127.0.0.1:8700"
    clock: Literal["system", "simulated"] = "system"
    worker_cores: int = Field(default=0, ge=0, le=256)
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    encryption_key: SecretStr = Field(
        default=SecretStr(""), validation_alias=_also("ENCRYPTION_KEY", "ENCRYPTION_KEY")
    )
    lookup_key: SecretStr = SecretStr("")
    link_keys: SecretStr = SecretStr("")
    webhook_secret: SecretStr = Field(
        default=SecretStr(""), validation_alias=_also("WEBHOOK_SECRET", "WEBHOOK_SECRET")
    )
    jwt_secret: SecretStr = Field(
        default=SecretStr(""), validation_alias=_also("JWT_SECRET", "JWT_SECRET")
    )
    metrics_token: SecretStr = SecretStr("")
    jwt_allow_no_exp: bool = False
    jwt_role_map: str = "6:provider"

    twilio_base_url: str = "https://api.twilio.com"
    twilio_account_sid: str = Field(
        default="", validation_alias=_also("TWILIO_ACCOUNT_SID", "TWILIO_ACCOUNT_SID")
    )
    twilio_auth_token: SecretStr = Field(
        default=SecretStr(""), validation_alias=_also("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN")
    )
    twilio_from: str = Field(
        default="", validation_alias=_also("TWILIO_FROM", "TWILIO_PHONE_NUMBER")
    )
    twilio_messaging_service_sid: str = ""
    twilio_shared_key: SecretStr = SecretStr("")
    twilio_baa: Agreement = "none"
    twilio_tier: Tier = ""

    sendgrid_base_url: str = "https://api.sendgrid.com"
    sendgrid_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias=_also("SENDGRID_API_KEY", "SENDGRID_API_KEY")
    )
    sendgrid_from_email: str = Field(
        default="", validation_alias=_also("SENDGRID_FROM_EMAIL", "SENDGRID_FROM_EMAIL")
    )
    sendgrid_from_name: str = Field(
        default="", validation_alias=_also("SENDGRID_FROM_NAME", "SENDGRID_FROM_NAME")
    )
    sendgrid_reply_to: str = ""
    sendgrid_webhook_public_key: str = ""
    sendgrid_baa: Agreement = "none"
    sendgrid_email_logs: bool = False
    sendgrid_tier: Tier = ""

    whatsapp_base_url: str = "https://graph.facebook.com/v23.0"
    whatsapp_access_token: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=_also("WHATSAPP_ACCESS_TOKEN", "WHATSAPP_ACCESS_TOKEN"),
    )
    whatsapp_business_id: str = Field(
        default="", validation_alias=_also("WHATSAPP_BUSINESS_ID", "WHATSAPP_BUSINESS_ID")
    )
    whatsapp_phone_number_id: str = ""
    whatsapp_number: str = ""
    whatsapp_baa: Agreement = "none"
    whatsapp_tier: Tier = ""
    whatsapp_app_secret: SecretStr = SecretStr("")
    whatsapp_verify_token: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=_also("WHATSAPP_VERIFY_TOKEN", "WHATSAPP_WEBHOOK_VERIFY_TOKEN"),
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("link_keys")
    @classmethod
    def _check_link_keys(cls, value: SecretStr) -> SecretStr:
        """A short key would let links be forged."""
        if any(len(one) < LEAST_LINK_KEY and one != DERIVED for one in _parts(value)):
            raise ValueError(f"each key needs {LEAST_LINK_KEY} characters at least")
        return value

    def link_key_list(self) -> list[str]:
        """The keys of links, the one that signs first."""
        return _parts(self.link_keys)


def _parts(value: SecretStr) -> list[str]:
    return [part for one in value.get_secret_value().split(",") if (part := one.strip())]
