"""Conversations in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import InstrumentedAttribute

# allow public-files: a conversation is listed with the patient's name, in one statement
from handbell.directory.tables import PatientRow

# allow public-files: a conversation is what both sides wrote, in one statement
from handbell.inbound.tables import InboundMessageRow
from handbell.inbox.errors import ConversationNotFound
from handbell.inbox.tables import ConversationNoteRow, ConversationRow
from handbell.inbox.types import ConversationFilter, ConversationState, EntryKind, LastHeard

# allow public-files: a conversation is what both sides wrote, in one statement
from handbell.messages.tables import MessageRow
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Purpose

# allow public-files: a conversation is listed with what is open about it
from handbell.staff.tables import StaffTaskRow
from handbell.staff.types import TaskKind

BY_PEOPLE: Final = (
    Purpose.REPLY_STAFF,
    Purpose.REPLY_SECURE,
    Purpose.STAFF_MESSAGE,
    Purpose.STAFF_SECURE,
)
"""What people wrote: shown whatever became of it."""
_ALERTS: Final = (TaskKind.CRISIS, TaskKind.URGENT_CALL, TaskKind.URGENT_UNDELIVERED)
_CONVERSATIONS: Final = ConversationRow.__table__


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Exactly one of them is given: the patient, else the address, else the single message."""

    patient_id: int | None = None
    address_id: int | None = None
    inbound_message_id: int | None = None

    @property
    def column(self) -> str:
        names = ("patient_id", "address_id", "inbound_message_id")
        return next(name for name in names if getattr(self, name) is not None)

    @property
    def id(self) -> int:
        found: int = getattr(self, self.column)
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry of a conversation is kept."""

    kind: EntryKind
    id: int
    at: datetime


async def ensure(
    tx: Tx, organization_id: OrganizationId, whose: Whose, *, now: datetime
) -> Row[Any]:
    """The conversation, made if it is new, and held until the transaction ends."""
    values = {
        "organization_id": organization_id,
        whose.column: whose.id,
        "state": ConversationState.CLOSED,
        "created_at": now,
        "changed_at": now,
    }
    new = upsert(ConversationRow).values(**values)
    await tx.execute(new.on_conflict_do_nothing(index_elements=[whose.column]))
    mine = getattr(ConversationRow, whose.column) == whose.id
    return (await tx.execute(select(_CONVERSATIONS).where(mine).with_for_update())).one()


async def get(tx: Tx, conversation_id: int, *, hold: bool = False) -> Row[Any]:
    """One conversation. Raises `ConversationNotFound`."""
    statement = select(_CONVERSATIONS).where(ConversationRow.id == conversation_id)
    row = (await tx.execute(statement.with_for_update() if hold else statement)).one_or_none()
    if row is None:
        raise ConversationNotFound(conversation_id)
    return row


async def change(tx: Tx, conversation_id: int, *, now: datetime, **values: Any) -> None:
    mine = ConversationRow.id == conversation_id
    await tx.execute(update(ConversationRow).where(mine).values(changed_at=now, **values))


async def remove(tx: Tx, conversation_id: int) -> None:
    await tx.execute(delete(ConversationRow).where(ConversationRow.id == conversation_id))


async def list_rows(
    tx: Tx, wanted: ConversationFilter, *, limit: int, offset: int
) -> tuple[Sequence[Row[Any]], int]:
    """A page of conversations, what changed last first, and the number of all that fit."""
    where = _fits(wanted)
    counted = select(func.count()).select_from(ConversationRow).where(where)
    total: int = (await tx.execute(counted)).scalar_one()
    order = (ConversationRow.changed_at.desc(), ConversationRow.id.desc())
    statement = _shown().where(where).order_by(*order).limit(limit).offset(offset)
    return (await tx.execute(statement)).all(), total


async def shown(tx: Tx, conversation_id: int) -> Row[Any]:
    """One conversation with its patient's name. Raises `ConversationNotFound`."""
    statement = _shown().where(ConversationRow.id == conversation_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise ConversationNotFound(conversation_id)
    return row


def _shown() -> Select[*tuple[Any, ...]]:
    is_open = and_(_is_task_of(), StaffTaskRow.closed_at.is_(None))
    tasks = select(func.count()).select_from(StaffTaskRow).where(is_open)
    alerts = tasks.where(StaffTaskRow.kind.in_(_ALERTS))
    return select(
        *_CONVERSATIONS.c,
        PatientRow.first_name,
        PatientRow.last_name,
        tasks.correlate(ConversationRow).scalar_subquery().label("open_tasks"),
        alerts.correlate(ConversationRow).scalar_subquery().label("alerts"),
    ).outerjoin(PatientRow, PatientRow.id == ConversationRow.patient_id)


def _is_task_of() -> ColumnElement[bool]:
    of_unknown = select(InboundMessageRow.id).where(_is_from_unknown()).correlate(ConversationRow)
    return or_(
        StaffTaskRow.patient_id == ConversationRow.patient_id,
        StaffTaskRow.inbound_message_id.in_(of_unknown),
    )


def _is_from_unknown() -> ColumnElement[bool]:
    """Messages of the conversation, where nobody knows whose it is."""
    of_address = and_(
        InboundMessageRow.address_id == ConversationRow.address_id,
        InboundMessageRow.patient_id.is_(None),
    )
    return or_(of_address, InboundMessageRow.id == ConversationRow.inbound_message_id)


def _fits(wanted: ConversationFilter) -> ColumnElement[bool]:
    row = ConversationRow
    conditions: list[ColumnElement[bool]] = [true()]
    if wanted.states is not None:
        conditions.append(row.state.in_(wanted.states))
    if wanted.assigned_to is not None:
        conditions.append(row.assigned_to == wanted.assigned_to)
    if wanted.is_assigned is not None:
        is_assigned = row.assigned_to.is_not(None)
        conditions.append(is_assigned if wanted.is_assigned else ~is_assigned)
    if wanted.is_matched is not None:
        is_matched = row.patient_id.is_not(None)
        conditions.append(is_matched if wanted.is_matched else ~is_matched)
    if wanted.patient_id is not None:
        conditions.append(row.patient_id == wanted.patient_id)
    return and_(*conditions)


async def places(
    tx: Tx, conversation: Row[Any], *, limit: int, offset: int
) -> tuple[list[Place], int]:
    """A page of what stands in the conversation, newest first, and how much there is."""
    parts = union_all(
        _sent(conversation), _received(conversation), _notes(conversation)
    ).subquery()
    total: int = (await tx.execute(select(func.count()).select_from(parts))).scalar_one()
    order = (parts.c.at.desc(), parts.c.kind.desc(), parts.c.id.desc())
    rows = await tx.execute(select(parts).order_by(*order).limit(limit).offset(offset))
    return [Place(EntryKind(row.kind), row.id, row.at) for row in rows], total


def _sent(conversation: Row[Any]) -> Select[*tuple[Any, ...]]:
    """What left, what is leaving, and what people wrote, whatever became of that."""
    is_shown = or_(
        MessageRow.sent_at.is_not(None),
        MessageRow.lifecycle == "sending",
        MessageRow.purpose.in_(BY_PEOPLE),
    )
    return select(
        literal(EntryKind.SENT.value).label("kind"),
        MessageRow.id.label("id"),
        func.coalesce(MessageRow.sent_at, MessageRow.created_at).label("at"),
    ).where(_is_of(MessageRow.patient_id, conversation), is_shown)


def _received(conversation: Row[Any]) -> Select[*tuple[Any, ...]]:
    statement = select(
        literal(EntryKind.RECEIVED.value), InboundMessageRow.id, InboundMessageRow.received_at
    )
    return statement.where(is_received_in(conversation))


def is_received_in(conversation: Row[Any]) -> ColumnElement[bool]:
    if conversation.patient_id is not None:
        return _is_of(InboundMessageRow.patient_id, conversation)
    if conversation.address_id is not None:
        return and_(
            InboundMessageRow.address_id == conversation.address_id,
            InboundMessageRow.patient_id.is_(None),
        )
    is_single: ColumnElement[bool] = InboundMessageRow.id == conversation.inbound_message_id
    return is_single


def _is_of(
    column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None], conversation: Row[Any]
) -> ColumnElement[bool]:
    """The patient's, and those of records that were merged into theirs."""
    if conversation.patient_id is None:
        return false()
    merged = select(PatientRow.id).where(PatientRow.merged_into_id == conversation.patient_id)
    is_own: ColumnElement[bool] = column == conversation.patient_id
    return or_(is_own, column.in_(merged))


