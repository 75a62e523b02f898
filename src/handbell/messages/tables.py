"""Messages, the attempts to send them, what providers said, and the receipts of decisions.

A planned message holds references and, only where the caller gave any, encrypted variables:
never an address or a text. The text is rendered and encrypted when an attempt is made.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class ReceiptPartRow(Base):
    """One half of a decision's facts, shared by all messages that it explains."""

    __tablename__ = "receipt_parts"
    __table_args__ = (
        UniqueConstraint("organization_id", "kind", "digest"),
        CheckConstraint("kind IN ('eligibility', 'window')", name="kind"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    kind: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)


class MessageRow(Base):
    """One message to one patient on one channel, from its order to its end.

    `lifecycle` is ours and moves by compare-and-set; `progress` is the fold of the provider's
    events. `leased_until` is the one column compared with the database's own clock.
    `reminder_offset` is in minutes before the visit; `anchor` is the order's wish for a time.
    `is_address_named`: the order named the address; any other message follows the patient to a
    new one. `is_channel_named` and `is_template_named` say that the order left no choice of
    these. `falls_back_from`: the message that failed on another channel before this one.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("organization_id", "order_key"),
        CheckConstraint("channel IN ('email', 'sms', 'whatsapp')", name="channel"),
        CheckConstraint(
            "lifecycle IN ('scheduled', 'queued', 'sending', 'accepted', 'refused', 'cancelled',"
            " 'expired', 'failed', 'unknown')",
            name="lifecycle",
        ),
        Index(
            "ix_messages_due",
            "lane",
            "organization_id",
            "scheduled_at",
            "serves_at",
            postgresql_where=text("lifecycle = 'scheduled'"),
        ),
        Index(
            "ix_messages_leased",
            "leased_until",
            postgresql_where=text("lifecycle IN ('queued', 'sending')"),
        ),
        Index(
            "ix_messages_pending_address_id",
            "address_id",
            postgresql_where=text("lifecycle IN ('scheduled', 'queued', 'sending')"),
        ),
        Index("ix_messages_address_id_sent_at", "address_id", "sent_at"),
        Index("ix_messages_patient_id_sent_at", "patient_id", "sent_at"),
        Index("ix_messages_appointment_id", "appointment_id"),
        Index(
            "ix_messages_falls_back_from",
            "falls_back_from",
            postgresql_where=text("falls_back_from IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    order_key: Mapped[str] = mapped_column(Text)
    ordered_by: Mapped[str] = mapped_column(Text)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    contact_point_id: Mapped[int | None] = mapped_column(ForeignKey("contact_points.id"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    is_address_named: Mapped[bool] = mapped_column(Boolean)
    is_channel_named: Mapped[bool] = mapped_column(Boolean, server_default="true")
    is_template_named: Mapped[bool] = mapped_column(Boolean, server_default="false")
    channel: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    message_class: Mapped[str] = mapped_column(Text)
    lane: Mapped[str] = mapped_column(Text)
    template_version_id: Mapped[int | None] = mapped_column(ForeignKey("template_versions.id"))
    variables: Mapped[bytes | None] = mapped_column(LargeBinary)
    appointment_id: Mapped[int | None] = mapped_column(
        ForeignKey("appointments.id", ondelete="SET NULL")
    )
    appointment_version: Mapped[int | None] = mapped_column(Integer)
    reminder_offset: Mapped[int | None] = mapped_column(Integer)
    serves_at: Mapped[datetime | None] = mapped_column(Instant)
    answers_at: Mapped[datetime | None] = mapped_column(Instant)
    anchor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    lifecycle: Mapped[str] = mapped_column(Text)
    progress: Mapped[str | None] = mapped_column(Text)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scheduled_at: Mapped[datetime | None] = mapped_column(Instant)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    eligibility_part_id: Mapped[int | None] = mapped_column(ForeignKey("receipt_parts.id"))
    window_part_id: Mapped[int | None] = mapped_column(ForeignKey("receipt_parts.id"))
    consent_entry_no: Mapped[int | None] = mapped_column(Integer)
    preference_levels: Mapped[dict[str, Any]] = mapped_column(JSONB)
    own_facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    decided_at: Mapped[datetime] = mapped_column(Instant)
    planned_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    replied_at: Mapped[datetime | None] = mapped_column(Instant)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(Instant)
    complained_at: Mapped[datetime | None] = mapped_column(Instant)
    falls_back_from: Mapped[int | None] = mapped_column(
        ForeignKey("messages.id", ondelete="SET NULL")
    )


class MessageAppointmentRow(Base):
    """A further visit of a message that tells of several of one day: the version that it tells
    of, and when that begins. The first visit stands on the message itself."""

    __tablename__ = "message_appointments"
    __table_args__ = (Index("ix_message_appointments_appointment_id", "appointment_id"),)

    message_id: Mapped[int] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    appointment_id: Mapped[int] = mapped_column(
        ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    appointment_version: Mapped[int] = mapped_column(Integer)
    starts_at: Mapped[datetime] = mapped_column(Instant)


class MessageAttemptRow(Base):
    """One call to a provider. The row as inserted is a leaf of the audit log (R7.1).

    `token` is random and comes back in callbacks. `body` is what was sent, encrypted with the
    patient's key; `body_digest` is the SHA-256 of that ciphertext. `outcome` is empty while the
    call is in flight. `line_id` is the line that it left by, which may be gone by now. How an
    unknown one was settled stands in `settlement`; `looks` counts the looks into the provider's
    list that found nothing.
    """

    __tablename__ = "message_attempts"
    __table_args__ = (
        UniqueConstraint("message_id", "no"),
        UniqueConstraint("token"),
        CheckConstraint("outcome IN ('accepted', 'refused', 'retry', 'unknown')", name="outcome"),
        Index("ix_message_attempts_provider_ref", "provider_ref"),
        Index(
            "ix_message_attempts_in_flight",
            "address_id",
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("ix_message_attempts_xid", "xid"),
        CheckConstraint(
            "settlement IN ('callback', 'provider_list', 'not_found', 'closed', 'person_sent',"
            " 'person_not_sent')",
            name="settlement",
        ),
        Index(
            "ix_message_attempts_unknown",
            "address_id",
            postgresql_where=text("outcome = 'unknown' AND settled_at IS NULL"),
        ),
        Index(
            "ix_message_attempts_unknown_of",
            "organization_id",
            "settlement",
            postgresql_where=text("outcome = 'unknown'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    no: Mapped[int] = mapped_column(SmallInteger)
    token: Mapped[str] = mapped_column(Text)
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"))
    used_sibling: Mapped[bool] = mapped_column(Boolean)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    body_digest: Mapped[bytes] = mapped_column(LargeBinary)
    eligibility_part_id: Mapped[int] = mapped_column(ForeignKey("receipt_parts.id"))
    window_part_id: Mapped[int] = mapped_column(ForeignKey("receipt_parts.id"))
    own_facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    started_at: Mapped[datetime] = mapped_column(Instant)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    xid: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    provider_ref: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    line_id: Mapped[int | None] = mapped_column(BigInteger)
    looks: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    settlement: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_by: Mapped[str | None] = mapped_column(Text)


class MessageEventRow(Base):
    """What a provider said of an attempt; the same event twice is one row."""

    __tablename__ = "message_events"
    __table_args__ = (
        UniqueConstraint("organization_id", "provider", "key"),
        Index("ix_message_events_attempt_id", "attempt_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    attempt_id: Mapped[int] = mapped_column(ForeignKey("message_attempts.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
