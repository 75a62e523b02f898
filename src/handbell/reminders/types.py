"""What is planned for a visit, and how that differs from what was planned before."""

from dataclasses import dataclass
from datetime import datetime

from handbell.directory.types import VisitFacts
from handbell.messages.types import MessageId
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.types import Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedReminder:
    """One message to a visit's patient. `hours_before` is known of reminders only.

    A note after a missed visit serves nothing that is still to come.
    """

    purpose: Purpose
    anchor: Anchor
    serves_at: datetime | None
    hours_before: int | None = None

    @property
    def reminder_offset(self) -> int | None:
        """Minutes before the visit."""
        return None if self.hours_before is None else self.hours_before * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to do with a visit's messages: some no longer hold, some hold as they are and need
    the visit's new version, some are missing."""

    withdraw: tuple[MessageId, ...]
    rebase: tuple[MessageId, ...]
    admit: tuple[PlannedReminder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A message to admit about one visit or, as a reminder, about several of one day in their
    order. `after` is the newest message that told of another choice of these visits: what it was
    to say, this one says."""

    visits: tuple[VisitFacts, ...]
    planned: PlannedReminder
    after: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayChanges:
    """What to do with the messages of a visit and of those of the same day. `rebase` names the
    messages that need the new version of a visit."""

    withdraw: tuple[MessageId, ...]
    rebase: tuple[tuple[VisitFacts, tuple[MessageId, ...]], ...]
    admit: tuple[Wanted, ...]
