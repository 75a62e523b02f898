"""An organisation's and a clinician's settings as the clients speak of them."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from handbell.directory.errors import InvalidAddress
from handbell.directory.service import canonical_address
from handbell.organizations.types import StopScope
from handbell.patients.settings.errors import ConsentIsRequired, InvalidSetting
from handbell.patients.settings.providers import ProviderChange, ProviderView
from handbell.patients.settings.service import SettingsChange, SettingsView
from handbell.platform.lines import Line, printable
from handbell.platform.vocabulary import Channel
from handbell.preferences.errors import InvalidPreference
from handbell.preferences.service import canonical_language, canonical_zone
from handbell.scheduling.types import WhenClosed

FACTS: Final = {
    "business_name": "name",
    "business_address": "postal_address",
    "business_phone": "phone",
    "support_email": "support_email",
}
DEFAULTS: Final = {"default_timezone": "timezone", "default_language": "language"}
DECISIONS: Final = (
    "informs_at_intake",
    "whatsapp_us_enabled",
    "sms_ceiling",
    "stop_scope",
    "care_per_day",
    "max_segments",
)
CANNOT_BE_EMPTY: Final = ("business_name", *DECISIONS)


Lines = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(printable)
]

EXAMPLE: Final[dict[str, JsonValue]] = {
    "business_name": "Riverside Health",
    "business_phone": "+12125550100",
    "default_timezone": "America/Chicago",
    "care_per_day": 3,
}


class OrganizationSettingsIn(BaseModel):
    """What shall change. A field that is left out stays; null empties a fact, and gives a
    default back to the global level.

    `enable_marketing` is taken and has no effect. `marketing_consent_required` can only be
    true.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    business_name: Line | None = None
    business_address: Lines | None = None
    business_phone: Annotated[str, Field(max_length=40)] | None = None
    support_email: Annotated[str, Field(max_length=254)] | None = None
    default_timezone: Annotated[str, Field(max_length=64)] | None = None
    default_language: Annotated[str, Field(max_length=35)] | None = None
    enable_marketing: bool | None = None
    marketing_consent_required: bool | None = None
    informs_at_intake: bool | None = None
    whatsapp_us_enabled: bool | None = None
    sms_ceiling: Annotated[int, Field(ge=0, le=2)] | None = None
    stop_scope: StopScope | None = None
    care_per_day: Annotated[int, Field(ge=1, le=5)] | None = None
    max_segments: Annotated[int, Field(ge=1, le=10)] | None = None

    def to_change(self) -> SettingsChange:
        """Bring values into their canonical form.

        Raises `ConsentIsRequired`, `InvalidSetting`, `InvalidAddress` or `InvalidPreference`.
        """
        if self.marketing_consent_required is False:
            raise ConsentIsRequired
        said = self.model_fields_set
        for name in CANNOT_BE_EMPTY:
            if name in said and getattr(self, name) is None:
                raise InvalidSetting("This setting cannot be empty.", field=name)
        return SettingsChange(
            facts={
                column: self._canonical(name) for name, column in FACTS.items() if name in said
            },
            decisions={name: getattr(self, name) for name in DECISIONS if name in said},
            defaults={
                field: self._canonical(name) for name, field in DEFAULTS.items() if name in said
            },
            names=tuple(sorted(said)),
        )

    def _canonical(self, name: str) -> str | None:
        value: str | None = getattr(self, name)
        if not (value and value.strip()):
            return None
        try:
            return CANONICAL[name](value) if name in CANONICAL else value
        except (InvalidAddress, InvalidPreference) as wrong:
            raise type(wrong)(wrong.message, **{**wrong.details, "field": name}) from wrong


CANONICAL: Final[dict[str, Callable[[str], str]]] = {
    "business_phone": lambda value: canonical_address(Channel.SMS, value).value,
    "support_email": lambda value: canonical_address(Channel.EMAIL, value).value,
    "default_timezone": canonical_zone,
    "default_language": canonical_language,
}


class OrganizationSettingsOut(BaseModel):
    """What holds for the organisation. The defaults may come from the global level."""

    business_name: str
    business_address: str | None
    business_phone: str | None
    support_email: str | None
    default_timezone: str
    default_language: str
    enable_marketing: bool
    marketing_consent_required: bool
    informs_at_intake: bool
    whatsapp_us_enabled: bool
    sms_ceiling: int
    stop_scope: StopScope
    care_per_day: int
    max_segments: int

    @classmethod
    def of(cls, view: SettingsView) -> "OrganizationSettingsOut":
        facts: dict[str, Any] = {
            name: getattr(view.organization, column) for name, column in FACTS.items()
        }
        return cls(
            default_timezone=view.timezone,
            default_language=view.language,
            enable_marketing=True,
            marketing_consent_required=True,
            **facts,
            **{name: getattr(view.decisions, name) for name in DECISIONS},
        )


PROVIDER_FACTS: Final = {
    "enable_auto_reminders": "auto_reminders",
    "reminder_hours_before": "reminder_hours_before",
    "reminder_when_closed": "when_closed",
    "signature": "signature",
}
PROVIDER_EXAMPLE: Final[dict[str, JsonValue]] = {
    "default_timezone": "America/Chicago",
    "reminder_hours_before": [48, 2],
    "signature": "Dr. Wu and team",
}
HoursBefore = Annotated[
    list[Annotated[int, Field(ge=1, le=24 * 30)]],
    Field(max_length=5),
    AfterValidator(lambda hours: sorted(set(hours), reverse=True)),
]


class ProviderSettingsIn(BaseModel):
    """What shall change. A field that is left out stays; null gives a default back to the
    organisation, and the hours to 24 and 2."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [PROVIDER_EXAMPLE]})

    default_timezone: Annotated[str, Field(max_length=64)] | None = None
    default_language: Annotated[str, Field(max_length=35)] | None = None
    enable_auto_reminders: bool | None = None
    reminder_hours_before: HoursBefore | None = None
    reminder_when_closed: WhenClosed | None = None
    signature: Lines | None = None

    def to_change(self) -> ProviderChange:
        """Raises `InvalidSetting` or `InvalidPreference`."""
        said = self.model_fields_set
        for name in ("enable_auto_reminders", "reminder_when_closed"):
            if name in said and getattr(self, name) is None:
                raise InvalidSetting("This setting cannot be empty.", field=name)
        return ProviderChange(
            facts={
                column: getattr(self, name)
                for name, column in PROVIDER_FACTS.items()
                if name in said
            },
            defaults={
                field: _canonical_default(name, getattr(self, name))
                for name, field in DEFAULTS.items()
                if name in said
            },
            names=tuple(sorted(said)),
        )


def _canonical_default(name: str, value: str | None) -> str | None:
    if not (value and value.strip()):
        return None
    try:
        return CANONICAL[name](value)
    except InvalidPreference as wrong:
        raise InvalidPreference(wrong.message, field=name) from wrong


class ProviderSettingsOut(BaseModel):
    """What holds for the clinician's patients. The defaults may come from a level above."""

    provider_id: int
    default_timezone: str
    default_language: str
    enable_auto_reminders: bool
    reminder_hours_before: list[int]
    reminder_when_closed: WhenClosed
    signature: str | None

    @classmethod
    def of(cls, view: ProviderView) -> "ProviderSettingsOut":
        return cls(
            provider_id=view.facts.id,
            default_timezone=view.timezone,
            default_language=view.language,
            enable_auto_reminders=view.facts.auto_reminders,
            reminder_hours_before=list(view.hours_before),
            reminder_when_closed=view.facts.when_closed,
            signature=view.facts.signature,
        )
