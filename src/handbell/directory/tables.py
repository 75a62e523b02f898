"""What the record system told us. Names, addresses and birth dates are ciphertext."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from handbell.platform.db import Base
from handbell.platform.tables import Instant


class ExternalIdRow(Base):
    """The source's own id of a thing of ours, and the newest version of it that we took.

    `version` is the source's integer version, `told_at` the event's time; a lower one loses.
    """

    __tablename__ = "external_ids"
    __table_args__ = (UniqueConstraint("organization_id", "source", "kind", "external_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    source: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str] = mapped_column(Text)
    internal_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int | None] = mapped_column(BigInteger)
    told_at: Mapped[datetime | None] = mapped_column(Instant)


class ProviderRow(Base):
    """A clinician. `when_closed` says what becomes of a reminder at a closed hour."""

    __tablename__ = "providers"
    __table_args__ = (
        CheckConstraint("when_closed IN ('shift', 'skip', 'send_anyway')", name="when_closed"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    reminder_hours_before: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    auto_reminders: Mapped[bool] = mapped_column(Boolean, server_default="true")
    when_closed: Mapped[str] = mapped_column(Text, server_default="shift")
    signature: Mapped[str | None] = mapped_column(Text)


class LocationRow(Base):
    """A place of care. A sensitive one is never named to the patient in a message."""

    __tablename__ = "locations"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    sensitive: Mapped[bool] = mapped_column(Boolean, server_default="false")


class PatientRow(Base):
    """A patient. State, postal code and country stay in clear: the rules need them.

    An erased one has neither key nor data. One that was merged keeps the messages of its own
    time; everything else follows the survivor, `merged_into_id`.

    `is_contact`: no patient, but somebody who is told in a patient's place; a person of their
    own, with a key, addresses and consents of their own, whom no message is ever about.
    """

    __tablename__ = "patients"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    subject_key_id: Mapped[int | None] = mapped_column(ForeignKey("subject_keys.id"))
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("providers.id"), index=True)
    first_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    birth_date: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_line: Mapped[bytes | None] = mapped_column(LargeBinary)
    city: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str | None] = mapped_column(Text)
    postal_code: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    deceased_at: Mapped[datetime | None] = mapped_column(Instant)
    erased_at: Mapped[datetime | None] = mapped_column(Instant)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    is_contact: Mapped[bool] = mapped_column(Boolean, server_default="false")
    created_at: Mapped[datetime] = mapped_column(Instant)


class AddressRow(Base):
    """A number or mailbox known to an organisation: what locks and opt-outs hang on.

    `held_until`: until then nothing goes there but answers and emergencies, since a reply from
    it waits for a person; `held_for` says what the reply may have meant. `told_by` is the id of
    the reply for which it waits, or is known to be somebody else's.
    """

    __tablename__ = "addresses"
    __table_args__ = (
        UniqueConstraint("organization_id", "channel", "address_hash"),
        CheckConstraint("channel IN ('email', 'sms', 'whatsapp')", name="channel"),
        CheckConstraint("held_for IN ('possible_opt_out', 'deceased')", name="held_for"),
        Index("ix_addresses_told_by", "told_by", postgresql_where=text("told_by IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    channel: Mapped[str] = mapped_column(Text)
    address_hash: Mapped[bytes] = mapped_column(LargeBinary)
    wrong_number_at: Mapped[datetime | None] = mapped_column(Instant)
    held_until: Mapped[datetime | None] = mapped_column(Instant)
    held_for: Mapped[str | None] = mapped_column(Text)
    told_by: Mapped[int | None] = mapped_column(BigInteger)


class ContactPointRow(Base):
    """How one patient is reached on one channel, with what the rules need, derived when
    written: country, candidate zones, area-code states."""

    __tablename__ = "contact_points"
    __table_args__ = (
        UniqueConstraint("patient_id", "address_id"),
        Index("ix_contact_points_address_id", "address_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"))
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[bytes] = mapped_column(LargeBinary)
    country: Mapped[str | None] = mapped_column(Text)
    zones: Mapped[list[str]] = mapped_column(ARRAY(Text))
    states: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_current: Mapped[bool] = mapped_column(Boolean, server_default="true")
    created_at: Mapped[datetime] = mapped_column(Instant)


class PatientRelationRow(Base):
    """Who is told in a patient's place. `adult_on` is a minor's 18th birthday, on which a
    guardian ends; `until_on` the day from which it ends sooner. A caregiver has the patient's
    written permission: which words, when, and where it is kept."""

    __tablename__ = "patient_relations"
    __table_args__ = (
        CheckConstraint("kind IN ('guardian', 'caregiver')", name="kind"),
        CheckConstraint("kind <> 'guardian' OR adult_on IS NOT NULL", name="minor"),
        CheckConstraint(
            "kind <> 'caregiver' OR (permitted_at IS NOT NULL AND permission_text IS NOT NULL)",
            name="permission",
        ),
        CheckConstraint("patient_id <> related_id", name="somebody_else"),
        Index(
            "uq_patient_relations_open",
            "patient_id",
            "related_id",
            "kind",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_patient_relations_patient_id", "patient_id"),
        Index("ix_patient_relations_related_id", "related_id"),
        Index("ix_patient_relations_organization_id", "organization_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    related_id: Mapped[int] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    adult_on: Mapped[date | None] = mapped_column(Date)
    until_on: Mapped[date | None] = mapped_column(Date)
    permitted_at: Mapped[datetime | None] = mapped_column(Instant)
    permission_text: Mapped[str | None] = mapped_column(Text)
    permission_evidence: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(Text)


class AppointmentRow(Base):
    """A visit. `version` grows with each change; `timezone` is the place's. A confidential one
    is nobody's business but the patient's."""

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint(
            "status IN ('booked', 'confirmed', 'cancelled', 'completed', 'no_show')",
            name="status",
        ),
        Index("ix_appointments_patient_id_starts_at", "patient_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("providers.id"))
    location_id: Mapped[int | None] = mapped_column(ForeignKey("locations.id"))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    timezone: Mapped[str] = mapped_column(Text)
    duration_minutes: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str | None] = mapped_column(Text)
    confidential: Mapped[bool] = mapped_column(Boolean, server_default="false")
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    changed_at: Mapped[datetime] = mapped_column(Instant)


class FreeSlotRow(Base):
    """A time at which a clinician could see somebody. `wanted_for_id` is the visit that its
    patient asked to be moved to it: nobody else is offered it meanwhile."""

    __tablename__ = "free_slots"
    __table_args__ = (UniqueConstraint("provider_id", "starts_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    location_id: Mapped[int | None] = mapped_column(ForeignKey("locations.id"))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    timezone: Mapped[str] = mapped_column(Text)
    wanted_for_id: Mapped[int | None] = mapped_column(
        ForeignKey("appointments.id", ondelete="SET NULL"), index=True
    )
    told_at: Mapped[datetime] = mapped_column(Instant)


class ConditionRow(Base):
    """A coded diagnosis of a patient. The code is in clear, because segments ask for it; its
    words are not kept. `source` and `external_id` name the record that the row speaks for."""

    __tablename__ = "conditions"
    __table_args__ = (
        UniqueConstraint("patient_id", "system", "code"),
        CheckConstraint(
            "status IN ('active', 'recurrence', 'relapse', 'inactive', 'remission', 'resolved',"
            " 'unknown', 'unconfirmed', 'refuted', 'entered_in_error')",
            name="status",
        ),
        Index("ix_conditions_organization_id_system_code", "organization_id", "system", "code"),
        Index("ix_conditions_source_external_id", "source", "external_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    system: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    onset_on: Mapped[date | None] = mapped_column(Date)
    recorded_on: Mapped[date | None] = mapped_column(Date)
    source: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
