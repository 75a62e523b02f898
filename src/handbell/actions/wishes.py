"""A wish for another time as staff read it."""

from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from handbell.directory.types import Slot

HOURS: Final = ("mornings", "afternoons", "any")
WISH_LENGTH: Final = 300


def to_wish(hours: Iterable[str], words: str) -> str | None:
    """One line of the ticked hours and the patient's own words; None where both are missing.

    A browser keeps to the length; what another client sends beyond it is cut.
    """
    told = set(hours)
    ticked = ", ".join(hour for hour in HOURS if hour in told)
    own = " ".join(words.split())[:WISH_LENGTH]
    return ": ".join(part for part in (ticked, own) if part) or None


def with_slot(slot: Slot, wish: str | None) -> str:
    """The slot that was chosen, in its place's time, before what else the patient said."""
    start = slot.starts_at.astimezone(ZoneInfo(slot.timezone))
    return "; ".join(part for part in (f"free slot {start:%Y-%m-%d %H:%M}", wish) if part)
