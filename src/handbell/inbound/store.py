"""Patients' messages in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.channels.types import InboundText

# allow public-files: messages from one address follow each other, and its row is what they hold
from handbell.directory.tables import AddressRow
from handbell.inbound.tables import InboundMessageRow
from handbell.inbound.types import Handled
from handbell.platform.db import OrganizationId, Tx
from handbell.replies.types import Intent, Reading


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewMessage:
    """A message as it is stored; `body` is its text, encrypted."""

    organization_id: OrganizationId
    item: InboundText
    reading: Reading
    address_id: int | None
    patient_id: int | None
    message_id: int | None
    body: bytes
    received_at: datetime


async def hold_address(tx: Tx, address_id: int) -> None:
    """Let the messages of one address follow each other until the transaction ends."""
    statement = select(AddressRow.id).where(AddressRow.id == address_id)
    await tx.execute(statement.with_for_update(key_share=True))


async def insert_once(tx: Tx, new: NewMessage) -> int | None:
    """Store a message and give its id; None when it was stored before."""
    statement = (
        insert(InboundMessageRow)
        .values(
            organization_id=new.organization_id,
            channel=new.item.channel,
            address_id=new.address_id,
            patient_id=new.patient_id,
            provider=new.item.provider,
            provider_ref=new.item.provider_ref,
            key=new.item.key,
            body=new.body,
            received_at=new.received_at,
            intent=new.reading.intent,
            confidence=new.reading.confidence,
            rule=new.reading.rule,
            matcher_version=new.reading.version,
            message_id=new.message_id,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "provider", "key"])
        .returning(InboundMessageRow.id)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def mark_handled(tx: Tx, inbound_id: int, handled: Handled) -> None:
    await tx.execute(
        update(InboundMessageRow)
        .where(InboundMessageRow.id == inbound_id)
        .values(handled=handled.value)
    )


async def has_stop_near(
    tx: Tx, address_ids: Sequence[int], *, at: datetime, within: timedelta, but: int
) -> bool:
    """Whether another STOP from one of the addresses lies near, before or after: callbacks
    come in any order."""
    is_stop = InboundMessageRow.intent == Intent.STOP.value
    return await _has_near(tx, address_ids, is_stop, at=at, within=within, but=but)


async def has_options_near(
    tx: Tx, address_id: int, *, at: datetime, within: timedelta, but: int
) -> bool:
    """Whether a message of the address was lately answered with the options."""
    is_answered = InboundMessageRow.handled == Handled.OPTIONS_SENT.value
    return await _has_near(tx, [address_id], is_answered, at=at, within=within, but=but)


async def _has_near(
    tx: Tx,
    address_ids: Sequence[int],
    which: ColumnElement[bool],
    *,
    at: datetime,
    within: timedelta,
    but: int,
) -> bool:
    near = and_(
        InboundMessageRow.address_id.in_(address_ids),
        InboundMessageRow.received_at > at - within,
        InboundMessageRow.received_at < at + within,
        InboundMessageRow.id != but,
        which,
    )
    found: bool = (await tx.execute(select(exists().where(near)))).scalar_one()
    return found
