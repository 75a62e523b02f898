"""The demo's script: who the patients are, what happens to them and when.

It is all that the checker knows of the truth; nothing in it comes from the product.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum

from handbell.platform.vocabulary import Channel


class ChangeKind(StrEnum):
    """What happens to a visit."""

    BOOKED = "booked"
    MOVED = "rescheduled"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that the record system tells of a visit; `version` counts them from 1."""

    version: int
    at: datetime
    kind: ChangeKind
    starts_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visit with everything that became of it, oldest first; `zone` is the place's."""

    id: str
    patient_id: str
    zone: str
    changes: tuple[Change, ...]

    def as_of(self, at: datetime) -> Change:
        """The newest change at that instant; the first before any."""
        known = [change for change in self.changes if change.at <= at]
        return known[-1] if known else self.changes[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What a checker has to know of a patient.

    `addresses` holds where each channel goes. `open_channels` are those that the patient has
    neither closed nor refused. `zones` are where the patient may be: the stated zone alone,
    else home and area code. `secrets` may stand in no SMS and no WhatsApp message.
    """

    id: str
    zones: tuple[str, ...]
    addresses: Mapping[Channel, str]
    open_channels: frozenset[Channel]
    secrets: tuple[str, ...]
    died_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the record system says at an instant: one event. `subject` is its own id."""

    at: datetime
    type: str
    subject: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A whole run: `opening` is told before anything happens, `statements` in their time.

    `preferences` are patients' wishes that staff enter after the opening.
    """

    source: str
    start: datetime
    end: datetime
    opening: tuple[Statement, ...]
    preferences: Mapping[str, Mapping[str, bool]]
    statements: tuple[Statement, ...]
    patients: Mapping[str, Patient] = field(default_factory=dict)
    visits: Mapping[str, Visit] = field(default_factory=dict)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def fingerprint(self) -> str:
        """A hash of everything: two scripts with the same one are the same."""
        text = json.dumps(asdict(self), default=_plain, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)
