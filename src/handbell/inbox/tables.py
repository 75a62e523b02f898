"""Conversations, notes, what watchers are told, and when people read. Notes are ciphertext."""

from datetime import datetime, time

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    Time,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class ConversationRow(Base):
    """One patient's conversation; or an address's, while nobody knows whose it is; or a single
    message's, where even the address was hidden."""

    __tablename__ = "conversations"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'pending', 'closed')", name="state"),
        CheckConstraint(
            "num_nonnulls(patient_id, address_id, inbound_message_id) = 1", name="whose"
        ),
        Index("uq_conversations_patient_id", "patient_id", unique=True),
        Index("uq_conversations_address_id", "address_id", unique=True),
        Index("uq_conversations_inbound_message_id", "inbound_message_id", unique=True),
        Index("ix_conversations_listed", "organization_id", "changed_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    inbound_message_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("inbound_messages.id", ondelete="CASCADE")
    )
    state: Mapped[str] = mapped_column(Text)
    assigned_to: Mapped[str | None] = mapped_column(Text)
    last_received_at: Mapped[datetime | None] = mapped_column(Instant)
    last_sent_at: Mapped[datetime | None] = mapped_column(Instant)
    waiting_since: Mapped[datetime | None] = mapped_column(Instant)
    told_closed_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class ConversationNoteRow(Base):
    """What people at the practice tell each other; no patient sees it. `body` is encrypted with
    the patient's key, with the deployment's where the patient is not known."""

    __tablename__ = "conversation_notes"
    __table_args__ = (
        Index("ix_conversation_notes_conversation_id", "conversation_id", "written_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE")
    )
    body: Mapped[bytes] = mapped_column(LargeBinary)
    written_by: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(Instant)


class InboxEventRow(Base):
    """What happened in the inbox. `xid` is the writing transaction: events are told in its order
    and once no older one can still commit, so that nobody who resumes misses one."""

    __tablename__ = "inbox_events"
    __table_args__ = (Index("ix_inbox_events_told", "organization_id", "xid", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    xid: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    conversation_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Instant)


class InboxSettingsRow(Base):
    """When people read the inbox; an organisation without a row has the defaults."""

    __tablename__ = "inbox_settings"
    __table_args__ = (
        CheckConstraint("opens < closes", name="hours"),
        CheckConstraint("weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]", name="weekdays"),
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    timezone: Mapped[str] = mapped_column(Text)
    opens: Mapped[time] = mapped_column(Time)
    closes: Mapped[time] = mapped_column(Time)
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    closed_on_holidays: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    answers_after_hours: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
