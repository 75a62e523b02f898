"""When a failed try is repeated, and what cannot wait: functions of the try and the message."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from handbell.platform.vocabulary import MessageClass
from handbell.scheduling.policy import is_useful

RETRIES: Final = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 16))
"""Pauses after the first try and each retry (R9.2); then the message has failed."""
JITTER: Final = 0.5
"""The most by which a pause grows, as a part of it."""
CLOSE: Final = timedelta(hours=1)
"""A visit that is nearer waits for no provider to recover."""
NEAR: Final = timedelta(hours=4)
"""One that is nearer waits for `WAITED_ENOUGH`: most breakers close within seconds, and the
patient's first channel is the one that is read."""
WAITED_ENOUGH: Final = timedelta(minutes=10)


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


def cannot_wait(
    message_class: MessageClass,
    serves_at: datetime | None,
    *,
    planned_at: datetime | None,
    now: datetime,
) -> bool:
    """Whether care is so near its visit that it takes another channel while its provider fails."""
    if message_class is not MessageClass.CARE or serves_at is None:
        return False
    left = serves_at - now
    has_waited = planned_at is not None and now - planned_at >= WAITED_ENOUGH
    return left < CLOSE or (left < NEAR and has_waited)


def fraction(key: str, tries: int, *, seed: str = "") -> float:
    """A number in [0, 1) that is the same for the same seed, message and try, everywhere."""
    digest = hashlib.sha256(f"{seed}:{key}:{tries}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


def _named(retry_after: timedelta | datetime | None, *, now: datetime) -> datetime:
    if isinstance(retry_after, datetime):
        return retry_after
    return now + (retry_after or timedelta(0))
