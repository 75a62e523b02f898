"""When a failed try is repeated, and when no more: a function of the try and the message."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from handbell.scheduling.policy import is_useful

RETRIES: Final = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 16))
"""Pauses after the first try and each retry (R9.2); then the message has failed."""
JITTER: Final = 0.5
"""The most by which a pause grows, as a part of it."""


def next_try(
    key: str,
    tries: int,
    *,
    retry_after: timedelta | datetime | None,
    serves_at: datetime | None,
    now: datetime,
) -> datetime | None:
    """When to try again after `tries` tries; None where it was the last one, or where the next
    would come too late for the visit at `serves_at`.

    The pause grows by up to half of itself, by a number that depends on the message's key and
    the try alone; a longer one that the provider named is kept. Whether the instant is allowed
    is the gate's to say when it has come.
    """
    if tries > len(RETRIES):
        return None
    pause = RETRIES[tries - 1]
    at = max(now + pause + pause * JITTER * fraction(key, tries), _named(retry_after, now=now))
    return at if is_useful(at, serves_at) else None


def fraction(key: str, tries: int, *, seed: str = "") -> float:
    """A number in [0, 1) that is the same for the same seed, message and try, everywhere."""
    digest = hashlib.sha256(f"{seed}:{key}:{tries}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


def _named(retry_after: timedelta | datetime | None, *, now: datetime) -> datetime:
    if isinstance(retry_after, datetime):
        return retry_after
    return now + (retry_after or timedelta(0))
