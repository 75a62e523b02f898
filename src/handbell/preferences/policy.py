"""Resolution per field and sanitising: pure, the same for every way in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import time
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from babel import Locale

from handbell.platform.vocabulary import Channel, Purpose
from handbell.preferences.errors import InvalidPreference
from handbell.preferences.types import (
    CHOICES,
    CHOOSABLE,
    DEFAULTS,
    FIELDS,
    Choice,
    Level,
    Preferences,
    Settings,
)

LANGUAGE_TAG: Final = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?",
    re.IGNORECASE,
)
HOURS_OF_DAY: Final = range(24)
GRADES: Final = range(1, 19)
WINDOWS: Final = (("quiet_start", "quiet_end"), ("work_start", "work_end"))


def resolve(said: Mapping[Level, Settings]) -> Preferences:
    """Take each field from the most specific level that says something about it."""
    values: dict[str, Any] = {}
    levels: dict[str, Level] = {}
    for field in FIELDS:
        levels[field], values[field] = _first(field, said)
    choices, choice_levels = fold_choices(
        {level: settings.choices for level, settings in said.items()}
    )
    return Preferences(**values, choices=choices, levels=levels | choice_levels)


def fold_choices(
    said: Mapping[Level, Mapping[Purpose, Choice] | None],
) -> tuple[dict[Purpose, Choice], dict[str, Level]]:
    """The choices that hold, each from the most specific level that made it, and from which."""
    held: dict[Purpose, Choice] = {}
    levels: dict[str, Level] = {}
    for level in reversed(Level):
        for purpose, choice in (said.get(level) or {}).items():
            held[purpose] = choice
            levels[f"{CHOICES}.{purpose}"] = level
    return held, levels


def merged(before: Settings, changed: Mapping[str, Any], held: Preferences) -> Settings:
    """A level with a change in it; None gives a field, or the choice of a purpose, back.

    A window that is given one end, and has no other at this level, takes the other from what
    holds.
    """
    completed = dict(changed)
    for start, end in WINDOWS:
        for one, other in ((start, end), (end, start)):
            is_alone = other not in changed and getattr(before, other) is None
            if changed.get(one) is not None and is_alone:
                completed[other] = getattr(held, other)
    if changed.get(CHOICES) is not None:
        choices = {**(before.choices or {}), **changed[CHOICES]}
        completed[CHOICES] = {one: choice for one, choice in choices.items() if choice} or None
    return replace(before, **completed)


def _first(field: str, said: Mapping[Level, Settings]) -> tuple[Level, Any]:
    for level in Level:
        value = getattr(said.get(level), field, None)
        if value is not None:
            return level, value
    return Level.GLOBAL, getattr(DEFAULTS, field)


def sanitise(settings: Settings) -> Settings:
    """Bring values into their canonical form, or raise `InvalidPreference` for the first bad one.

    A window needs both ends at one level, because half of it would join with another level's.
    """
    _check_window("quiet", settings.quiet_start, settings.quiet_end)
    _check_window("work", settings.work_start, settings.work_end)
    if settings.best_hour is not None and settings.best_hour not in HOURS_OF_DAY:
        raise InvalidPreference("An hour of the day is 0 to 23.", field="best_hour")
    if settings.pause_until is not None and settings.pause_until.tzinfo is None:
        raise InvalidPreference("An instant needs its UTC offset.", field="pause_until")
    if settings.reading_level is not None and settings.reading_level not in GRADES:
        raise InvalidPreference("A reading level is a grade, 1 to 18.", field="reading_level")
    _check_choices(settings.choices or {})
    return replace(
        settings,
        timezone=_canonical(canonical_zone, settings.timezone),
        language=_canonical(canonical_language, settings.language),
        channel_order=_each_once(settings.channel_order),
    )


def _canonical(form: Callable[[str], str], said: str | None) -> str | None:
    """What is not said stays so; an empty word is said, and refused like any other bad one."""
    return None if said is None else form(said)


def _check_window(name: str, start: time | None, end: time | None) -> None:
    if (start is None) != (end is None):
        missing = f"{name}_start" if start is None else f"{name}_end"
        raise InvalidPreference("A window of hours needs both its ends.", field=missing)
    for field, hour in ((f"{name}_start", start), (f"{name}_end", end)):
        if hour is not None and hour.tzinfo is not None:
            raise InvalidPreference("Hours are local and carry no offset.", field=field)


def check_opt_ins(level: Level, fields: Mapping[str, Any]) -> None:
    """Nobody but the patient can wish for marketing. Raises `InvalidPreference`."""
    for channel in Channel:
        field = f"marketing_opt_in_{channel}"
        if level is not Level.PATIENT and fields.get(field):
            raise InvalidPreference("Only a patient can wish for marketing.", field=field)


def _check_choices(choices: Mapping[Purpose, Choice]) -> None:
    for purpose, choice in choices.items():
        field = f"{CHOICES}.{purpose}"
        if purpose not in CHOOSABLE:
            raise InvalidPreference("This purpose cannot be chosen.", field=field)
        if choice.channels is not None and not _is_order(choice.channels):
            raise InvalidPreference("Each channel stands once.", field=f"{field}.channels")


def _is_order(channels: tuple[Channel, ...]) -> bool:
    return bool(channels) and len(set(channels)) == len(channels)


def _each_once(order: tuple[Channel, ...] | None) -> tuple[Channel, ...] | None:
    if order is not None and not _is_order(order):
        raise InvalidPreference("Each channel stands once in the order.", field="channel_order")
    return order


def canonical_zone(name: str) -> str:
    """The IANA name in its own spelling; any case and stray blanks are forgiven."""
    zone = _zones().get(name.strip().lower())
    if zone is None:
        raise InvalidPreference("This is not an IANA time zone.", field="timezone")
    return zone


@cache
def _zones() -> dict[str, str]:
    places = (name for name in available_timezones() if "/" in name or name == "UTC")
    return {name.lower(): name for name in places}


def canonical_language(tag: str) -> str:
    """A BCP 47 tag (language, script, region) in its usual case, such as `zh-Hant-TW`."""
    match = LANGUAGE_TAG.fullmatch(tag.strip().replace("_", "-"))
    if match is None or match["language"].lower() not in Locale("en").languages:
        raise InvalidPreference("This is not a BCP 47 language tag.", field="language")
    parts = (
        match["language"].lower(),
        (match["script"] or "").title(),
        (match["region"] or "").upper(),
    )
    return "-".join(part for part in parts if part)
