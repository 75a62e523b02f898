"""Visits as they are planned for and as their patients see them, and what a patient changes."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Date, and_, cast, false, func, or_, select, true, update
from sqlalchemy.orm import aliased

from handbell.directory import store
from handbell.directory.tables import (
    AddressRow,
    AppointmentRow,
    LocationRow,
    PatientRow,
    ProviderRow,
)
from handbell.directory.types import (
    DEFAULT_REMINDER_HOURS,
    AppointmentStatus,
    VisitFacts,
    VisitView,
)
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx
from handbell.platform.vocabulary import Channel
from handbell.scheduling.types import WhenClosed


async def lock_visit_in(tx: Tx, appointment_id: int) -> VisitFacts | None:
    """The visit as it stands, which nobody changes until the transaction ends.

    The facts are read in a second statement: the first may have waited for a newer version.
    """
    found = await lock_visits_in(tx, [appointment_id])
    return found[0] if found else None


async def lock_visits_in(tx: Tx, appointment_ids: Collection[int]) -> list[VisitFacts]:
    """The same for several visits, in the order of their ids, so that two who want some of the
    same never wait for each other."""
    locked = (
        select(AppointmentRow.id)
        .where(AppointmentRow.id.in_(appointment_ids))
        .order_by(AppointmentRow.id)
        .with_for_update(key_share=True)
    )
    ids = list((await tx.execute(locked)).scalars())
    statement = _VISITS.where(AppointmentRow.id.in_(ids)).order_by(AppointmentRow.id)
    return [_to_visit_facts(row) for row in await tx.execute(statement)]


async def same_day_in(tx: Tx, appointment_ids: Collection[int]) -> set[int]:
    """The open visits that share patient, zone and day with one of these, and these if open."""
    this = aliased(AppointmentRow)
    other = AppointmentRow
    statement = (
        select(other.id)
        .join(
            this,
            and_(
                this.patient_id == other.patient_id,
                this.timezone == other.timezone,
                _day_of(this) == _day_of(other),
            ),
        )
        .where(this.id.in_(appointment_ids), other.status.in_(_OPEN))
    )
    return set((await tx.execute(statement)).scalars())


def _day_of(visit: Any) -> Any:
    """The place's calendar day."""
    return cast(func.timezone(visit.timezone, visit.starts_at), Date)


async def coming_visits_in(tx: Tx, *, now: datetime, after: int, limit: int) -> list[VisitFacts]:
    """Open visits that are still to come, in the order of their ids, those behind `after`."""
    statement = (
        _VISITS.where(
            AppointmentRow.id > after,
            AppointmentRow.starts_at > now,
            AppointmentRow.status.in_(_OPEN),
        )
        .order_by(AppointmentRow.id)
        .limit(limit)
    )
    return [_to_visit_facts(row) for row in await tx.execute(statement)]


_OPEN: Final = (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED)
_VISITS: Final = (
    select(
        AppointmentRow.id,
        AppointmentRow.version,
        AppointmentRow.status,
        AppointmentRow.starts_at,
        AppointmentRow.timezone,
        AppointmentRow.patient_id,
        ProviderRow.reminder_hours_before,
        func.coalesce(ProviderRow.auto_reminders, true()).label("auto_reminders"),
        func.coalesce(ProviderRow.when_closed, WhenClosed.SHIFT.value).label("when_closed"),
        func.coalesce(or_(LocationRow.sensitive, AppointmentRow.confidential), false()).label(
            "is_confidential"
        ),
    )
    .join(PatientRow, PatientRow.id == AppointmentRow.patient_id)
    .outerjoin(
        ProviderRow,
        ProviderRow.id == func.coalesce(AppointmentRow.provider_id, PatientRow.provider_id),
    )
    .outerjoin(LocationRow, LocationRow.id == AppointmentRow.location_id)
)


def _to_visit_facts(row: Any) -> VisitFacts:
    hours = row.reminder_hours_before
    return VisitFacts(
        appointment_id=row.id,
        version=row.version,
        status=AppointmentStatus(row.status),
        starts_at=row.starts_at,
        timezone=row.timezone,
        patient_id=row.patient_id,
        hours_before=DEFAULT_REMINDER_HOURS if hours is None else tuple(hours),
        auto_reminders=row.auto_reminders,
        when_closed=WhenClosed(row.when_closed),
        is_confidential=row.is_confidential,
    )


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
            AppointmentRow.duration_minutes,
            AppointmentRow.changed_at,
            AppointmentRow.provider_id,
            AppointmentRow.location_id,
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
        duration_minutes=row.duration_minutes,
        changed_at=row.changed_at,
        provider_id=row.provider_id,
        location_id=row.location_id,
    )


async def set_confirmed_in(tx: Tx, appointment_id: int, *, now: datetime) -> None:
    """Write that the patient confirmed. The version stays: it counts the record system's
    changes, and what was planned for this version still holds."""
    await tx.execute(
        update(AppointmentRow)
        .where(AppointmentRow.id == appointment_id)
        .values(status=AppointmentStatus.CONFIRMED.value, changed_at=now)
    )


async def set_cancelled_in(tx: Tx, appointment_id: int, *, now: datetime) -> None:
    """Write that the patient cancelled. It is another version: what was asked about the visit
    holds no more. A later word of the record system stands."""
    await tx.execute(
        update(AppointmentRow)
        .where(AppointmentRow.id == appointment_id)
        .values(
            status=AppointmentStatus.CANCELLED.value,
            version=AppointmentRow.version + 1,
            changed_at=now,
        )
    )


async def birth_year_in(tx: Tx, keys: KeyRing, patient_id: int) -> int | None:
    """The year the patient was born in, decrypted; None where nobody told."""
    statement = select(PatientRow.birth_date).where(PatientRow.id == patient_id)
    sealed = (await tx.execute(statement)).scalar_one_or_none()
    if sealed is None:
        return None
    key = await store.subject_key(tx, keys, patient_id)
    return date.fromisoformat(key.decrypt(sealed, context="patients.birth_date")).year


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
