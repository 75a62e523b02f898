"""Preferences at four levels: sparse columns, NULL means inherited."""

from datetime import datetime, time
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
    Text,
    Time,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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
        CheckConstraint("reading_level BETWEEN 1 AND 18", name="reading_level"),
        CheckConstraint("timezone <> ''", name="timezone"),
        CheckConstraint("language <> ''", name="language"),
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
    reading_level: Mapped[int | None] = mapped_column(Integer)
    choices: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(Text)


class PreferenceChangeRow(Base):
    """What one write replaced. The rows of a person go when the person is erased; the audit
    log keeps their digests."""

    __tablename__ = "preference_changes"
    __table_args__ = (
        CheckConstraint(
            "level IN ('global', 'organization', 'provider', 'patient')", name="level"
        ),
        Index("ix_preference_changes_level", "organization_id", "level", "level_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    level: Mapped[str] = mapped_column(Text)
    level_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer)
    old: Mapped[dict[str, Any]] = mapped_column(JSONB)
    new: Mapped[dict[str, Any]] = mapped_column(JSONB)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(Text)


class ContactRestrictionRow(Base):
    """A channel, or one address on it, that a patient is never to be reached by (45 CFR
    164.522(b)). `address_id` empty: the whole channel. `address` is sealed with the patient's
    key. A lifted one stays."""

    __tablename__ = "contact_restrictions"
    __table_args__ = (
        CheckConstraint("channel IN ('email', 'sms', 'whatsapp')", name="channel"),
        Index(
            "uq_contact_restrictions_open",
            "patient_id",
            "channel",
            "address_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
        Index("ix_contact_restrictions_organization_id", "organization_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(Text)
    address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    address: Mapped[bytes | None] = mapped_column(LargeBinary)
    set_at: Mapped[datetime] = mapped_column(Instant)
    set_by: Mapped[str] = mapped_column(Text)
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(Text)
