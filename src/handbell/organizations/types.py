"""What others may know of an organisation."""

from dataclasses import dataclass
from enum import StrEnum

from handbell.platform.db import OrganizationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A tenant; `name` is safe to show to anybody."""

    id: OrganizationId
    name: str
    phone: str | None = None
    postal_address: str | None = None
    support_email: str | None = None


class StopScope(StrEnum):
    """What a STOP by SMS or WhatsApp ends: the number on both, or the one channel."""

    NUMBER = "number"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSettings:
    """What an organisation has decided for all its patients.

    `sms_ceiling` is the highest disclosure level of a text message (0..2), `care_per_day` the
    most care messages to one patient in 24 hours, `max_segments` the longest text message.
    """

    informs_at_intake: bool
    whatsapp_us_enabled: bool
    sms_ceiling: int
    stop_scope: StopScope
    care_per_day: int
    max_segments: int
