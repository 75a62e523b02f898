"""What stands still, and what is not yet at rest."""

from dataclasses import dataclass
from datetime import datetime

from handbell.channels.types import NewOrders, PauseScope


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPause:
    """A pause to make: what, why, until when (None: until it is ended), and what new orders
    meet."""

    scope: PauseScope
    new_orders: NewOrders
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """The messages that a pause covers: handed to workers or providers, and due but waiting."""

    in_flight: int
    waiting: int
