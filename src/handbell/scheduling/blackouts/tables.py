"""Blackouts. Without an organisation one holds for all of them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class BlackoutRow(Base):
    """Nothing of the kind leaves in [`starts_at`, `ends_at`); NULL in a column means any."""

    __tablename__ = "blackouts"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="window"),
        CheckConstraint("state IS NULL OR country IS NULL OR country = 'US'", name="state"),
        CheckConstraint("channel IN ('email', 'sms', 'whatsapp')", name="channel"),
        CheckConstraint(
            "message_class IN ('care', 'billing_admin', 'research', 'marketing')",
            name="message_class",
        ),
        Index("ix_blackouts_organization_id_ends_at", "organization_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(Text)
    message_class: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    entered_by: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
