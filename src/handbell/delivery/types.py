"""What passes between the steps of a delivery."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from handbell.channels.types import Line, Outbound, Sender
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Channel, Lane

SHARE: Final = 200
"""Messages of one lane that an organisation may have out at once: nobody waits behind all of
another's."""
HELD_AGAIN: Final = timedelta(minutes=15)
"""A message whose line is paused is looked at again so much later, or when the pause ends by
itself: which line it leaves from is not known before it is claimed. `resume` lets it go."""
LANE_GROUPS: Final[Mapping[str, tuple[Lane, ...]]] = {
    "urgent": (Lane.URGENT, Lane.REPLIES),
    "care": (Lane.CARE, Lane.JOBS),
    "bulk": (Lane.BILLING, Lane.MARKETING),
}
"""The lanes that share a process. Urgent messages and replies, for which somebody waits, share
theirs with nothing that comes in crowds."""

Senders = Mapping[int, Sender]
"""A sender for each account of an organisation, by the account's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Where something is due: the lanes with messages, the most urgent first, and whether the
    outbox has work."""

    lanes: tuple[Lane, ...]
    has_work: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """Due messages of one organisation and channel, handed to a lane. Ids only."""

    organization_id: OrganizationId
    channel: Channel
    lane: Lane
    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Claim:
    """A message that is being sent: its attempt is stored, the call comes next. `line` is None
    where the last line of the channel went away just now."""

    message_id: int
    attempt_id: int
    address_id: int
    line: Line | None
    channel: Channel
    order_key: str
    serves_at: datetime | None
    tries: int
    outbound: Outbound


@dataclass(frozen=True, slots=True, kw_only=True)
class OptedOut:
    """What an opt-out did. `is_first` is false where a stop of the last 24 hours stood."""

    address_ids: tuple[int, ...]
    withdrawn: int
    is_first: bool
