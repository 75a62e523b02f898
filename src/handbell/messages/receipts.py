"""Decision receipts: what the gate saw, in independent content-addressed parts.

Two parts repeat over many messages and are stored once: *eligibility* and *window*. No id,
address or instant of a patient enters a part, so that a million messages share some thousands
of parts; what is a patient's own stays on the message. A part holds enough to decide again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, time
from enum import StrEnum
from typing import Any, Final

from handbell.messages.types import (
    CapFacts,
    ConsentStatus,
    Decision,
    Defer,
    EligibilityFacts,
    Refuse,
    SendFacts,
    TemplateFacts,
    Told,
)
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.types import Blackout, WindowFacts

SOME_ADDRESS: Final = 0
"""Stands in a part for "there is an address": which one is the message's own business."""


class AskedWhen(StrEnum):
    """When the gate gave the answer that stands on a message."""

    PLANNED = "planned"
    LEAVING = "leaving"


COUNTS: Final = ("sent_at", "others_sent_at", "commercial_sent_at")
"""The lists of counted sends, each there only where it is not empty."""


class PartKind(StrEnum):
    """Which half of the decision a part explains."""

    ELIGIBILITY = "eligibility"
    WINDOW = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPart:
    """One half of a decision's facts; `digest` is the SHA-256 of the canonical content."""

    kind: PartKind
    content: Mapping[str, Any]
    digest: bytes


def eligibility_part(facts: EligibilityFacts) -> ReceiptPart:
    """What about the recipient, the consent and the content decided."""
    anonymous = replace(facts, address_id=None if facts.address_id is None else SOME_ADDRESS)
    return _part(PartKind.ELIGIBILITY, asdict(anonymous))


def window_part(facts: WindowFacts, *, rules_version: str, tzdata_version: str) -> ReceiptPart:
    """What about hours, zones and rules decided, and by which version of the tables."""
    content = {field.name: getattr(facts, field.name) for field in fields(facts)}
    del content["answers_at"], content["rules_version"], content["without_courtesy"]
    content["blackouts"] = [_to_told(one) for one in facts.blackouts]
    content |= {"rules_version": rules_version, "tzdata_version": tzdata_version}
    return _part(PartKind.WINDOW, content)


def eligibility_from(content: Mapping[str, Any]) -> EligibilityFacts:
    """The facts of a stored part, to decide on them again."""
    template = content["template"]
    return EligibilityFacts(
        **{
            **content,
            "message_class": MessageClass(content["message_class"]),
            "channel": Channel(content["channel"]),
            "consent": ConsentStatus(content["consent"]),
            "told": Told(content.get("told", Told.SELF)),
            "template": None if template is None else TemplateFacts(**template),
        }
    )


def window_from(content: Mapping[str, Any]) -> WindowFacts:
    """The hours of a stored part, with the version of the rule table that judged them."""
    clock_times = ("quiet_start", "quiet_end", "work_start", "work_end")
    own = {k: v for k, v in content.items() if not k.endswith("_version")}
    return WindowFacts(
        **{
            **own,
            **{name: time.fromisoformat(own[name]) for name in clock_times},
            "message_class": MessageClass(own["message_class"]),
            "channel": Channel(own["channel"]),
            "zones": tuple(own["zones"]),
            "states": tuple(own["states"]),
            "rules_version": content["rules_version"],
            "blackouts": tuple(_blackout(one) for one in own.get("blackouts", ())),
        }
    )


def _to_told(blackout: Blackout) -> dict[str, Any]:
    """An operator's window: its instants are nobody's own."""
    bounds = {
        "starts_at": blackout.starts_at.isoformat(),
        "ends_at": blackout.ends_at.isoformat(),
    }
    return asdict(blackout) | bounds


def _blackout(told: Mapping[str, Any]) -> Blackout:
    return Blackout(
        **{
            **told,
            "starts_at": datetime.fromisoformat(told["starts_at"]),
            "ends_at": datetime.fromisoformat(told["ends_at"]),
            "channel": Channel(told["channel"]) if told["channel"] else None,
            "message_class": (
                MessageClass(told["message_class"]) if told["message_class"] else None
            ),
        }
    )


def is_genuine(part: ReceiptPart) -> bool:
    """Whether a stored part still holds what its digest says."""
    return _part(part.kind, part.content).digest == part.digest


def own_facts(facts: SendFacts) -> dict[str, Any]:
    """What of the facts is the patient's own and therefore stands beside the parts."""
    caps = facts.caps
    told: dict[str, Any] = {"per_day": caps.per_day}
    if caps.per_week is not None:
        told["per_week"] = caps.per_week
    for name in COUNTS:
        if counted := getattr(caps, name):
            told[name] = [at.isoformat() for at in counted]
    if facts.pause_until is not None:
        told["pause_until"] = facts.pause_until.isoformat()
    if facts.hold_until is not None:
        told["hold_until"] = facts.hold_until.isoformat()
    return told


def answer_to_json(decision: Decision, *, asked: AskedWhen) -> dict[str, Any]:
    """What the gate said, kept apart from what becomes of the message. `generic`: with the
    text that tells nothing."""
    match decision:
        case Refuse(reasons=reasons):
            told: dict[str, Any] = {"decision": "refuse", "reasons": list(reasons)}
        case Defer(until=until, reasons=reasons):
            told = {"decision": "defer", "until": until.isoformat(), "reasons": list(reasons)}
        case _:
            told = {"decision": "send"}
    if not isinstance(decision, Refuse) and decision.use_sibling:
        told["generic"] = True
    return {"asked": asked.value, **told}


def facts_from(
    eligibility: Mapping[str, Any],
    window: Mapping[str, Any],
    own: Mapping[str, Any],
    *,
    serves_at: datetime | None,
    answers_at: datetime | None,
) -> SendFacts:
    """The whole facts of a stored decision, to decide again."""
    pause_until, hold_until = own.get("pause_until"), own.get("hold_until")
    return SendFacts(
        eligibility=eligibility_from(eligibility),
        window=replace(window_from(window), answers_at=answers_at),
        caps=CapFacts(
            per_day=own["per_day"],
            per_week=own.get("per_week"),
            **{name: [datetime.fromisoformat(at) for at in own.get(name, ())] for name in COUNTS},
        ),
        serves_at=serves_at,
        pause_until=datetime.fromisoformat(pause_until) if pause_until else None,
        hold_until=datetime.fromisoformat(hold_until) if hold_until else None,
    )


def _part(kind: PartKind, content: Mapping[str, Any]) -> ReceiptPart:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)
    digest = hashlib.sha256(f"{kind}\n{canonical}".encode()).digest()
    return ReceiptPart(kind=kind, content=json.loads(canonical), digest=digest)


def _plain(value: object) -> str:
    if isinstance(value, time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a receipt")
