"""The ledger of one address: canonical entries, their chain, and the fold to what holds."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from handbell.consent.types import (
    Altered,
    ClassState,
    Decision,
    Entry,
    Intact,
    Kind,
    Method,
    Verdict,
)
from handbell.platform.vocabulary import MessageClass

FIRST_HASH: Final = b""
"""What the first entry of an address is chained to, besides the address itself."""


def chain_hash(
    previous: bytes, decision: Decision, *, address_id: int, no: int, recorded_at: datetime
) -> bytes:
    """SHA-256 over the previous entry's hash and this entry in canonical form."""
    body = canonical(decision, address_id=address_id, no=no, recorded_at=recorded_at)
    return hashlib.sha256(previous + body).digest()


def canonical(decision: Decision, *, address_id: int, no: int, recorded_at: datetime) -> bytes:
    """One byte string per entry: JSON, sorted keys, instants in UTC."""
    entry = {
        "address_id": address_id,
        "no": no,
        "kind": decision.kind,
        "message_class": decision.message_class,
        "method": decision.method,
        "source": decision.source,
        "text_version": decision.text_version,
        "evidence": decision.evidence,
        "ip": decision.ip,
        "actor": decision.actor,
        "at": decision.at.astimezone(UTC).isoformat(),
        "recorded_at": recorded_at.astimezone(UTC).isoformat(),
    }
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def verify(entries: Sequence[Entry], *, address_id: int) -> Verdict:
    """Recompute the chain and name the first entry that does not fit it."""
    previous = FIRST_HASH
    for expected_no, entry in enumerate(entries, start=1):
        expected = chain_hash(
            previous,
            entry.decision,
            address_id=address_id,
            no=expected_no,
            recorded_at=entry.recorded_at,
        )
        if entry.no != expected_no or entry.hash != expected:
            return Altered(no=expected_no)
        previous = entry.hash
    return Intact(entries=len(entries))


def fold(entries: Iterable[Entry]) -> dict[MessageClass, ClassState]:
    """What holds per class: the latest decision counts, however late we heard of it.

    At the same instant a revocation wins. An address given at registration never undoes a
    revocation: only a decision of the patient does.
    """
    states: dict[MessageClass, ClassState] = {}
    for entry in sorted(entries, key=_order):
        for message_class in _classes(entry.decision):
            if not _is_ignored(entry.decision, states.get(message_class)):
                states[message_class] = _to_state(entry)
    return states


def suppression(entries: Iterable[Entry]) -> tuple[datetime, datetime | None] | None:
    """Since when the address is stopped for all classes, and when a grant lifted it."""
    decisions = [entry.decision for entry in entries]
    stops = [one.at for one in decisions if one.kind is Kind.REVOKE and one.message_class is None]
    if not stops:
        return None
    since = max(stops)
    lifts = [one.at for one in decisions if lifts_suppression(one) and one.at > since]
    return since, min(lifts, default=None)


def lifts_suppression(decision: Decision) -> bool:
    """Only what the patient decided anew; never an address that merely came in again."""
    return decision.kind is Kind.GRANT and decision.method is not Method.PROVIDED_AT_REGISTRATION


def _order(entry: Entry) -> tuple[datetime, bool, int]:
    return entry.decision.at, entry.decision.kind is Kind.REVOKE, entry.no


def _classes(decision: Decision) -> tuple[MessageClass, ...]:
    if decision.message_class is None:
        return tuple(MessageClass)
    return (decision.message_class,)


def _is_ignored(decision: Decision, before: ClassState | None) -> bool:
    return decision.method is Method.PROVIDED_AT_REGISTRATION and before is not None


def _to_state(entry: Entry) -> ClassState:
    decision = entry.decision
    return ClassState(
        granted=decision.kind is Kind.GRANT,
        method=decision.method,
        text_version=decision.text_version,
        at=decision.at,
        entry_no=entry.no,
    )
