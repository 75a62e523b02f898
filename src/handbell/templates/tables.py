"""Templates and their published versions. A version never changes: messages point at it."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class TemplateRow(Base):
    """What is said for a purpose on a channel in a language. Without an organisation it is of
    the packaged library, and every organisation may read it; its own stands before it."""

    __tablename__ = "templates"
    __table_args__ = (
        Index(
            "uq_templates_place",
            "organization_id",
            "purpose",
            "channel",
            "language",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("channel IN ('email', 'sms', 'whatsapp')", name="channel"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    purpose: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)


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
