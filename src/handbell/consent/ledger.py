"""The ledger of one address: canonical entries, their chain, and the fold to what holds."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from handbell.consent.types import (
    OF_RISK,
    Altered,
    ClassState,
    Decision,
    Entry,
    Fault,
    Intact,
    Kind,
    Method,
    RiskState,
    Verdict,
    Witness,
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
    if decision.details is not None:
        entry["details"] = dict(decision.details)
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def verify(entries: Sequence[Entry], witnesses: Sequence[Witness], *, address_id: int) -> Verdict:
    """Recompute the chain, hold it against the audit log, and name the first entry that fits
    either of them not, or is gone.

    `witnesses` are the address's own, by number. Entries that were cut off at the end leave
    theirs behind; an entry that was added past the engine has none.
    """
    last = max(len(entries), witnesses[-1].no if witnesses else 0)
    seen: dict[int, set[bytes]] = {}
    for one in witnesses:
        seen.setdefault(one.no, set()).add(one.hash)
    previous = FIRST_HASH
    for no in range(1, last + 1):
        entry = entries[no - 1] if no <= len(entries) else None
        fault = _fault(entry, no, previous, seen.get(no), address_id=address_id)
        if fault or entry is None:
            return Altered(no=no, fault=fault or Fault.MISSING)
        previous = entry.hash
    return Intact(entries=len(entries))


def _fault(
    entry: Entry | None,
    no: int,
    previous: bytes,
    witnessed: set[bytes] | None,
    *,
    address_id: int,
) -> Fault | None:
    if entry is None or entry.no != no:
        return Fault.MISSING
    expected = chain_hash(
        previous, entry.decision, address_id=address_id, no=no, recorded_at=entry.recorded_at
    )
    if entry.hash != expected or not entry.is_readable:
        return Fault.ALTERED
    if witnessed is None:
        return Fault.UNWITNESSED
    return None if witnessed == {entry.hash} else Fault.ALTERED


def fold(entries: Iterable[Entry]) -> dict[MessageClass, ClassState]:
    """What holds per class: the latest decision counts, however late we heard of it.

    At the same instant a revocation wins. An address given at registration never undoes a
    revocation: only a decision of the patient does.
    """
    states: dict[MessageClass, ClassState] = {}
    for entry in sorted(_of_consent(entries), key=_order):
        for message_class in _classes(entry.decision):
            if not _is_ignored(entry.decision, states.get(message_class)):
                states[message_class] = _to_state(entry)
    return states


def risk(entries: Iterable[Entry]) -> RiskState | None:
    """What holds of the risk of unencrypted messages; None where nobody spoke of it."""
    spoken = [entry for entry in entries if entry.decision.kind in OF_RISK]
    if not spoken:
        return None
    latest = max(spoken, key=_risk_order)
    return RiskState(
        acknowledged=latest.decision.kind is Kind.ACKNOWLEDGE_RISK,
        text_version=latest.decision.text_version,
        at=latest.decision.at,
        entry_no=latest.no,
    )


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


def _of_consent(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.decision.kind not in OF_RISK]


def _risk_order(entry: Entry) -> tuple[datetime, bool, int]:
    """At the same instant the more careful word counts."""
    return entry.decision.at, entry.decision.kind is Kind.WITHDRAW_RISK, entry.no


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
