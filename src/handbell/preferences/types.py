"""What may be preferred, at which level, and what is true when nobody said anything."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time
from enum import StrEnum
from typing import Final

from handbell.platform.vocabulary import Channel


class Level(StrEnum):
    """Who says it. A more specific level stands before a more general one, field by field."""

    PATIENT = "patient"
    PROVIDER = "provider"
    ORGANIZATION = "organization"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one level says. None means inherited; hours are local to the patient."""

    timezone: str | None = None
    language: str | None = None
    quiet_start: time | None = None
    quiet_end: time | None = None
    work_start: time | None = None
    work_end: time | None = None
    best_hour: int | None = None
    allow_email: bool | None = None
    allow_sms: bool | None = None
    allow_whatsapp: bool | None = None
    marketing_opt_in_email: bool | None = None
    marketing_opt_in_sms: bool | None = None
    marketing_opt_in_whatsapp: bool | None = None
    channel_order: tuple[Channel, ...] | None = None
    pause_until: datetime | None = None


FIELDS: Final = tuple(field.name for field in fields(Settings))

DEFAULTS: Final = Settings(
    timezone="America/New_York",
    language="en",
    quiet_start=time(22),
    quiet_end=time(8),
    work_start=time(9),
    work_end=time(17),
    allow_email=True,
    allow_sms=True,
    allow_whatsapp=False,
    marketing_opt_in_email=False,
    marketing_opt_in_sms=False,
    marketing_opt_in_whatsapp=False,
    channel_order=(Channel.SMS, Channel.EMAIL, Channel.WHATSAPP),
)
"""What holds when no level says anything; the global level answers for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What holds for one patient, and for each field the level that it came from.

    `levels["timezone"]` being `global` means that nobody knows the patient's zone.
    """

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
    channel_order: tuple[Channel, ...]
    pause_until: datetime | None
    levels: Mapping[str, Level]

    def allows(self, channel: Channel) -> bool:
        """Whether the channel may be used at all; consent is another question."""
        return {
            Channel.EMAIL: self.allow_email,
            Channel.SMS: self.allow_sms,
            Channel.WHATSAPP: self.allow_whatsapp,
        }[channel]

    def wants_marketing(self, channel: Channel) -> bool:
        return {
            Channel.EMAIL: self.marketing_opt_in_email,
            Channel.SMS: self.marketing_opt_in_sms,
            Channel.WHATSAPP: self.marketing_opt_in_whatsapp,
        }[channel]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSettings:
    """A level's settings as stored; `version` counts its changes, 0 means never stored."""

    level: Level
    level_id: int
    settings: Settings
    version: int
    changed_at: datetime | None
    changed_by: str
