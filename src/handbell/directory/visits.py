"""A visit as its patient sees it, and the one thing that a patient changes of it."""

from datetime import datetime

from sqlalchemy import select, update

from handbell.directory import store
from handbell.directory.tables import (
    AddressRow,
    AppointmentRow,
    LocationRow,
    PatientRow,
    ProviderRow,
)
from handbell.directory.types import AppointmentStatus, VisitView
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx
from handbell.platform.vocabulary import Channel


async def find_visit_in(tx: Tx, appointment_id: int) -> VisitView | None:
    """The visit with the names of who and where; a name that nobody told is None."""
    statement = (
        select(
            AppointmentRow.id,
            AppointmentRow.version,
            AppointmentRow.status,
            AppointmentRow.starts_at,
            AppointmentRow.timezone,
            AppointmentRow.patient_id,
            ProviderRow.name.label("provider"),
            LocationRow.name.label("location"),
            LocationRow.sensitive,
        )
        .outerjoin(ProviderRow, ProviderRow.id == AppointmentRow.provider_id)
        .outerjoin(LocationRow, LocationRow.id == AppointmentRow.location_id)
        .where(AppointmentRow.id == appointment_id)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        return None
    return VisitView(
        appointment_id=row.id,
        version=row.version,
        status=AppointmentStatus(row.status),
        starts_at=row.starts_at,
        timezone=row.timezone,
        patient_id=row.patient_id,
        provider=row.provider or None,
        location=row.location or None,
        is_location_sensitive=bool(row.sensitive),
    )


async def set_confirmed_in(tx: Tx, appointment_id: int, *, now: datetime) -> None:
    """Write that the patient confirmed. The version stays: it counts the record system's
    changes, and what was planned for this version still holds."""
    await tx.execute(
        update(AppointmentRow)
        .where(AppointmentRow.id == appointment_id)
        .values(status=AppointmentStatus.CONFIRMED.value, changed_at=now)
    )


async def first_name_in(tx: Tx, keys: KeyRing, patient_id: int) -> str | None:
    """The patient's first name, decrypted."""
    statement = select(PatientRow.first_name).where(PatientRow.id == patient_id)
    sealed = (await tx.execute(statement)).scalar_one_or_none()
    if sealed is None:
        return None
    key = await store.subject_key(tx, keys, patient_id)
    return key.decrypt(sealed, context="patients.first_name")


async def channel_of_in(tx: Tx, address_id: int) -> Channel:
    """The channel of an address that is known to be there."""
    statement = select(AddressRow.channel).where(AddressRow.id == address_id)
    return Channel((await tx.execute(statement)).scalar_one())
