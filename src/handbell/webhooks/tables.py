"""Callbacks as they came in. The body is ciphertext."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class WebhookDeliveryRow(Base):
    """One verified request of a provider. `digest` is the SHA-256 of kind, query and body, so a
    repetition is no second row; `raw` is the body, encrypted with the deployment's key and
    bound to the digest. `token` is the attempt token of the query. `parked` counts how often
    it had to wait because it speaks of an attempt that is not known yet. `problem` names the
    error of a delivery that was given up."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("provider", "digest"),
        CheckConstraint(
            "provider IN ('relay', 'sendgrid', 'twilio', 'whatsapp')", name="provider"
        ),
        Index(
            "ix_webhook_deliveries_unapplied",
            "received_at",
            postgresql_where=text("applied_at IS NULL"),
        ),
        Index(
            "ix_webhook_deliveries_dead",
            "organization_id",
            "received_at",
            postgresql_where=text("problem IS NOT NULL AND applied_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    token: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Instant)
    applied_at: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    parked: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    problem: Mapped[str | None] = mapped_column(Text)
