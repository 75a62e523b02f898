"""Instants that come from outside: in years that zones and the database can reckon with."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

YEARS: Final = range(1800, 2200)
"""Outside of them a date is a slip, and the database may take it for infinity."""


def _of_our_times(at: datetime) -> datetime:
    if at.year not in YEARS:
        raise ValueError("not an instant of our times")
    return at


OfOurTimes = AfterValidator(_of_our_times)
"""For a field that also takes a local time."""

GivenInstant = Annotated[AwareDatetime, OfOurTimes]
"""An instant with its offset, as a caller or a source writes it."""
