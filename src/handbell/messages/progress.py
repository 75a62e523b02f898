"""How far one attempt came: a function of the set of its events, never of their order."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from handbell.channels.types import EventKind


class ProgressState(StrEnum):
    """Where an attempt stands. Values are stored and shown: append only."""

    UNKNOWN = "unknown"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    FAILED = "failed"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent:
    """One event; `occurred_at` is the receipt where the provider gives no time."""

    kind: EventKind
    occurred_at: datetime
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The state, whether the events contradict each other, and what stands beside the scale.

    `codes` are those of the failures, sorted; each time is the first of its kind.
    """

    state: ProgressState
    is_anomalous: bool
    codes: tuple[str, ...]
    replied_at: datetime | None
    unsubscribed_at: datetime | None
    complained_at: datetime | None


_SCALE: Final = (
    ProgressState.QUEUED,
    ProgressState.SENDING,
    ProgressState.SENT,
    ProgressState.DELIVERED,
    ProgressState.OPENED,
    ProgressState.CLICKED,
)
_DELIVERED: Final = _SCALE.index(ProgressState.DELIVERED)
_RANK: Final = {EventKind(state.value): rank for rank, state in enumerate(_SCALE)} | {
    EventKind.MACHINE_OPENED: _DELIVERED
}
_FAILURES: Final = {
    EventKind.FAILED: ProgressState.FAILED,
    EventKind.EXPIRED: ProgressState.EXPIRED,
    EventKind.CANCELLED: ProgressState.CANCELLED,
}
_HUMAN: Final = {EventKind.OPENED, EventKind.CLICKED}


def progress_of(
    events: Iterable[AttemptEvent],
    *,
    replies: Collection[datetime] = (),
    is_ambiguous: bool = False,
) -> Progress:
    """Fold events in any order and with any repetition.

    `replies` are the times of the patient's answers to this attempt: a reply proves delivery.
    `is_ambiguous` says that the provider's answer to the request was lost.
    """
    distinct = frozenset(events)
    state, is_anomalous = _judge(distinct, bool(replies), is_ambiguous=is_ambiguous)
    failed = (e for e in distinct if e.kind in _FAILURES or e.kind is EventKind.BOUNCED)
    return Progress(
        state=state,
        is_anomalous=is_anomalous,
        codes=tuple(sorted({event.code for event in failed if event.code})),
        replied_at=min(replies, default=None),
        unsubscribed_at=_first_of(distinct, EventKind.UNSUBSCRIBED),
        complained_at=_first_of(distinct, EventKind.COMPLAINED),
    )


def best_of(attempts: Mapping[int, Progress]) -> Progress:
    """What a message has come to, from its attempts by their numbers: the farthest that any is
    proven to have come, else where the newest that we have heard of stands."""
    arrived = [one for one in attempts.values() if _rank_of(one) >= _DELIVERED]
    best = max(arrived, key=_rank_of) if arrived else attempts[max(attempts)]
    return replace(
        best,
        unsubscribed_at=_earliest(one.unsubscribed_at for one in attempts.values()),
        complained_at=_earliest(one.complained_at for one in attempts.values()),
    )


def has_arrived(state: ProgressState) -> bool:
    """Whether the patient's side has it."""
    return state in _SCALE[_DELIVERED:]


def _rank_of(one: Progress) -> int:
    return _SCALE.index(one.state) if one.state in _SCALE else -1


def _earliest(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _judge(
    events: frozenset[AttemptEvent],
    replied: bool,  # noqa: FBT001 - private and beside its only caller
    *,
    is_ambiguous: bool,
) -> tuple[ProgressState, bool]:
    kinds = {event.kind for event in events}
    ranks = [_RANK[kind] for kind in kinds if kind in _RANK] + [_DELIVERED] * replied
    rank = max(ranks, default=0)
    if EventKind.BOUNCED in kinds:
        is_human = replied or bool(kinds & _HUMAN)
        return (_SCALE[rank], True) if is_human else (ProgressState.BOUNCED, False)
    failure = min((e for e in events if e.kind in _FAILURES), key=_precedence, default=None)
    if rank >= _DELIVERED:
        return _SCALE[rank], failure is not None
    if failure is not None:
        return _FAILURES[failure.kind], False
    if is_ambiguous and not kinds and not replied:
        return ProgressState.UNKNOWN, False
    return _SCALE[rank], False


def _precedence(event: AttemptEvent) -> tuple[datetime, int, str, str]:
    """The earliest failure first, at one time the lowest number, then anything stable."""
    code = event.code or ""
    number = int(code) if code.isascii() and code.isdigit() else 10**9
    return (event.occurred_at, number, code, event.kind.value)


def _first_of(events: frozenset[AttemptEvent], kind: EventKind) -> datetime | None:
    return min((event.occurred_at for event in events if event.kind is kind), default=None)
