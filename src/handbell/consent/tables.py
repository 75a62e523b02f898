"""The consent ledger and the permanent list of addresses that said stop."""

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
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class ConsentEntryRow(Base):
    """One decision about one address. `hash` chains the entries of an address:
    SHA-256(previous hash ‖ canonical entry); `no` counts from 1."""

    __tablename__ = "consent_entries"
    __table_args__ = (
        UniqueConstraint("address_id", "no"),
        CheckConstraint(
            "kind IN ('grant', 'revoke', 'acknowledge_risk', 'withdraw_risk')", name="kind"
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"))
    no: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    message_class: Mapped[str | None] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    text_version: Mapped[str | None] = mapped_column(Text)
    evidence: Mapped[str | None] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    actor: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class ConsentWitnessRow(Base):
    """What the audit log keeps of each entry: its number and hash. The row is a leaf of the
    log, so an entry that was cut off at the end of a ledger is missed by name."""

    __tablename__ = "consent_witnesses"
    __table_args__ = (
        Index("ix_consent_witnesses_address_id", "address_id", "no"),
        Index("ix_consent_witnesses_xid", "xid", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    address_id: Mapped[int] = mapped_column(BigInteger)
    no: Mapped[int] = mapped_column(Integer)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    xid: Mapped[int] = mapped_column(BigInteger)


class ConsentWordingRow(Base):
    """The words of one version of a disclosure; published once, never changed."""

    __tablename__ = "consent_wordings"
    __table_args__ = (UniqueConstraint("organization_id", "version"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    version: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(Text)


class SuppressionRow(Base):
    """An address that said stop, by keyed hash; it survives erasure, merge and re-import."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("organization_id", "channel", "address_hash"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    channel: Mapped[str] = mapped_column(Text)
    address_hash: Mapped[bytes] = mapped_column(LargeBinary)
    since: Mapped[datetime] = mapped_column(Instant)
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
