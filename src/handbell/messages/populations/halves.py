"""The answers about shapes: the same facts, rules and receipts as for a single order. Pure.

A shape is a JSON list of what one half looks at. What it leaves out is blank in the facts made
of it, and the half must not miss it: tests hold that, column by column.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, Final, cast

from sqlalchemy import Row

from handbell.messages.admission import (
    PlannedText,
    Standing,
    Texts,
    asked_of,
    choose_channel,
    window_part_of,
)
from handbell.messages.facts import Gathered, Others
from handbell.messages.policy import timing_of, verdict_of
from handbell.messages.receipts import SOME_ADDRESS, ReceiptPart, eligibility_part, own_facts
from handbell.messages.types import CapFacts, Decision, Refuse, Send, SendFacts, SendOrder
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel
from handbell.preferences.types import CHOICES, DEFAULTS, FIELDS, Level
from handbell.scheduling.policy import without_unasked

CHOICES_OF_LEVELS: Final = tuple(f"{CHOICES}_{level}" for level in Level)
_LEVELS: Final = tuple(f"{field}_level" for field in FIELDS)
OPT_INS: Final = tuple(
    field for field in FIELDS if field.startswith(("allow_", "marketing_opt_in_"))
)
PERSON: Final = ("is_deceased", "is_contact", "patient_provider_id", "language", *OPT_INS)
"""What the verdict looks at of the patient, beside the choices of each level."""
REACHED: Final = ("channel", "has_address", "is_wrong_number", "is_suppressed", "contact_country")
"""The same of the address on a channel, beside its ledger."""
CLOCKS: Final = ("quiet_start", "quiet_end", "work_start", "work_end")
HOURS: Final = ("timezone", "timezone_level", *CLOCKS, "best_hour", "pause_until")
"""What the timing looks at of the patient, beside zones and states of all contact points."""
PROFILE: Final = ("channel_order", *_LEVELS)
"""What a patient's order of channels and the levels of the preferences come from."""
REMEMBERED: Final = 50_000
"""Timings kept in memory before it begins anew."""
LEDGER: Final = ("no", "kind", "message_class", "method", "text_version")
_SOME_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATER: Final = timedelta(minutes=1)

BLANK: Final[Mapping[str, Any]] = {
    **{field: getattr(DEFAULTS, field) for field in FIELDS},
    **dict.fromkeys(_LEVELS, Level.GLOBAL),
    **dict.fromkeys(CHOICES_OF_LEVELS),
    **dict.fromkeys(("is_deceased", "is_erased", "is_wrong_number", "is_suppressed"), False),
    **dict.fromkeys(("is_restricted", "is_confidential", "is_relatives_address"), False),
    **dict.fromkeys(("strangers_on_address", "is_contact"), False),
    **dict.fromkeys(("found_address_id", "contact_point_id", "contact_country", "held_until")),
    **dict.fromkeys(("zones", "states", "relations", "ledger")),
    **dict.fromkeys(("counted_sent_at", "marketing_sent_at")),
    **dict.fromkeys(("visit_provider_id", "patient_provider_id")),
    **dict.fromkeys(("visit_status", "visit_starts_at")),
}
"""A patient of whom nothing is known, and nothing personal is to be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer of the half that no hour changes, and what is stored of it."""

    decision: Refuse | Send
    standing: Standing
    channel: Channel
    part: ReceiptPart
    version_id: int | None
    consent_entry_no: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The answer of the other half, and what is stored of it."""

    decision: Decision
    part: ReceiptPart
    own_facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The channels that a patient wishes to be tried, and where each preference comes from."""

    wanted: tuple[Channel, ...]
    levels: Mapping[str, str]


def verdict_on(shape: str, order: SendOrder, own: "Own", texts: Texts) -> Verdict:
    """Judge what the first half looks at."""
    person, reached, ledger = json.loads(shape)
    known = dict(zip((*PERSON, *CHOICES_OF_LEVELS), person, strict=True))
    known |= zip(REACHED, reached, strict=True)
    address = SOME_ADDRESS if known.pop("has_address") else None
    entries = [_entry(one) for one in ledger or ()]
    gathered = own.gathered(
        known | {"found_address_id": address, "contact_point_id": address, "ledger": entries}
    )
    text: PlannedText | None = texts.choose(order, gathered)
    facts = gathered.facts(asked_of(order, text))
    decision = verdict_of(facts.eligibility)
    consent = gathered.decisive_entry(CLASS_OF_PURPOSE[order.purpose])
    return Verdict(
        decision=decision,
        standing=Standing(
            is_refused=isinstance(decision, Refuse), has_address=address is not None
        ),
        channel=gathered.channel,
        part=eligibility_part(facts.eligibility),
        version_id=text.version_id if text else None,
        consent_entry_no=consent.entry_no if consent else None,
    )


