"""Settings as they are stored, and back: columns of a row, and JSON for the record of changes."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from handbell.platform.vocabulary import Channel, Purpose
from handbell.preferences.types import CHOICES, FIELDS, Choice, Settings

STORED = (*FIELDS, CHOICES)


def to_values(settings: Settings) -> dict[str, Any]:
    """Every column of the row."""
    values = {field: getattr(settings, field) for field in FIELDS}
    if settings.channel_order is not None:
        values["channel_order"] = [channel.value for channel in settings.channel_order]
    values[CHOICES] = choices_to_json(settings.choices)
    return values


def from_row(row: Any) -> Settings:
    """The settings of a row."""
    return Settings(**fields_of(row), choices=choices_from_json(row.choices))


def fields_of(row: Any) -> dict[str, Any]:
    """The fields that are inherited as a whole, in our types."""
    values = {field: getattr(row, field) for field in FIELDS}
    if values["channel_order"] is not None:
        values["channel_order"] = tuple(Channel(name) for name in values["channel_order"])
    return values


def choices_to_json(choices: Mapping[Purpose, Choice] | None) -> dict[str, Any] | None:
    if choices is None:
        return None
    return {
        purpose.value: {
            "enabled": choice.enabled,
            "channels": choice.channels and [channel.value for channel in choice.channels],
        }
        for purpose, choice in choices.items()
    }


def choices_from_json(told: Mapping[str, Any] | None) -> dict[Purpose, Choice] | None:
    if told is None:
        return None
    return {
        Purpose(purpose): Choice(
            enabled=choice["enabled"],
            channels=choice["channels"]
            and tuple(Channel(channel) for channel in choice["channels"]),
        )
        for purpose, choice in told.items()
    }


def differences(old: Settings, new: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stood and what stands instead, of the fields that differ, as JSON."""
    before, after = to_values(old), to_values(new)
    differing = [name for name in STORED if before[name] != after[name]]
    return (
        {name: _plain(before[name]) for name in differing},
        {name: _plain(after[name]) for name in differing},
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, time | datetime) else value
