"""Decides stored receipts again and names what differs, and at which gate.

A receipt is genuine if its parts still hold what their digests say and the gate, asked again
with the rule table of that day, gives the answer that stands with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from handbell.messages.policy import decide, leaving
from handbell.messages.receipts import (
    AskedWhen,
    ReceiptPart,
    answer_to_json,
    facts_from,
    is_genuine,
)
from handbell.messages.types import Reason
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, Purpose
from handbell.scheduling.service import TZDATA_VERSION, has_rules
from handbell.scheduling.types import Anchor


class Gate(StrEnum):
    """What of a receipt differs. The first six are about the record itself."""

    MESSAGE = "message"
    PART_MISSING = "part_missing"
    ELIGIBILITY_PART = "eligibility_part"
    WINDOW_PART = "window_part"
    RULES_MISSING = "rules_missing"
    UNREADABLE = "unreadable"
    RECIPIENT = "recipient"
    VISIT = "visit"
    OPT_OUT = "opt_out"
    CHANNEL = "channel"
    CONSENT = "consent"
    CONTENT = "content"
    PAUSE = "pause"
    CAPS = "caps"
    WINDOW = "window"
    USEFULNESS = "usefulness"


GATE_OF_REASON: Final = {
    Reason.DECEASED: Gate.RECIPIENT,
    Reason.NO_ADDRESS: Gate.RECIPIENT,
    Reason.WRONG_NUMBER: Gate.RECIPIENT,
    Reason.NOT_A_PATIENT: Gate.RECIPIENT,
    Reason.CONFIDENTIAL: Gate.RECIPIENT,
    Reason.CHANNEL_RESTRICTED: Gate.RECIPIENT,
    Reason.SUPERSEDED: Gate.VISIT,
    Reason.OPTED_OUT: Gate.OPT_OUT,
    Reason.CHANNEL_NOT_ALLOWED: Gate.CHANNEL,
    Reason.CATEGORY_OFF: Gate.CHANNEL,
    Reason.NO_SENDER: Gate.CHANNEL,
    Reason.MARKETING_NOT_OPTED_IN: Gate.CHANNEL,
    Reason.WHATSAPP_OFF_FOR_US: Gate.CHANNEL,
    Reason.NO_CONSENT: Gate.CONSENT,
    Reason.NO_TEMPLATE: Gate.CONTENT,
    Reason.ABOVE_CEILING: Gate.CONTENT,
    Reason.TEMPLATE_NOT_APPROVED: Gate.CONTENT,
    Reason.PAUSED: Gate.PAUSE,
    Reason.AWAITING_PERSON: Gate.PAUSE,
    Reason.OVER_CAP: Gate.CAPS,
    Reason.OVER_LEGAL_CAP: Gate.CAPS,
    Reason.OUTSIDE_WINDOW: Gate.WINDOW,
    Reason.BLACKOUT: Gate.WINDOW,
    Reason.NO_LEGAL_TIME: Gate.WINDOW,
    Reason.PLANNED: Gate.WINDOW,
    Reason.SKIPPED: Gate.WINDOW,
    Reason.USELESS: Gate.USEFULNESS,
}
"""The gate that gives each reason; what happens to a message later has none."""
_BY_ZONE_DATA: Final = frozenset({Gate.WINDOW, Gate.USEFULNESS, Gate.CAPS})
"""Where an answer may differ only because clocks are put forward on another day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReceipt:
    """One decision as it stands in the database. `attempt_no` is None at admission; an attempt
    has no anchor, because the gate was asked "now?", and its answer can only be to send."""

    message_id: int
    attempt_no: int | None
    purpose: Purpose
    channel: Channel
    anchor: Anchor
    serves_at: datetime | None
    answers_at: datetime | None
    decided_at: datetime
    eligibility: ReceiptPart | None
    window: ReceiptPart | None
    own: Mapping[str, Any]
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A receipt that does not give its answer again. `gates` name where, `stored` and
    `replayed` the two answers; they are empty where the record itself is at fault."""

    message_id: int
    attempt_no: int | None
    gates: tuple[Gate, ...]
    stored: Mapping[str, Any]
    replayed: Mapping[str, Any]
    is_by_zone_data: bool = False


def replay(receipt: StoredReceipt) -> Difference | None:
    """Decide again. `is_by_zone_data`: the decision was made with other time-zone data than
    ours and only its instant differs, so nothing says that the record is wrong."""
    eligibility, window = receipt.eligibility, receipt.window
    if eligibility is None or window is None:
        return _flaw(receipt, (Gate.PART_MISSING,))
    try:
        return _replay(receipt, eligibility, window)
    except (LookupError, TypeError, ValueError):
        return _flaw(receipt, (Gate.UNREADABLE,))


def _replay(
    receipt: StoredReceipt, eligibility: ReceiptPart, window: ReceiptPart
) -> Difference | None:
    at_fault = tuple(_faults(receipt, eligibility, window))
    if at_fault:
        return _flaw(receipt, at_fault)
    replayed = _decide(receipt, eligibility, window)
    gates = tuple(_differing(receipt.answer, replayed))
    if not gates:
        return None
    is_by_zone_data = (
        window.content["tzdata_version"] != TZDATA_VERSION and set(gates) <= _BY_ZONE_DATA
    )
    return _flaw(receipt, gates, replayed, is_by_zone_data=is_by_zone_data)


def _faults(
    receipt: StoredReceipt, eligibility: ReceiptPart, window: ReceiptPart
) -> Iterator[Gate]:
    """Where the record contradicts itself before anything is decided."""
    if not is_genuine(eligibility):
        yield Gate.ELIGIBILITY_PART
    if not is_genuine(window):
        yield Gate.WINDOW_PART
    elif not has_rules(window.content["rules_version"]):
        yield Gate.RULES_MISSING
    told = (CLASS_OF_PURPOSE[receipt.purpose], receipt.channel)
    for part in (eligibility, window):
        if (part.content["message_class"], part.content["channel"]) != told:
            yield Gate.MESSAGE
            return


def _decide(
    receipt: StoredReceipt, eligibility: ReceiptPart, window: ReceiptPart
) -> dict[str, Any]:
    facts = facts_from(
        eligibility.content,
        window.content,
        receipt.own,
        serves_at=receipt.serves_at,
        answers_at=receipt.answers_at,
    )
    asked = AskedWhen(receipt.answer["asked"])
    anchor = receipt.anchor
    if asked is AskedWhen.LEAVING:
        anchor = leaving(anchor, serves_at=receipt.serves_at, now=receipt.decided_at)
    return answer_to_json(decide(facts, anchor, now=receipt.decided_at), asked=asked)


def _differing(stored: Mapping[str, Any], replayed: Mapping[str, Any]) -> Iterator[Gate]:
    """The gates of the reasons that only one of the answers gives; the window's where only the
    instant differs."""
    if stored == replayed:
        return
    only_one = set(stored.get("reasons", ())) ^ set(replayed.get("reasons", ()))
    gates = {GATE_OF_REASON.get(Reason(reason), Gate.MESSAGE) for reason in only_one}
    if stored.get("generic") != replayed.get("generic"):
        gates.add(Gate.CONTENT)
    yield from sorted(gates or {Gate.WINDOW})


def _flaw(
    receipt: StoredReceipt,
    gates: Sequence[Gate],
    replayed: Mapping[str, Any] | None = None,
    *,
    is_by_zone_data: bool = False,
) -> Difference:
    return Difference(
        message_id=receipt.message_id,
        attempt_no=receipt.attempt_no,
        gates=tuple(gates),
        stored=receipt.answer if replayed else {},
        replayed=replayed or {},
        is_by_zone_data=is_by_zone_data,
    )
