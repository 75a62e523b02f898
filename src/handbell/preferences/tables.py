"""Preferences at four levels: sparse columns, NULL means inherited."""

from datetime import datetime, time

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    Time,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class PreferenceSettingsRow(Base):
    """What one level says. The global row has no organisation and `level_id` 0."""

    __tablename__ = "preference_settings"
    __table_args__ = (
        Index(
            "uq_preference_settings_level",
            "organization_id",
            "level",
            "level_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(
            "level IN ('global', 'organization', 'provider', 'patient')", name="level"
        ),
        CheckConstraint("best_hour BETWEEN 0 AND 23", name="best_hour"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    level: Mapped[str] = mapped_column(Text)
    level_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    timezone: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    quiet_start: Mapped[time | None] = mapped_column(Time)
    quiet_end: Mapped[time | None] = mapped_column(Time)
    work_start: Mapped[time | None] = mapped_column(Time)
    work_end: Mapped[time | None] = mapped_column(Time)
    best_hour: Mapped[int | None] = mapped_column(Integer)
    allow_email: Mapped[bool | None] = mapped_column(Boolean)
    allow_sms: Mapped[bool | None] = mapped_column(Boolean)
    allow_whatsapp: Mapped[bool | None] = mapped_column(Boolean)
    marketing_opt_in_email: Mapped[bool | None] = mapped_column(Boolean)
    marketing_opt_in_sms: Mapped[bool | None] = mapped_column(Boolean)
    marketing_opt_in_whatsapp: Mapped[bool | None] = mapped_column(Boolean)
    channel_order: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    pause_until: Mapped[datetime | None] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(Text)
