"""An order made anew from a message that failed: on another channel, or the same once more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from handbell.messages import content, visits
from handbell.messages.errors import MessageNotFound
from handbell.messages.store import anchor_from_json
from handbell.messages.tables import MessageRow
from handbell.messages.types import PENDING, Lifecycle, MessageId, Reason, SendOrder
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx
from handbell.platform.vocabulary import Channel, MessageClass, Purpose
from handbell.scheduling.types import At

_BOUND: Final = frozenset({MessageClass.EMERGENCY, MessageClass.INBOUND_REPLY})
"""An emergency leaves on every channel anyway, and an answer belongs where the patient wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A message with those that it falls back from, newest first."""

    message_ids: tuple[int, ...]
    channels: frozenset[Channel]
    may_change_channel: bool


async def chain_of(tx: Tx, message_id: int) -> Chain:
    """Which channels a message has been tried on, by it and by those before it. Raises
    `MessageNotFound`."""
    mine = MessageRow.__table__
    chain = (
        select(
            mine.c.id,
            mine.c.falls_back_from,
            mine.c.channel,
            mine.c.message_class,
            mine.c.is_address_named,
        )
        .where(mine.c.id == message_id)
        .cte("chain", recursive=True)
    )
    before = select(
        mine.c.id,
        mine.c.falls_back_from,
        mine.c.channel,
        mine.c.message_class,
        mine.c.is_address_named,
    ).join(chain, mine.c.id == chain.c.falls_back_from)
    chain = chain.union_all(before)
    rows = (await tx.execute(select(chain).order_by(chain.c.id.desc()))).all()
    if not rows:
        raise MessageNotFound(message_id)
    is_bound = rows[0].is_address_named or MessageClass(rows[0].message_class) in _BOUND
    return Chain(
        message_ids=tuple(row.id for row in rows),
        channels=frozenset(Channel(row.channel) for row in rows),
        may_change_channel=not is_bound,
    )


async def fall_back_order(
    tx: Tx, keys: KeyRing, message_id: int, *, not_on: frozenset[Channel], now: datetime
) -> SendOrder:
    """The same on any other channel. Its key makes it happen once."""
    order = await replay_order(tx, keys, message_id, key=f"fallback:{message_id}", now=now)
    return replace(order, not_on=not_on, falls_back_from=MessageId(message_id))


async def replay_order(
    tx: Tx, keys: KeyRing, message_id: int, *, key: str, now: datetime
) -> SendOrder:
    """The same once more: the patient's order of channels decides, for what was wrong with
    the first may be mended by now. An answer stays where the patient wrote."""
    row = await _row(tx, message_id)
    material = (await content.material_in(tx, keys, [message_id]))[message_id]
    return SendOrder(
        patient_id=row.patient_id,
        purpose=Purpose(row.purpose),
        anchor=At(now, row.serves_at),
        order_key=key,
        ordered_by=row.ordered_by,
        channel=Channel(row.channel) if row.is_address_named else None,
        address_id=row.address_id if row.is_address_named else None,
        variables=material.variables,
        appointment_id=row.appointment_id,
        appointment_version=row.appointment_version,
        reminder_offset=row.reminder_offset,
        serves_at=row.serves_at,
        answers_at=row.answers_at,
        others=await visits.others_of(tx, message_id),
    )


async def stopped_reminders(
    tx: Tx, keys: KeyRing, address_ids: Sequence[int], *, key: str, now: datetime
) -> list[SendOrder]:
    """The reminders of visits to come that an opt-out of the addresses ended or kept from being
    planned, the newest of each, as they were meant: for when the patient wants them again."""
    other = aliased(MessageRow)
    waits = select(other.id).where(
        other.appointment_id == MessageRow.appointment_id,
        other.reminder_offset == MessageRow.reminder_offset,
        other.lifecycle.in_(PENDING),
    )
    statement = (
        select(MessageRow.id, MessageRow.anchor)
        .where(
            MessageRow.address_id.in_(address_ids),
            MessageRow.lifecycle == Lifecycle.REFUSED,
            MessageRow.reasons.contains([Reason.OPTED_OUT.value]),
            MessageRow.purpose == Purpose.APPT_REMINDER,
            MessageRow.serves_at > now,
            ~waits.exists(),
        )
        .order_by(MessageRow.appointment_id, MessageRow.reminder_offset, MessageRow.id.desc())
        .ext(distinct_on(MessageRow.appointment_id, MessageRow.reminder_offset))
    )
    return [
        replace(
            await replay_order(tx, keys, row.id, key=f"{key}:{row.id}", now=now),
            anchor=anchor_from_json(row.anchor),
        )
        for row in (await tx.execute(statement)).all()
    ]


async def _row(tx: Tx, message_id: int) -> Row[Any]:
    statement = select(MessageRow.__table__).where(MessageRow.id == message_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise MessageNotFound(message_id)
    return row
