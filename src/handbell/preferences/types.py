"""What may be preferred, at which level, and what is true when nobody said anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, time
from enum import StrEnum
from typing import Any, Final

from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass, Purpose


class Level(StrEnum):
    """Who says it. A more specific level stands before a more general one, field by field."""

    PATIENT = "patient"
    PROVIDER = "provider"
    ORGANIZATION = "organization"
    GLOBAL = "global"


CHOOSABLE: Final = tuple(
    purpose
    for purpose, of_class in CLASS_OF_PURPOSE.items()
    if of_class not in {MessageClass.EMERGENCY, MessageClass.INBOUND_REPLY}
)
"""What may be switched off: neither a warning nor the answer to what a patient wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Whether messages of one purpose are wanted, and on which channels, the first one first.

    Without channels the patient's order of channels holds.
    """

    enabled: bool = True
    channels: tuple[Channel, ...] | None = None

    def allows(self, channel: Channel) -> bool:
        return self.enabled and (self.channels is None or channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one level says. None means inherited; hours are local to the patient.

    `reading_level` is a US school grade, 1 to 18. Each purpose in `choices` is inherited by
    itself.
    """

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
    reading_level: int | None = None
    choices: Mapping[Purpose, Choice] | None = None


CHOICES: Final = "choices"
FIELDS: Final = tuple(one.name for one in fields(Settings) if one.name != CHOICES)
"""What is inherited as a whole; the choices are inherited purpose by purpose."""

WANTED: Final = Choice()

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

    `levels["timezone"]` being `global` means that nobody knows the patient's zone. A choice of
    which somebody spoke stands there as `choices.rx_refill`.
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
    reading_level: int | None = None
    choices: Mapping[Purpose, Choice] = field(default_factory=dict)
    levels: Mapping[str, Level]

    def choice_of(self, purpose: Purpose) -> Choice:
        """What is wanted of a purpose; of which nobody spoke, everything."""
        return self.choices.get(purpose, WANTED)

    def order_for(self, purpose: Purpose) -> Sequence[Channel]:
        """The channels to try for a purpose, the first one first."""
        return self.choice_of(purpose).channels or self.channel_order

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """The fields of one level that are spoken of; None in one is inherited again."""

    level: Level
    level_id: int
    fields: Mapping[str, Any]
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one write replaced, field by field, as JSON values; null means inherited.

    `digest` is the SHA-256 of salt, old and new: it ties the audit entry to this row, and says
    nothing once the row is erased.
    """

    id: int
    version: int
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    changed_at: datetime
    changed_by: str
    digest: str

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(sorted(self.new))
