"""Patients' messages in the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from handbell.channels.types import InboundText

# allow public-files: messages from one address follow each other, and its row is what they hold
from handbell.directory.tables import AddressRow, ContactPointRow, PatientRow
from handbell.inbound.tables import InboundMessageRow
from handbell.inbound.types import Handled

# allow public-files: a wrong number tells of every message that went there
from handbell.messages.tables import MessageRow
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.replies.types import Intent, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who wrote a message, and what it is called at the provider."""

    address_id: int | None
    patient_id: int | None
    provider: str
    provider_ref: str


ASKED_BACK: Final = (
    Handled.OPTIONS_SENT,
    Handled.HELD,
    Handled.ASKED_WHICH,
    Handled.SUPPRESSED,
)
"""What a message was answered with that is said once a day."""


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


async def hold_number(tx: Tx, hashes: Iterable[tuple[Channel, bytes]]) -> None:
    """Let the messages of one number follow each other until the transaction ends, whichever
    channel they come on. The rows are taken in the order in which a STOP takes them."""
    which = tuple_(AddressRow.channel, AddressRow.address_hash).in_(list(hashes))
    statement = select(AddressRow.id).where(which).order_by(AddressRow.id)
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
            effects=sorted(effect.value for effect in new.reading.effects),
            message_id=new.message_id,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "provider", "key"])
        .returning(InboundMessageRow.id)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def sent_to_addresses(tx: Tx, address_ids: Iterable[int]) -> list[int]:
    """The messages that left, or may have left, for the addresses, but for answers."""
    statement = (
        select(MessageRow.id)
        .where(
            MessageRow.address_id.in_(list(address_ids)),
            MessageRow.sent_at.is_not(None),
            MessageRow.message_class != MessageClass.INBOUND_REPLY,
        )
        .order_by(MessageRow.id)
    )
    return list((await tx.execute(statement)).scalars())


async def stranger_of(tx: Tx, address_id: int) -> int | None:
    """The person made for an address of whom nothing is known but that they once wrote."""
    statement = (
        select(ContactPointRow.patient_id)
        .join(PatientRow, PatientRow.id == ContactPointRow.patient_id)
        .where(
            ContactPointRow.address_id == address_id,
            PatientRow.is_contact,
            PatientRow.subject_key_id.is_not(None),
            ContactPointRow.is_current.is_(False),
        )
        .order_by(ContactPointRow.id)
        .limit(1)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def find_told(tx: Tx, inbound_id: int) -> Told | None:
    """What is kept of a message, but for its text."""
    row = InboundMessageRow
    statement = select(row.address_id, row.patient_id, row.provider, row.provider_ref)
    one = (await tx.execute(statement.where(row.id == inbound_id))).one_or_none()
    if one is None:
        return None
    return Told(
        address_id=one.address_id,
        patient_id=one.patient_id,
        provider=one.provider,
        provider_ref=one.provider_ref,
    )


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


async def has_question_near(
    tx: Tx, address_id: int, *, at: datetime, within: timedelta, but: int
) -> bool:
    """Whether a message of the address was lately answered with a question of ours."""
    is_answered = InboundMessageRow.handled.in_(ASKED_BACK)
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
