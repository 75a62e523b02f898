"""Decision receipts: what the gate saw, in independent content-addressed parts.

Two parts repeat over many messages and are stored once: *eligibility* and *window*. No id,
address or instant enters a part, so that a million messages share some thousands of parts;
what is a patient's own stays on the message. A part holds enough to decide again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import time
from enum import StrEnum
from typing import Any, Final

from handbell.messages.types import ConsentStatus, EligibilityFacts, TemplateFacts
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.types import WindowFacts

SOME_ADDRESS: Final = 0
"""Stands in a part for "there is an address": which one is the message's own business."""


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
    del content["answers_at"]
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
            "template": None if template is None else TemplateFacts(**template),
        }
    )


def window_from(content: Mapping[str, Any]) -> WindowFacts:
    """The hours of a stored part; the caller checks that it has the same rule tables."""
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
        }
    )


def _part(kind: PartKind, content: Mapping[str, Any]) -> ReceiptPart:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)
    digest = hashlib.sha256(f"{kind}\n{canonical}".encode()).digest()
    return ReceiptPart(kind=kind, content=json.loads(canonical), digest=digest)


def _plain(value: object) -> str:
    if isinstance(value, time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a receipt")
