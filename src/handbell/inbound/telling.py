"""What was understood of a patient's message, and what it did: ids and words of ours, no text."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from handbell.inbound.tables import InboundMessageRow

# allow public-files: the answer to a message is a message
from handbell.messages.tables import MessageRow
from handbell.platform.db import OrganizationId, Tx

# allow public-files: a task names the message that it is about
from handbell.staff.tables import StaffTaskRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAnswer:
    """What went back, or did not; `reasons` say why."""

    message_id: int
    purpose: str
    lifecycle: str
    scheduled_at: datetime | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReply:
    """How a message was read and dealt with. `message_id` is ours that it answers."""

    id: int
    intent: str
    effects: tuple[str, ...]
    confidence: str | None
    rule: str | None
    version: str
    handled: str | None
    patient_id: int | None
    message_id: int | None
    appointment_id: int | None
    tasks: tuple[str, ...]
    answers: tuple[ToldAnswer, ...]


async def told_in(
    tx: Tx, organization_id: OrganizationId, provider: str, key: str
) -> ToldReply | None:
    """The message that the provider calls by this key, once it was dealt with."""
    statement = (
        select(InboundMessageRow.__table__, MessageRow.appointment_id)
        .outerjoin(MessageRow, MessageRow.id == InboundMessageRow.message_id)
        .where(
            InboundMessageRow.organization_id == organization_id,
            InboundMessageRow.provider == provider,
            InboundMessageRow.key == key,
        )
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        return None
    return ToldReply(
        id=row.id,
        intent=row.intent,
        effects=tuple(row.effects),
        confidence=row.confidence,
        rule=row.rule,
        version=row.matcher_version,
        handled=row.handled,
        patient_id=row.patient_id,
        message_id=row.message_id,
        appointment_id=row.appointment_id,
        tasks=await _tasks(tx, row.id),
        answers=await _answers(tx, organization_id, row.id, row.address_id),
    )


async def _tasks(tx: Tx, inbound_id: int) -> tuple[str, ...]:
    statement = select(StaffTaskRow.kind).where(StaffTaskRow.inbound_message_id == inbound_id)
    return tuple((await tx.execute(statement.order_by(StaffTaskRow.id))).scalars())


async def _answers(
    tx: Tx, organization_id: OrganizationId, inbound_id: int, address_id: int | None
) -> tuple[ToldAnswer, ...]:
    keys = (f"reply:{inbound_id}", f"optout:{address_id}:{inbound_id}")
    statement = (
        select(MessageRow.__table__)
        .where(MessageRow.organization_id == organization_id, MessageRow.order_key.in_(keys))
        .order_by(MessageRow.id)
    )
    return tuple(
        ToldAnswer(
            message_id=row.id,
            purpose=row.purpose,
            lifecycle=row.lifecycle,
            scheduled_at=row.scheduled_at,
            reasons=tuple(row.reasons),
        )
        for row in await tx.execute(statement)
    )
