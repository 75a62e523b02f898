"""When a failed try is repeated, and when no more: a function of the try and the message."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

RETRIES: Final = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 16))
"""Pauses after the first try and each retry (R9.2); then the message has failed."""
JITTER: Final = 0.5


def next_try(
    message_id: int, tries: int, *, retry_after: timedelta | None, now: datetime
) -> datetime | None:
    """When to try again after `tries` tries; None where it was the last one.

    The pause grows by up to half of itself, by a number that depends on the message and the
    try alone; a longer pause that the provider named is kept.
    """
    if tries > len(RETRIES):
        return None
    pause = RETRIES[tries - 1]
    pause += pause * JITTER * _fraction(message_id, tries)
    return now + max(pause, retry_after or pause)


def _fraction(message_id: int, tries: int) -> float:
    digest = hashlib.sha256(f"{message_id}:{tries}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32
