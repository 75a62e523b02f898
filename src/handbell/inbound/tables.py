"""Patients' own messages. The text is ciphertext."""

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class InboundMessageRow(Base):
    """What a patient wrote. `body` is encrypted with the patient's key, with the deployment's
    where the patient is not known. `address_id` is empty where the number was hidden;
    `message_id` is our message that it answers; `handled` is set in the same transaction.
    `confidence` is empty, and `effects` too, for what was read before they were kept."""

    __tablename__ = "inbound_messages"
    __table_args__ = (
        UniqueConstraint("organization_id", "provider", "key"),
        CheckConstraint("channel IN ('email', 'sms', 'whatsapp')", name="channel"),
        CheckConstraint(
            "intent IN ('confirm', 'reschedule', 'stop', 'start', 'help', 'other',"
            " 'cancel_visit', 'hold', 'wrong_number', 'deceased', 'crisis', 'tapback', 'nothing')",
            name="intent",
        ),
        CheckConstraint("confidence IN ('high', 'medium', 'low')", name="confidence"),
        Index("ix_inbound_messages_address_id_received_at", "address_id", "received_at"),
        Index("ix_inbound_messages_patient_id_received_at", "patient_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    channel: Mapped[str] = mapped_column(Text)
    address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(Text)
    provider_ref: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(Instant)
    intent: Mapped[str] = mapped_column(Text)
    confidence: Mapped[str | None] = mapped_column(Text)
    rule: Mapped[str | None] = mapped_column(Text)
    effects: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    matcher_version: Mapped[str] = mapped_column(Text)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"))
    handled: Mapped[str | None] = mapped_column(Text)
