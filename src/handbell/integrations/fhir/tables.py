"""What an import remembers of each resource, so that the next one need not say it again."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class FhirResourceRow(Base):
    """A resource that was taken.

    `digests` are keyed: of every statement that the import at `imported_at` made of it, because
    a folder may tell of a resource twice, and differently. `reasons` name what was left out.
    """

    __tablename__ = "fhir_resources"
    __table_args__ = (
        UniqueConstraint(
            "organization_id",
            "source",
            "resource_type",
            "external_id",
            name="uq_fhir_resources_external_id",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    source: Mapped[str] = mapped_column(Text)
    resource_type: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str] = mapped_column(Text)
    digests: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    imported_at: Mapped[datetime] = mapped_column(Instant)