def _notes(conversation: Row[Any]) -> Select[*tuple[Any, ...]]:
    mine = ConversationNoteRow.conversation_id == conversation.id
    return select(
        literal(EntryKind.NOTE.value), ConversationNoteRow.id, ConversationNoteRow.written_at
    ).where(mine)


async def last_heard(tx: Tx, conversation: Row[Any], channel: Channel | None) -> LastHeard | None:
    """The newest message of the patient's, on the channel if one is given."""
    where = is_received_in(conversation)
    if channel is not None:
        where = and_(where, InboundMessageRow.channel == channel.value)
    statement = select(
        InboundMessageRow.channel, InboundMessageRow.address_id, InboundMessageRow.received_at
    )
    newest = statement.where(where).order_by(
        InboundMessageRow.received_at.desc(), InboundMessageRow.id.desc()
    )
    row = (await tx.execute(newest.limit(1))).one_or_none()
    if row is None:
        return None
    return LastHeard(channel=Channel(row.channel), address_id=row.address_id, at=row.received_at)


async def received_ids(tx: Tx, conversation: Row[Any]) -> list[int]:
    statement = select(InboundMessageRow.id).where(is_received_in(conversation))
    return list((await tx.execute(statement)).scalars())


async def add_note(
    tx: Tx,
    organization_id: OrganizationId,
    conversation_id: int,
    body: bytes,
    *,
    author: str,
    now: datetime,
) -> int:
    values = {
        "organization_id": organization_id,
        "conversation_id": conversation_id,
        "body": body,
        "written_by": author,
        "written_at": now,
    }
    new = insert(ConversationNoteRow).values(**values).returning(ConversationNoteRow.id)
    note_id: int = (await tx.execute(new)).scalar_one()
    return note_id


async def notes(tx: Tx, note_ids: Sequence[int]) -> dict[int, Row[Any]]:
    statement = select(ConversationNoteRow.__table__).where(ConversationNoteRow.id.in_(note_ids))
    return {row.id: row for row in await tx.execute(statement)}


async def notes_of(tx: Tx, conversation_id: int) -> Sequence[Row[Any]]:
    mine = ConversationNoteRow.conversation_id == conversation_id
    return (await tx.execute(select(ConversationNoteRow.__table__).where(mine))).all()


async def move_note(tx: Tx, note_id: int, *, to: int, body: bytes) -> None:
    mine = ConversationNoteRow.id == note_id
    moved = update(ConversationNoteRow).where(mine).values(conversation_id=to, body=body)
    await tx.execute(moved)
