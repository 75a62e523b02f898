"""Organisations: whom a message comes from, and what they have decided for all patients."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Identity, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class OrganizationRow(Base):
    """A tenant. `name` is the parent organisation's, safe to show at level L0."""

    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    phone: Mapped[str | None] = mapped_column(Text)
    postal_address: Mapped[str | None] = mapped_column(Text)
    support_email: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)


class OrganizationSettingsRow(Base):
    """What an organisation has decided; one row each, defaults as in the mission."""

    __tablename__ = "organization_settings"
    __table_args__ = (
        CheckConstraint("stop_scope IN ('number', 'channel')", name="stop_scope"),
        CheckConstraint("sms_ceiling BETWEEN 0 AND 2", name="sms_ceiling"),
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    informs_at_intake: Mapped[bool] = mapped_column(Boolean, server_default="true")
    whatsapp_us_enabled: Mapped[bool] = mapped_column(Boolean, server_default="false")
    sms_ceiling: Mapped[int] = mapped_column(Integer, server_default="1")
    stop_scope: Mapped[str] = mapped_column(Text, server_default="number")
    care_per_day: Mapped[int] = mapped_column(Integer, server_default="5")
    max_segments: Mapped[int] = mapped_column(Integer, server_default="3")
