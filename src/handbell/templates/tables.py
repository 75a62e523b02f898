"""Templates, their published versions, Meta's approvals, prices. A version never changes:
messages point at it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant

_CHANNELS = "channel IN ('email', 'sms', 'whatsapp')"


class TemplateRow(Base):
    """What is said for a purpose on a channel in a language. Without an organisation it is of
    the packaged library, and every organisation may read it; its own stands before it, and one
    for a clinician's patients before that. One text of a place is its default. `changes` counts
    what was written to the row since it was made."""

    __tablename__ = "templates"
    __table_args__ = (
        Index(
            "uq_templates_place",
            "organization_id",
            "provider_id",
            "purpose",
            "channel",
            "language",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("is_default AND archived_at IS NULL"),
        ),
        CheckConstraint(_CHANNELS, name="channel"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("providers.id"))
    name: Mapped[str] = mapped_column(Text, server_default="")
    purpose: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    is_default: Mapped[bool] = mapped_column(Boolean, server_default="true")
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    drafted_at: Mapped[datetime | None] = mapped_column(Instant)
    drafted_by: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    archived_at: Mapped[datetime | None] = mapped_column(Instant)
    changes: Mapped[int] = mapped_column(Integer, server_default="0")


class TemplateVersionRow(Base):
    """A published text with its generic sibling. `no` counts from 1; levels are 0..3."""

    __tablename__ = "template_versions"
    __table_args__ = (UniqueConstraint("template_id", "no"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id"))
    no: Mapped[int] = mapped_column(Integer)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    level: Mapped[int] = mapped_column(SmallInteger)
    sibling_level: Mapped[int | None] = mapped_column(SmallInteger)
    published_at: Mapped[datetime] = mapped_column(Instant)
    published_by: Mapped[str] = mapped_column(Text, server_default="handbell")


class WhatsAppApprovalRow(Base):
    """What Meta says of a registered template; `name` and `language` are Meta's."""

    __tablename__ = "whatsapp_approvals"
    __table_args__ = (
        UniqueConstraint("organization_id", "name", "language", name="uq_whatsapp_approvals_name"),
        CheckConstraint("state IN ('pending', 'approved', 'rejected', 'paused')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(Text)


class MessagePriceRow(Base):
    """An organisation's own price from a day on: of a segment of SMS, of a message elsewhere.
    `category` is Meta's for WhatsApp, else empty."""

    __tablename__ = "message_prices"
    __table_args__ = (
        UniqueConstraint(
            "organization_id",
            "channel",
            "category",
            "effective_on",
            name="uq_message_prices_effective_on",
        ),
        CheckConstraint(_CHANNELS, name="channel"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    channel: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    effective_on: Mapped[date] = mapped_column(Date)
    unit_price: Mapped[Decimal] = mapped_column(Numeric(12, 6))
    currency: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime] = mapped_column(Instant)
    set_by: Mapped[str] = mapped_column(Text)
