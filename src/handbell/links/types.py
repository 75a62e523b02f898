"""What a link is for, and how it stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handbell.platform.db import OrganizationId


class LinkKind(StrEnum):
    """What the holder of a link may do. `portal` is the secure message. Values are stored."""

    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    PORTAL = "portal"
    UNSUBSCRIBE = "unsubscribe"


class LinkState(StrEnum):
    """`used`: it acted before; the same act again is harmless."""

    VALID = "valid"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOrder:
    """A link to mint. Links about a visit are bound to its version."""

    kind: LinkKind
    patient_id: int
    address_id: int
    appointment_id: int | None = None
    appointment_version: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A minted link. `used_for` names the acts that it was spent on, each once."""

    id: int
    organization_id: OrganizationId
    kind: LinkKind
    patient_id: int
    address_id: int
    appointment_id: int | None
    appointment_version: int | None
    message_id: int | None = None
    expires_at: datetime
    used_at: datetime | None
    used_for: frozenset[str]

    def state_at(self, now: datetime) -> LinkState:
        if now >= self.expires_at:
            return LinkState.EXPIRED
        return LinkState.VALID if self.used_at is None else LinkState.USED
