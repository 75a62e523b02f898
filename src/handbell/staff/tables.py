"""Tasks for people. A note is ciphertext."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class StaffTaskRow(Base):
    """Something for a person at the practice. `note` is encrypted with the patient's key, with
    the deployment's where the patient is not known."""

    __tablename__ = "staff_tasks"
    __table_args__ = (
        Index(
            "ix_staff_tasks_open",
            "organization_id",
            "created_at",
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_staff_tasks_patient_id", "patient_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    kind: Mapped[str] = mapped_column(Text)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    appointment_id: Mapped[int | None] = mapped_column(
        ForeignKey("appointments.id", ondelete="SET NULL")
    )
    inbound_message_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("inbound_messages.id", ondelete="CASCADE")
    )
    note: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
