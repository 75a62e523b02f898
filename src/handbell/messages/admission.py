"""From orders to rows: each order on each channel it may take, judged by the gate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from handbell.directory import service as directory
from handbell.messages import content, store
from handbell.messages.facts import Asked, Candidate, Gathered, Levels, gather
from handbell.messages.parts import ReceiptParts
from handbell.messages.policy import decide
from handbell.messages.receipts import (
    AskedWhen,
    ReceiptPart,
    answer_to_json,
    eligibility_part,
    own_facts,
    window_part,
)
from handbell.messages.types import Decision, Defer, Lifecycle, Refuse, SendFacts, SendOrder
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, LANE_OF_CLASS, Channel
from handbell.preferences.errors import PatientNotFound
from handbell.scheduling.service import RULES_VERSION, TZDATA_VERSION
from handbell.scheduling.types import WindowFacts
from handbell.templates.approvals.service import Approvals, approvals_in
from handbell.templates.service import Shelf, shelf_in
from handbell.templates.types import TemplateView


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedText:
    """The version of a text that a message is planned with; levels are 0..3. `is_named`: the
    order asked for this very template. `is_approved`: by Meta, where the channel asks for that."""

    channel: Channel
    template_id: int
    version_id: int
    level: int
    sibling_level: int | None
    is_named: bool
    is_approved: bool = True
    is_sibling_approved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the choice of a channel looks at."""

    is_refused: bool
    has_address: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One order on one channel, with what the gate saw and said."""

    order: SendOrder
    gathered: Gathered
    text: PlannedText | None
    facts: SendFacts
    decision: Decision

    @property
    def parts(self) -> tuple[ReceiptPart, ReceiptPart]:
        return parts_of(self.facts)

    @property
    def standing(self) -> Standing:
        return Standing(
            is_refused=isinstance(self.decision, Refuse),
            has_address=self.facts.eligibility.address_id is not None,
        )


def parts_of(facts: SendFacts) -> tuple[ReceiptPart, ReceiptPart]:
    """The two halves of the receipt of a decision on these facts."""
    return eligibility_part(facts.eligibility), window_part_of(facts.window)


def window_part_of(window: WindowFacts) -> ReceiptPart:
    """The half of the hours, by the tables that are in force in this process."""
    return window_part(window, rules_version=RULES_VERSION, tzdata_version=TZDATA_VERSION)


def receipt_of(
    gathered: Gathered,
    facts: SendFacts,
    answer: Mapping[str, Any],
    part_ids: Mapping[bytes, int],
    *,
    now: datetime,
) -> dict[str, Any]:
    """The columns of a message that hold the receipt of its newest decision."""
    eligibility, window = parts_of(facts)
    consent = gathered.decisive_entry(facts.eligibility.message_class)
    return {
        "eligibility_part_id": part_ids[eligibility.digest],
        "window_part_id": part_ids[window.digest],
        "consent_entry_no": consent.entry_no if consent else None,
        "preference_levels": {k: str(v) for k, v in gathered.preferences.levels.items()},
        "own_facts": own_facts(facts),
        "answer": dict(answer),
        "decided_at": now,
    }


async def judge_all(
    tx: Tx,
    organization_id: OrganizationId,
    orders: Sequence[SendOrder],
    *,
    now: datetime,
    texts: Mapping[str, PlannedText] = MappingProxyType({}),
) -> list[Judged]:
    """Judge each order on the first of its channels that the gate does not refuse. Where it
    refuses all, the first with an address tells why. `texts` are those that orders, by their
    keys, are planned with already. Raises `PatientNotFound`."""
    candidates = [one for no, order in enumerate(orders) for one in _candidates(no, order)]
    gathered = await gather(tx, organization_id, candidates, now=now)
    shelf = await shelf_in(tx, organization_id, {order.purpose for order in orders})
    approvals = await approvals_for(tx, gathered.values())
    return [
        _judge(
            order,
            _by_channel(no, order, gathered),
            Texts(shelf, approvals, texts.get(order.order_key)),
            now=now,
        )
        for no, order in enumerate(orders)
    ]


@dataclass(frozen=True, slots=True)
class Texts:
    """What a message may be written with: the published texts, and which of them Meta has
    approved."""

    shelf: Shelf
    approvals: Approvals
    planned: PlannedText | None

    def choose(self, order: SendOrder, gathered: Gathered) -> PlannedText | None:
        """The text for the channel and the patient's language. What is planned already keeps
        its version as long as no other template would be chosen."""
        planned = self.planned
        if planned is not None and planned.is_named:
            return planned if planned.channel is gathered.channel else None
        if order.template_id is not None:
            view = self.shelf.find(order.template_id, gathered.channel)
            return None if view is None else self._planned(view, gathered, is_named=True)
        view = self.shelf.pick(
            order.purpose,
            gathered.channel,
            wanted=gathered.preferences.language,
            organization=gathered.organization_language,
            provider_id=gathered.provider_id,
        )
        if view is None:
            return None
        fresh = self._planned(view, gathered, is_named=False)
        if planned is None or planned.template_id != view.id:
            return fresh
        return replace(
            planned,
            is_approved=fresh.is_approved,
            is_sibling_approved=fresh.is_sibling_approved,
        )

    def _planned(self, view: TemplateView, gathered: Gathered, *, is_named: bool) -> PlannedText:
        """Approvals count where the patient can be reached, so that the answer about one order
        does not hang on the others of its batch."""
        is_reached = gathered.contact_point_id is not None
        approvals = self.approvals if is_reached else Approvals()
        return PlannedText(
            channel=view.full.channel,
            template_id=view.id,
            version_id=view.version_id,
            level=view.level,
            sibling_level=view.sibling_level,
            is_named=is_named,
            is_approved=approvals.allow(view.full),
            is_sibling_approved=approvals.allow(view.generic),
        )


async def approvals_for(tx: Tx, gathered: Iterable[Gathered]) -> Approvals:
    """What Meta has approved; not asked where nobody can be reached by WhatsApp."""
    reached = (one.channel for one in gathered if one.contact_point_id is not None)
    return await approvals_in(tx) if Channel.WHATSAPP in reached else Approvals()


def _candidates(no: int, order: SendOrder) -> list[Candidate]:
    return [
        Candidate(
            no=no * len(Channel) + place,
            patient_id=order.patient_id,
            channel=channel,
            address_id=order.address_id,
            appointment_id=order.appointment_id,
            others=order.others,
            message_class=CLASS_OF_PURPOSE[order.purpose],
        )
        for place, channel in enumerate(Channel)
        if order.channel in {None, channel} and channel not in order.not_on
    ]


def _by_channel(
    no: int, order: SendOrder, gathered: Mapping[int, Gathered]
) -> dict[Channel, Gathered]:
    places = enumerate(Channel, start=no * len(Channel))
    found = {channel: gathered[place] for place, channel in places if place in gathered}
    if not found or any(one.is_erased for one in found.values()):
        raise PatientNotFound("There is no such patient.", patient_id=order.patient_id)
    return found


def _judge(
    order: SendOrder, known: Mapping[Channel, Gathered], texts: Texts, *, now: datetime
) -> Judged:
    judged = {
        channel: _judge_on(order, gathered, texts, now=now) for channel, gathered in known.items()
    }
    wanted = next(iter(known.values())).order_for(order.purpose)
    standings = {channel: one.standing for channel, one in judged.items()}
    return judged[choose_channel(wanted, standings)]


def choose_channel(wanted: Sequence[Channel], known: Mapping[Channel, Standing]) -> Channel:
    """The first of the wanted channels that the gate does not refuse. Where it refuses them all,
    the refusal that tells most: a channel that the patient does not have explains nothing."""
    listed = [channel for channel in wanted if channel in known] or list(known)
    sendable = (channel for channel in listed if not known[channel].is_refused)
    refused = [
        channel
        for channel in (*listed, *(one for one in known if one not in listed))
        if known[channel].is_refused
    ]
    reachable = (channel for channel in refused if known[channel].has_address)
    return next(sendable, None) or next(reachable, None) or refused[0]


def _judge_on(order: SendOrder, gathered: Gathered, texts: Texts, *, now: datetime) -> Judged:
    text = texts.choose(order, gathered)
    facts = gathered.facts(asked_of(order, text))
    decision = decide(facts, order.anchor, now=now)
    return Judged(order=order, gathered=gathered, text=text, facts=facts, decision=decision)


def asked_of(order: SendOrder, text: PlannedText | None) -> Asked:
    """What of an order, and of the text that it would be written with, the facts depend on."""
    return Asked(
        purpose=order.purpose,
        serves_at=order.serves_at,
        answers_at=order.answers_at,
        template=None
        if text is None
        else Levels(
            level=text.level,
            sibling_level=text.sibling_level,
            is_approved=text.is_approved,
            is_sibling_approved=text.is_sibling_approved,
        ),
    )


async def to_rows(
    tx: Tx,
    organization_id: OrganizationId,
    judged: Sequence[Judged],
    *,
    parts: ReceiptParts,
    keys: KeyRing,
    now: datetime,
) -> list[dict[str, Any]]:
    """The rows of judged orders, with their receipts stored."""
    ids = await parts.ids(organization_id, [part for one in judged for part in one.parts])
    speaking = {one.order.patient_id for one in judged if one.order.variables}
    subject_keys = await directory.subject_keys_in(tx, keys, speaking) if speaking else {}
    return [
        _to_row(organization_id, one, ids, subject_keys.get(one.order.patient_id), now=now)
        for one in judged
    ]


def _to_row(
    organization_id: OrganizationId,
    judged: Judged,
    part_ids: Mapping[bytes, int],
    key: SubjectKey | None,
    *,
    now: datetime,
) -> dict[str, Any]:
    order, gathered = judged.order, judged.gathered
    message_class = CLASS_OF_PURPOSE[order.purpose]
    answer = answer_to_json(judged.decision, asked=AskedWhen.PLANNED)
    return {
        "organization_id": organization_id,
        "order_key": order.order_key,
        "ordered_by": order.ordered_by,
        "patient_id": order.patient_id,
        "contact_point_id": gathered.contact_point_id,
        "address_id": gathered.address_id,
        "is_address_named": order.address_id is not None,
        "is_channel_named": order.channel is not None or bool(order.not_on),
        "is_template_named": order.template_id is not None,
        "channel": gathered.channel,
        "purpose": order.purpose,
        "message_class": message_class,
        "lane": LANE_OF_CLASS[message_class],
        "template_version_id": judged.text.version_id if judged.text else None,
        "variables": content.seal_variables(key, order.variables) if key else None,
        "appointment_id": order.appointment_id,
        "appointment_version": order.appointment_version,
        "reminder_offset": order.reminder_offset,
        "serves_at": order.serves_at,
        "answers_at": order.answers_at,
        "falls_back_from": order.falls_back_from,
        "anchor": store.anchor_to_json(order.anchor),
        "created_at": now,
        "changed_at": now,
        **receipt_of(gathered, judged.facts, answer, part_ids, now=now),
        **planned(judged.decision, now=now),
    }


def planned(decision: Decision, *, now: datetime) -> dict[str, Any]:
    """The columns of what a decision makes of a message that has not left."""
    match decision:
        case Refuse(reasons=reasons):
            lifecycle, at = Lifecycle.REFUSED, None
        case Defer(until=until, reasons=reasons):
            lifecycle, at = Lifecycle.SCHEDULED, until
        case _:
            lifecycle, at, reasons = Lifecycle.SCHEDULED, now, ()
    return {
        "lifecycle": lifecycle,
        "scheduled_at": at,
        "planned_at": at,
        "reasons": [reason.value for reason in reasons],
    }
