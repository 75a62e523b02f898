"""Preferences of a level as the clients speak of them."""

import re
from datetime import datetime, time
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from handbell.platform.instants import GivenInstant
from handbell.platform.vocabulary import Channel, Purpose
from handbell.preferences.levels import LevelView
from handbell.preferences.types import CHOICES, FIELDS, Change, Choice, Level, Preferences

CLOCK_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")


def _clock_time(value: object) -> object:
    if isinstance(value, str) and CLOCK_TIME.fullmatch(value) is None:
        raise ValueError("not a time of the day")
    if value is not None and not isinstance(value, str | time):
        raise ValueError("not a time of the day")
    return value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]
"""Local to the patient, as `22:00:00`; the seconds may be left out when it is given."""
Channels = Annotated[list[Channel], Field(min_length=1, max_length=3)]


class ChoiceIn(BaseModel):
    """Whether messages of a purpose are wanted, and on which channels, the first one first."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = True
    channels: Channels | None = None

    def to_choice(self) -> Choice:
        channels = tuple(self.channels) if self.channels else None
        return Choice(enabled=self.enabled, channels=channels)


class SettingsFields(BaseModel):
    """The fields of every level. One that is left out stays; null gives it back to inheritance,
    and null for a purpose in `choices` gives that choice back."""

    timezone: Annotated[str, Field(max_length=64)] | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    quiet_start: ClockTime | None = None
    quiet_end: ClockTime | None = None
    work_start: ClockTime | None = None
    work_end: ClockTime | None = None
    best_hour: Annotated[int, Field(ge=0, le=23)] | None = None
    allow_email: bool | None = None
    allow_sms: bool | None = None
    allow_whatsapp: bool | None = None
    marketing_opt_in_email: bool | None = None
    marketing_opt_in_sms: bool | None = None
    marketing_opt_in_whatsapp: bool | None = None
    channel_order: Channels | None = None
    pause_until: GivenInstant | None = None
    reading_level: Annotated[int, Field(ge=1, le=18)] | None = None
    choices: dict[Purpose, ChoiceIn | None] | None = None

    def to_fields(self) -> dict[str, Any]:
        """The fields that are spoken of, in our types."""
        said = self.model_fields_set
        fields = {name: getattr(self, name) for name in FIELDS if name in said}
        if self.channel_order is not None:
            fields["channel_order"] = tuple(self.channel_order)
        if CHOICES in said:
            fields[CHOICES] = self.choices and {
                purpose: choice and choice.to_choice() for purpose, choice in self.choices.items()
            }
        return fields


EXAMPLE: Final[dict[str, JsonValue]] = {
    "timezone": "America/Denver",
    "language": "es",
    "quiet_start": "21:00:00",
    "quiet_end": "08:00:00",
    "reading_level": 6,
    "choices": {"rx_refill": {"enabled": False}, "lab_ready": {"channels": ["email"]}},
}


class LevelIn(SettingsFields):
    """What shall change at one level."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})


class ChoiceOut(BaseModel):
    """`channels` null: the order of channels decides."""

    enabled: bool
    channels: list[Channel] | None

    @classmethod
    def of(cls, choice: Choice) -> "ChoiceOut":
        return cls(enabled=choice.enabled, channels=choice.channels and list(choice.channels))


class SaidOut(BaseModel):
    """What the level says of its own; null is inherited."""

    timezone: str | None
    language: str | None
    quiet_start: time | None
    quiet_end: time | None
    work_start: time | None
    work_end: time | None
    best_hour: int | None
    allow_email: bool | None
    allow_sms: bool | None
    allow_whatsapp: bool | None
    marketing_opt_in_email: bool | None
    marketing_opt_in_sms: bool | None
    marketing_opt_in_whatsapp: bool | None
    channel_order: list[Channel] | None
    pause_until: datetime | None
    reading_level: int | None
    choices: dict[Purpose, ChoiceOut]


class HeldOut(BaseModel):
    """What holds at the level, whichever level said it."""

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


def choices_out(held: Preferences) -> dict[Purpose, ChoiceOut]:
    return {purpose: ChoiceOut.of(choice) for purpose, choice in held.choices.items()}


class LevelOut(BaseModel):
    """One level. `version` counts its changes, 0 means that it never spoke; `levels` tells for
    each field, and each choice as `choices.<purpose>`, which level it came from."""

    level: Level
    level_id: int
    version: int
    changed_at: datetime | None
    changed_by: str
    said: SaidOut
    held: HeldOut
    levels: dict[str, Level]

    @classmethod
    def of(cls, view: LevelView) -> "LevelOut":
        said, held = view.said.settings, view.held
        own = {name: getattr(said, name) for name in FIELDS}
        own_choices = {purpose: ChoiceOut.of(one) for purpose, one in (said.choices or {}).items()}
        return cls(
            level=view.said.level,
            level_id=view.said.level_id,
            version=view.said.version,
            changed_at=view.said.changed_at,
            changed_by=view.said.changed_by,
            said=SaidOut(**own, choices=own_choices),
            held=HeldOut(
                **{name: getattr(held, name) for name in FIELDS}, choices=choices_out(held)
            ),
            levels=dict(held.levels),
        )


class ChangeOut(BaseModel):
    """What one write replaced: `old` and `new` hold the fields that differ, null is inherited.
    The audit entry of the write names `id` and `sha256`."""

    id: int
    version: int
    changed_at: datetime
    changed_by: str
    old: dict[str, JsonValue]
    new: dict[str, JsonValue]
    sha256: str

    @classmethod
    def of(cls, change: Change) -> "ChangeOut":
        return cls(
            id=change.id,
            version=change.version,
            changed_at=change.changed_at,
            changed_by=change.changed_by,
            old=dict(change.old),
            new=dict(change.new),
            sha256=change.digest,
        )
