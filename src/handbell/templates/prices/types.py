"""A dated price, and what a message costs by it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from handbell.platform.vocabulary import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Of a segment of SMS, of a message elsewhere, from a day on. `category` is Meta's for
    WhatsApp (utility, marketing, authentication), else empty. `is_own`: the organisation set
    it; `source` says where a list price comes from."""

    channel: Channel
    category: str
    effective_on: date
    unit_price: Decimal
    currency: str
    is_own: bool = False
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one message costs; `units` are segments or messages."""

    units: int
    amount: Decimal
    currency: str
