"""Dead letters."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class DeadLetterRow(Base):
    """A message that failed and could take no other channel; once per message.

    `no_other_channel` are the gate's reasons. `replay_message_id` is the message that a retry
    made.
    """

    __tablename__ = "dead_letters"
    __table_args__ = (
        UniqueConstraint("message_id"),
        CheckConstraint("state IN ('open', 'retried', 'discarded', 'arrived')", name="state"),
        Index(
            "ix_dead_letters_open",
            "organization_id",
            "fix",
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_dead_letters_replay_message_id", "replay_message_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    fix: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    no_other_channel: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str] = mapped_column(Text)
    died_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_by: Mapped[str | None] = mapped_column(Text)
    replay_message_id: Mapped[int | None] = mapped_column(
        ForeignKey("messages.id", ondelete="SET NULL")
    )