def _entry(told: Sequence[Any]) -> dict[str, Any]:
    """An entry of the ledger. Of its instant only the place in the order is known."""
    *known, place = told
    at = (_SOME_DAY + place * _LATER).isoformat()
    return dict(zip(LEDGER, known, strict=True)) | {"at": at}


class Own:
    """What the organisation's own settings add to every shape, by channel."""

    def __init__(self, by_channel: Mapping[Channel, Mapping[str, Any]]) -> None:
        self._by_channel = by_channel
        self._blank: dict[str, SendFacts] = {}

    def gathered(self, known: Mapping[str, Any]) -> Gathered:
        """The facts of a patient of whom only this is known."""
        own = self._by_channel[Channel(known["channel"])]
        row = SimpleNamespace(**{**BLANK, **own, **known})
        return Gathered(cast("Row[Any]", row), Others())

    def blank(self, order: SendOrder, channel: str) -> SendFacts:
        """The facts of a patient of whom nothing is known; made once for each channel."""
        if channel not in self._blank:
            gathered = self.gathered({"channel": channel})
            self._blank[channel] = gathered.facts(asked_of(order, None))
        return self._blank[channel]

    def caps(self, order: SendOrder) -> CapFacts:
        """How many counted sends are allowed."""
        return self.blank(order, next(iter(Channel)).value).caps


class Timings:
    """Judges what the second half looks at; what is planned alike is judged once in a run."""

    def __init__(self, order: SendOrder, *, now: datetime) -> None:
        self._order = order
        self._now = now
        self._asked = asked_of(order, None)
        self._known: dict[tuple[Any, ...], Decision] = {}

    def on(self, shape: str, own: Own) -> Timing:
        facts = self._facts(shape, own)
        return Timing(
            decision=self._decision(facts),
            part=window_part_of(facts.window),
            own_facts=own_facts(facts),
        )

    def _decision(self, facts: SendFacts) -> Decision:
        window, caps = without_unasked(facts.window), facts.caps
        place = (window, caps.per_day, caps.per_week, tuple(caps.sent_at), facts.pause_until)
        found = self._known.get(place)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            plain = replace(facts, window=window)
            found = self._known[place] = timing_of(plain, self._order.anchor, now=self._now)
        return found

    def _facts(self, shape: str, own: Own) -> SendFacts:
        hours, zones, states, channel, country, sent = json.loads(shape)
        known = dict(zip(HOURS, hours, strict=True))
        for field in CLOCKS:
            known[field] = time.fromisoformat(known[field])
        pause = known["pause_until"]
        sent_at = [datetime.fromisoformat(at) for at in sent or ()]
        gathered = own.gathered(
            known
            | {
                "channel": channel,
                "contact_country": country,
                "zones": (zones or "").split(),
                "states": (states or "").split(),
                "pause_until": datetime.fromisoformat(pause) if pause else None,
                "counted_sent_at": sent_at,
                "marketing_sent_at": sent_at,
            }
        )
        return replace(
            own.blank(self._order, channel),
            window=gathered.window(self._asked),
            caps=gathered.caps(self._asked.message_class),
            pause_until=gathered.wishes.pause_until,
        )


def profile_on(shape: str, order: SendOrder, own: Own) -> Profile:
    """Read what a patient's order of channels and levels come from."""
    known = dict(zip((*PROFILE, *CHOICES_OF_LEVELS), json.loads(shape), strict=True))
    gathered = own.gathered(known | {"channel": next(iter(Channel))})
    return Profile(
        wanted=tuple(gathered.order_for(order.purpose)),
        levels={field: str(level) for field, level in gathered.preferences.levels.items()},
    )


def standing_bits(verdict: Verdict) -> int:
    """How a channel stands, as bits of its own place; those of a patient are or-ed together."""
    standing = verdict.standing
    bits = 1 | standing.is_refused << 1 | standing.has_address << 2
    return bits << 3 * list(Channel).index(verdict.channel)


def standings_from(bits: int) -> dict[Channel, Standing]:
    """How each of a patient's channels stands."""
    found = {channel: bits >> 3 * place & 7 for place, channel in enumerate(Channel)}
    return {
        channel: Standing(is_refused=bool(one & 2), has_address=bool(one & 4))
        for channel, one in found.items()
        if one
    }


def settled_channel(
    wanted: Sequence[Channel], standings: Mapping[Channel, Standing]
) -> Channel | None:
    """The channel of a patient by the verdicts alone. None where all that are wanted are refused
    and another is not: what its timing says may be the refusal that tells most."""
    chosen = choose_channel(wanted, standings)
    is_open = any(not one.is_refused for one in standings.values())
    return None if standings[chosen].is_refused and is_open else chosen
