"""Accounts with providers, and the numbers and mailboxes that we send from."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class ProviderAccountRow(Base):
    """An account with a provider. `reference` is the provider's public name of it (an account
    SID, a business id), never a secret. `credentials` are encrypted; without them the account
    is the environment's, which an operator may lend to further organisations.
    `baa` says whether a HIPAA business associate agreement covers it. Rate and cap hold for all
    its lines together; NULL is no limit."""

    __tablename__ = "provider_accounts"
    __table_args__ = (
        UniqueConstraint("organization_id", "provider", "reference"),
        Index("ix_provider_accounts_reference", "provider", "reference"),
        CheckConstraint("provider IN ('sendgrid', 'twilio', 'whatsapp')", name="provider"),
        CheckConstraint("baa IN ('signed', 'not_required', 'none')", name="baa"),
        CheckConstraint("rate_per_second > 0", name="rate_per_second"),
        CheckConstraint("daily_cap > 0", name="daily_cap"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    baa: Mapped[str] = mapped_column(Text)
    rate_per_second: Mapped[Decimal | None] = mapped_column(Numeric)
    daily_cap: Mapped[int | None] = mapped_column(Integer)
    credentials: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


class SenderLineRow(Base):
    """A number or mailbox of ours. It belongs to one organisation; an answer to it is theirs.
    `reference` is the provider's own id of it, where it sends by one (WhatsApp). `tier` names
    what its provider lets it do (`tiers.yaml`; NULL goes by the looks of its number), and the
    two numbers beside it win over the tier's."""

    __tablename__ = "sender_lines"
    __table_args__ = (
        UniqueConstraint("channel", "address"),
        CheckConstraint("channel IN ('email', 'sms', 'whatsapp')", name="channel"),
        CheckConstraint("rate_per_second > 0", name="rate_per_second"),
        CheckConstraint("daily_cap > 0", name="daily_cap"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("provider_accounts.id"), index=True)
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    tier: Mapped[str | None] = mapped_column(Text)
    rate_per_second: Mapped[Decimal | None] = mapped_column(Numeric)
    daily_cap: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Instant)


class PauseRow(Base):
    """A stop of delivery by a person. What is NULL is not narrowed down: no organisation means
    all of them, no lane every lane but the urgent one. In force until `until_at`, or until it is
    ended."""

    __tablename__ = "pauses"
    __table_args__ = (
        CheckConstraint(
            "lane IN ('urgent', 'replies', 'care', 'billing', 'marketing')", name="lane"
        ),
        CheckConstraint("channel IN ('email', 'sms', 'whatsapp')", name="channel"),
        CheckConstraint("new_orders IN ('hold', 'refuse')", name="new_orders"),
        Index("ix_pauses_in_force", "organization_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    lane: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(Text)
    line_id: Mapped[int | None] = mapped_column(
        ForeignKey("sender_lines.id", ondelete="CASCADE"), index=True
    )
    new_orders: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    paused_by: Mapped[str] = mapped_column(Text)
    paused_at: Mapped[datetime] = mapped_column(Instant)
    until_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(Text)
