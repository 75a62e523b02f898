"""Sends what a person writes: in clear as far as the channel may carry it, else behind a link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from handbell.directory import service as directory
from handbell.inbox import store
from handbell.inbox.errors import SenderUnmatched, TextTooLong, TextTooPrivate
from handbell.inbox.policy import Way, way_for
from handbell.inbox.types import LastHeard, Sent, Wording, Written
from handbell.messages.service import STAFF_TEXT, MessageService
from handbell.messages.types import Admission, SendOrder
from handbell.organizations import service as organizations
from handbell.organizations.types import OrganizationSettings
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences import service as preferences
from handbell.preferences.types import Preferences
from handbell.scheduling.types import At
from handbell.templates.service import channel_ceiling, classify, size_of
from handbell.templates.types import DisclosureLevel

ROOM_AROUND: Final = 40
"""Characters of a text message that the words around a text may take."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Facts:
    """What is known when a text is to be sent."""

    patient_id: int
    known: tuple[str, ...]
    settings: OrganizationSettings
    preferences: Preferences
    channel: Channel | None
    heard: LastHeard | None


async def send_in(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    conversation: Row[Any],
    written: Written,
    *,
    now: datetime,
) -> Sent:
    """Order the message. Raises `SenderUnmatched`, `TextTooPrivate`, `TextTooLong`."""
    facts = await _gather(tx, messages, organization_id, conversation, written)
    findings = _findings(facts, written.text, now=now)
    is_too_long = _is_too_long(facts, written.text)
    if written.wording is Wording.PLAIN and findings:
        raise TextTooPrivate(findings)
    if written.wording is Wording.PLAIN and is_too_long:
        raise TextTooLong(facts.settings.max_segments)
    way = way_for(
        written.wording,
        facts.channel or Channel.SMS,
        facts.heard,
        is_private=bool(findings) or is_too_long,
        now=now,
    )
    order = _order(facts, written, way, now=now)
    (admission,) = await messages.admit_in(tx, organization_id, [order], now=now)
    return _to_sent(admission, way, findings)


async def _gather(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    conversation: Row[Any],
    written: Written,
) -> _Facts:
    if conversation.patient_id is None:
        raise SenderUnmatched(conversation.id)
    patient_id: int = conversation.patient_id
    heard = await store.last_heard(tx, conversation, written.channel)
    organization = await organizations.organization_in(tx, organization_id)
    resolved = await preferences.resolve_many_in(tx, organization_id, [patient_id])
    first_name = await _first_name(tx, messages, conversation)
    return _Facts(
        patient_id=patient_id,
        known=(organization.name, *([first_name] if first_name.isalpha() else [])),
        settings=await organizations.settings_in(tx, organization_id),
        preferences=resolved[patient_id],
        channel=written.channel or (heard.channel if heard else None),
        heard=heard,
    )


async def _first_name(tx: Tx, messages: MessageService, conversation: Row[Any]) -> str:
    row = await store.shown(tx, conversation.id)
    if row.first_name is None:
        return ""
    key = await directory.subject_key_in(tx, messages.keys, conversation.patient_id)
    return key.decrypt(row.first_name, context="patients.first_name")


def _findings(facts: _Facts, text: str, *, now: datetime) -> tuple[str, ...]:
    """What makes the text too private for the channel; where the gate chooses the channel, for
    the strictest one."""
    ceiling = channel_ceiling(
        facts.channel or Channel.WHATSAPP,
        sms_ceiling=DisclosureLevel(facts.settings.sms_ceiling),
    )
    language = facts.preferences.language
    verdict = classify(text, language=language, now=now, known=facts.known)
    return tuple(reason.value for reason in verdict.reasons) if verdict.is_leak(ceiling) else ()


def _is_too_long(facts: _Facts, text: str) -> bool:
    if facts.channel is Channel.EMAIL:
        return False
    whole = f"{facts.known[0]}: {text}{' ' * ROOM_AROUND}"
    return size_of(whole).segments > facts.settings.max_segments


def _order(facts: _Facts, written: Written, way: Way, *, now: datetime) -> SendOrder:
    """An answer goes to the address that the patient wrote from."""
    heard = facts.heard if way.is_answer else None
    return SendOrder(
        patient_id=facts.patient_id,
        purpose=way.purpose,
        anchor=At(now),
        order_key=f"inbox:{written.key}",
        ordered_by=written.author,
        channel=facts.channel,
        address_id=heard.address_id if heard else None,
        answers_at=heard.at if heard else None,
        variables={STAFF_TEXT: written.text},
    )


def _to_sent(admission: Admission, way: Way, findings: tuple[str, ...]) -> Sent:
    return Sent(
        message_id=admission.message_id,
        channel=admission.channel,
        wording=Wording.SECURE if way.is_secure else Wording.PLAIN,
        lifecycle=admission.lifecycle,
        scheduled_at=admission.scheduled_at,
        reasons=admission.reasons,
        findings=findings,
    )
