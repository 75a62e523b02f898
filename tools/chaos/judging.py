"""Counts from the sandbox's own record what went wrong: pure, and without the product's help."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tools.chaos.people import Visit, visit_in

LOOKED_UP: Final = "sms"
"""The channel whose provider can be asked what became of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A message as the product left it: only asked about what did not arrive."""

    lifecycle: str
    channel: str
    tokens: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Findings:
    """What a run is judged by. Names of visits, never a patient's address."""

    ordered: int = 0
    received: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    on_two_channels: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unknown_without_cause: list[str] = field(default_factory=list)
    stops: int = 0
    stops_violated: list[str] = field(default_factory=list)
    unordered: int = 0

    @property
    def is_good(self) -> bool:
        wrong = (self.lost, self.twice, self.unknown_without_cause, self.stops_violated)
        return not any(wrong) and self.unordered == 0


def judge(
    visits: Sequence[Visit],
    received: Iterable[Mapping[str, Any]],
    *,
    stops: Mapping[str, str],
    blocked: Iterable[Mapping[str, str]],
    kept: Mapping[str, Kept],
    told: Mapping[str, int],
) -> Findings:
    """Compare what was ordered with what the sandbox received.

    `stops`: by address, when its STOP was acknowledged. `blocked`: messages that the provider
    did not take because of a STOP. `kept`: by the name of the visit. `told`: accepted callbacks
    by the token of the message.
    """
    found = Findings(ordered=len(visits), stops=len(stops))
    of_address = {(address, one.no): one for one in visits for _, address in one.person.channels}
    got: dict[str, Counter[str]] = defaultdict(Counter)
    for row in received:
        no = visit_in(str(row["body"]))
        if no is None:
            continue
        visit = of_address.get((str(row["to"]), no))
        if visit is None:
            found.unordered += 1
        else:
            got[visit.name][str(row["channel"])] += 1
            _hold_against_stop(found, visit.name, str(row["to"]), str(row["at"]), stops)
    for row in blocked:
        _hold_against_stop(found, "blocked", row["to"], row["at"], stops)
    for visit in visits:
        _judge_visit(found, visit, got[visit.name], kept.get(visit.name), told)
    return found


def _hold_against_stop(
    found: Findings, name: str, address: str, at: str, stops: Mapping[str, str]
) -> None:
    stopped_at = stops.get(address)
    if stopped_at and datetime.fromisoformat(at) > datetime.fromisoformat(stopped_at):
        found.stops_violated.append(name)


def _judge_visit(
    found: Findings,
    visit: Visit,
    got: Counter[str],
    kept: Kept | None,
    told: Mapping[str, int],
) -> None:
    found.received += bool(got)
    if max(got.values(), default=0) > 1:
        found.twice.append(visit.name)
    if len(got) > 1:
        found.on_two_channels.append(visit.name)
    if kept is not None and kept.lifecycle == "unknown":
        is_told = any(told.get(token) for token in kept.tokens)
        has_cause = kept.channel != LOOKED_UP and not is_told
        (found.unknown if has_cause else found.unknown_without_cause).append(visit.name)
    elif not got and not visit.person.is_stopping:
        found.lost.append(visit.name)
