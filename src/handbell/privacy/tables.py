"""Who was erased. The list holds ids alone; after a restore it is replayed before traffic."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class ErasureRow(Base):
    """One erasure. Rows are only ever added."""

    __tablename__ = "erasures"
    __table_args__ = (
        UniqueConstraint("organization_id", "patient_id"),
        CheckConstraint(
            "reason IN ('patient_request', 'guardian_request', 'court_order',"
            " 'registered_by_mistake')",
            name="reason",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    patient_id: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    erased_by: Mapped[str] = mapped_column(Text)
    erased_at: Mapped[datetime] = mapped_column(Instant)
