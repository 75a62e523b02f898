"""The figures of a run, in the shape that `handbell demo --json` writes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCounts:
    """What became of every message; `planned` is the sum of all the others."""

    planned: int
    sent: Mapping[str, int]
    refused: Mapping[str, int]
    cancelled: int
    expired: int
    failed: int
    unknown: int
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyCounts:
    confirm: int = 0
    reschedule: int = 0
    stop: int = 0
    other: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Violations:
    """Each is a wrong done to a patient; what counts as one stands in docs/reference/demo.md."""

    outside_hours: int = 0
    after_opt_out: int = 0
    to_deceased: int = 0
    duplicates: int = 0
    phi: int = 0
    stale: int = 0
    missed: int = 0

    @property
    def total(self) -> int:
        return sum(int(getattr(self, one.name)) for one in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the checker found in a recording."""

    patients: int
    appointments: int
    messages: MessageCounts
    delivered: int
    replies: ReplyCounts
    appointments_confirmed: int
    violations: Violations
    simulated_days: int
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each violation the sandbox's or the script's ids of the first ones."""

    @property
    def is_good(self) -> bool:
        settled = self.messages.pending == 0 and self.messages.unknown == 0
        return settled and self.violations.total == 0

    def as_json(self, *, wall_seconds: float) -> dict[str, Any]:
        shown = asdict(self)
        del shown["examples"]
        return shown | {"wall_seconds": round(wall_seconds, 1)}
