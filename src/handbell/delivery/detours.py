"""Another channel for what cannot wait until a breaker closes again."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select, update

from handbell.audit.types import AuditEntry
from handbell.delivery.policy import cannot_wait
from handbell.messages.service import MessageService

# allow public-files: delivery ends the message whose place another takes
from handbell.messages.tables import MessageRow
from handbell.messages.types import Admission, Lifecycle, Reason
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, MessageClass

WORKER = "worker"


async def take_detours(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    message_ids: Sequence[int],
    *,
    not_on: Collection[Channel],
    now: datetime,
) -> list[int]:
    """Order on another channel what a breaker holds back and what cannot wait; give those.

    Each goes through the gate first, and is given up here only where it may go there: the
    others wait as they did. `not_on` are channels that no provider carries just now either.
    """
    gone = []
    for row in await _waiting(tx, message_ids):
        if not cannot_wait(
            MessageClass(row.message_class), row.serves_at, planned_at=row.planned_at, now=now
        ):
            continue
        other = await messages.fall_back_in(tx, organization_id, row.id, not_on=not_on, now=now)
        if isinstance(other, Admission):
            await _give_up(tx, row.id, now=now)
            entry = _entry(organization_id, row.id, other, now=now)
            await messages.audit.record(tx, entry)
            gone.append(row.id)
    return gone


async def _waiting(tx: Tx, message_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Those of the messages that still wait, held against being leased meanwhile."""
    statement: Select[*tuple[Any, ...]] = (
        select(
            MessageRow.id, MessageRow.message_class, MessageRow.serves_at, MessageRow.planned_at
        )
        .where(MessageRow.id.in_(message_ids), MessageRow.lifecycle == Lifecycle.SCHEDULED)
        .order_by(MessageRow.id)
        .with_for_update(key_share=True)
    )
    return (await tx.execute(statement)).all()


async def _give_up(tx: Tx, message_id: int, *, now: datetime) -> None:
    await tx.execute(
        update(MessageRow)
        .where(MessageRow.id == message_id)
        .values(
            lifecycle=Lifecycle.REFUSED,
            scheduled_at=None,
            reasons=[Reason.PROVIDER_DOWN.value],
            changed_at=now,
        )
    )


def _entry(
    organization_id: OrganizationId, message_id: int, other: Admission, *, now: datetime
) -> AuditEntry:
    return AuditEntry(
        organization_id=organization_id,
        at=now,
        actor=WORKER,
        action="message.fell_back",
        subject={
            "message_id": message_id,
            "falls_back_to": other.message_id,
            "channel": other.channel,
            "reason": Reason.PROVIDER_DOWN.value,
        },
    )
