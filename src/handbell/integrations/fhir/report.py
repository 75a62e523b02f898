"""What an import did, in counts; and for each thing not used, a line without patient data."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from handbell.integrations.fhir.types import USED, Found, Outcome, Place, Result, Unreadable

Rejects = Callable[[Mapping[str, Any]], None]
"""Takes a line about something that was not used."""


class Report:
    """Counts as it goes. A reason is counted once for each resource."""

    def __init__(self, rejects: Rejects) -> None:
        self.files = 0
        self.not_used_yet: Counter[str] = Counter()
        self.unreadable: Counter[str] = Counter()
        self._rejects = rejects
        self._outcomes: dict[str, Counter[str]] = {name: Counter() for name in USED}
        self._reasons: dict[str, Counter[str]] = {name: Counter() for name in USED}

    @property
    def resources(self) -> int:
        return self.not_used_yet.total() + sum(one.total() for one in self._outcomes.values())

    def add(self, found: Found, result: Result) -> None:
        self._outcomes[found.type][result.outcome] += 1
        for reason in dict.fromkeys(result.reasons):
            self._reasons[found.type][str(reason)] += 1
            self._reject(found.place, found, reason, result.outcome)

    def add_unreadable(self, item: Unreadable) -> None:
        self.unreadable[str(item.reason)] += 1
        self._reject(item.place, None, item.reason, Outcome.SKIPPED)

    def _reject(self, place: Place, found: Found | None, reason: str, outcome: Outcome) -> None:
        self._rejects(
            {
                "file": place.file,
                "line": place.line,
                "resourceType": found.type if found else None,
                "id": found.id if found else None,
                "reason": str(reason),
                "outcome": str(outcome),
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """The counts by type; a type that did not occur has zeros."""
        return {
            "files": self.files,
            "resources": {
                name: {
                    **{str(outcome): self._outcomes[name][outcome] for outcome in Outcome},
                    "reasons": dict(sorted(self._reasons[name].items())),
                }
                for name in USED
            },
            "not_used_yet": dict(sorted(self.not_used_yet.items())),
            "unreadable": dict(sorted(self.unreadable.items())),
        }
