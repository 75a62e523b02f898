"""A patient's context and preferences as the clients speak of them."""

from datetime import datetime, time
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from handbell.messages.types import Activity
from handbell.patients.context import ContextChange, PatientContext
from handbell.patients.types import ADDRESS_FIELDS
from handbell.platform.vocabulary import Channel, Purpose

# allow public-files: the flat object has the same fields as a level has
from handbell.preferences.schemas import ChoiceOut, SettingsFields, choices_out
from handbell.preferences.types import FIELDS, Level

Mailbox = Annotated[str, Field(max_length=254)]
Number = Annotated[str, Field(max_length=40)]

FLAT_EXAMPLE: Final[dict[str, JsonValue]] = {
    "timezone": "America/Denver",
    "language": "es",
    "quiet_start": "21:00:00",
    "quiet_end": "08:00:00",
    "best_hour": 18,
    "allow_whatsapp": True,
    "email_address": "ada@example.org",
    "sms_number": "+12125550101",
}


class CommPreferencesIn(SettingsFields):
    """What shall change. A field that is left out stays; null gives it back to inheritance, or
    takes the address away. `id` and `patient_id` may be sent back and are ignored."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [FLAT_EXAMPLE]})

    id: Any = None
    patient_id: Any = None
    email_address: Mailbox | None = None
    sms_number: Number | None = None
    whatsapp_number: Number | None = None

    def to_change(self) -> ContextChange:
        """An address of blanks says the same as none."""
        said = self.model_fields_set - {"id", "patient_id"}
        settings = self.to_fields()
        addresses = {
            channel: (getattr(self, name) or "").strip() or None
            for channel, name in ADDRESS_FIELDS.items()
            if name in said
        }
        return ContextChange(settings=settings, addresses=addresses, names=tuple(sorted(said)))


class CommPreferencesOut(BaseModel):
    """What holds for the patient now, whichever level it comes from."""

    id: int
    patient_id: int
    timezone: str
    language: str
    quiet_start: time
    quiet_end: time
    work_start: time
    work_end: time
    best_hour: int | None
    allow_email: bool
    allow_sms: bool
    allow_whatsapp: bool
    marketing_opt_in_email: bool
    marketing_opt_in_sms: bool
    marketing_opt_in_whatsapp: bool
    channel_order: list[Channel]
    pause_until: datetime | None
    reading_level: int | None
    choices: dict[Purpose, ChoiceOut]
    email_address: str | None
    sms_number: str | None
    whatsapp_number: str | None

    @classmethod
    def of(cls, context: PatientContext) -> "CommPreferencesOut":
        held = {name: getattr(context.preferences, name) for name in FIELDS}
        held["choices"] = choices_out(context.preferences)
        addresses = {
            name: context.addresses.get(channel) for channel, name in ADDRESS_FIELDS.items()
        }
        return cls(id=context.patient_id, patient_id=context.patient_id, **held, **addresses)


class HoursOut(BaseModel):
    """Local to the patient; `start` belongs to them, `end` does not."""

    start: time
    end: time


class MailboxOut(BaseModel):
    """The patient's e-mail."""

    enabled: bool
    address: str | None
    marketing_opt_in: bool


class NumberOut(BaseModel):
    """The patient's number for SMS or WhatsApp, in E.164."""

    enabled: bool
    number: str | None
    marketing_opt_in: bool


class ChannelsOut(BaseModel):
    email: MailboxOut
    sms: NumberOut
    whatsapp: NumberOut


class ContextPreferencesOut(BaseModel):
    timezone: str
    language: str
    quiet_hours: HoursOut
    work_hours: HoursOut
    channels: ChannelsOut
    best_hour: int | None


class RecentActivityOut(BaseModel):
    """The newest instants over all channels. `fatigue_score` is not computed yet."""

    last_sent: datetime | None
    last_opened: datetime | None
    last_replied: datetime | None
    fatigue_score: float | None


class CommContextOut(BaseModel):
    """How a patient is reached. `levels` says for each preference who said it."""

    preferences: ContextPreferencesOut
    segments: list[str]
    recent_activity: RecentActivityOut
    levels: dict[str, Level]

    @classmethod
    def of(cls, context: PatientContext, activity: Activity) -> "CommContextOut":
        held = context.preferences
        return cls(
            preferences=ContextPreferencesOut(
                timezone=held.timezone,
                language=held.language,
                quiet_hours=HoursOut(start=held.quiet_start, end=held.quiet_end),
                work_hours=HoursOut(start=held.work_start, end=held.work_end),
                channels=_channels(context),
                best_hour=held.best_hour,
            ),
            segments=[],
            recent_activity=RecentActivityOut(
                last_sent=activity.last_sent,
                last_opened=activity.last_opened,
                last_replied=activity.last_replied,
                fatigue_score=None,
            ),
            levels=dict(held.levels),
        )


def _channels(context: PatientContext) -> ChannelsOut:
    return ChannelsOut(
        email=MailboxOut(
            enabled=context.preferences.allows(Channel.EMAIL),
            address=context.addresses.get(Channel.EMAIL),
            marketing_opt_in=context.preferences.wants_marketing(Channel.EMAIL),
        ),
        sms=_number(context, Channel.SMS),
        whatsapp=_number(context, Channel.WHATSAPP),
    )


def _number(context: PatientContext, channel: Channel) -> NumberOut:
    return NumberOut(
        enabled=context.preferences.allows(channel),
        number=context.addresses.get(channel),
        marketing_opt_in=context.preferences.wants_marketing(channel),
    )
