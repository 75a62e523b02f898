"""The audit log. The application may insert entries and never change or delete them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class AuditEntryRow(Base):
    """One act or read. `leaf` = SHA-256 of the canonical entry, `mac` = HMAC over it under a
    key outside the database, `xid` = the transaction that wrote it (8 bytes, as a number)."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_xid", "xid", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[dict[str, Any]] = mapped_column(JSONB)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    xid: Mapped[int] = mapped_column(BigInteger)


class AuditBlockRow(Base):
    """A sealed run of entries: `hash` = SHA-256(previous hash ‖ no ‖ count ‖ root)."""

    __tablename__ = "audit_blocks"

    no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    era: Mapped[int] = mapped_column(Integer, server_default="1")
    xid_from: Mapped[int] = mapped_column(BigInteger)
    xid_to: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(Instant)
