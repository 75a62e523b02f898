"""What may be done about a lost answer, by its age and what the provider can tell."""

from datetime import datetime, timedelta
from typing import Final

from handbell.delivery.unknowns.types import (
    Close,
    Doubt,
    LookUp,
    OtherChannel,
    Resend,
    Step,
    Wait,
)
from handbell.platform.vocabulary import MessageClass

CLOSES_AFTER: Final = timedelta(hours=24)
"""When reports stop waiting. Meta repeats callbacks for days, so a late one still counts."""
DUE_SOON: Final = timedelta(hours=4)
"""A visit that is nearer does not wait for an answer that may never come."""
PATIENCE: Final = timedelta(minutes=10)
"""Callbacks come within seconds; before this has passed no other channel is taken."""
SOONEST_ASK: Final = timedelta(seconds=30)


def next_step(doubt: Doubt, *, now: datetime) -> Step:
    """Say what to do about an unknown attempt now.

    It is asked about as often as planned, then sent once more if the provider does not have it;
    where it cannot be asked, care that is due soon takes another channel, and after a day
    the attempt is closed.
    """
    closes_at = doubt.since + CLOSES_AFTER
    if now >= closes_at:
        return Close()
    asks_at, other_at = _asks_at(doubt), _other_at(doubt)
    if asks_at is not None and now >= asks_at:
        return LookUp()
    if doubt.asks_after and asks_at is None and doubt.may_resend:
        return Resend()
    if other_at is not None and now >= other_at:
        return OtherChannel()
    return Wait(min(at for at in (closes_at, asks_at, other_at) if at is not None))


def ask_again_at(doubt: Doubt, *, now: datetime) -> datetime:
    """When to ask a provider again that could not tell: after half a minute at first, later
    after a quarter of the doubt's age."""
    return now + max(SOONEST_ASK, (now - doubt.since) / 4)


def _asks_at(doubt: Doubt) -> datetime | None:
    if doubt.looks >= len(doubt.asks_after):
        return None
    return doubt.since + doubt.asks_after[doubt.looks]


def _other_at(doubt: Doubt) -> datetime | None:
    is_care = doubt.message_class is MessageClass.CARE
    if not is_care or doubt.serves_at is None or doubt.has_fallen_back:
        return None
    return max(doubt.since + PATIENCE, doubt.serves_at - DUE_SOON)
