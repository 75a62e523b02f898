"""The further visits of a message that tells of several of one day.

The first visit stands on the message itself. Nearly all messages tell of one visit only, so what
reads the others comes along as a column of a statement that is run anyway.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ScalarSelect, and_, func, select, union, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

# allow public-files: a message's text and its gate are asked about visits
from handbell.directory.tables import AppointmentRow, LocationRow, ProviderRow
from handbell.messages.tables import MessageAppointmentRow, MessageRow
from handbell.messages.types import PENDING, Lifecycle, MessageId, PlannedMessage, VisitRef
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Purpose

BY_PLAN: Final = "reminders"
"""Who orders what is planned with a visit."""
_INSTANTS: Final = ("starts_at", "visit_changed_at")


def others_told() -> ScalarSelect[Any]:
    """The column of a message's further visits, as JSON in the order of the day; NULL where there
    are none."""
    other = MessageAppointmentRow
    told = func.jsonb_build_object(
        *("appointment_id", other.appointment_id),
        *("version", other.appointment_version, "starts_at", other.starts_at),
    )
    in_order = aggregate_order_by(told, other.starts_at, other.appointment_id)
    return (
        select(func.jsonb_agg(in_order))
        .where(other.message_id == MessageRow.id)
        .correlate(MessageRow)
        .scalar_subquery()
    )


def read_others(told: Iterable[Mapping[str, Any]] | None) -> tuple[VisitRef, ...]:
    """What `others_told` gave."""
    return tuple(
        VisitRef(
            appointment_id=one["appointment_id"],
            version=one["version"],
            starts_at=datetime.fromisoformat(one["starts_at"]),
        )
        for one in told or ()
    )


def material_told() -> ScalarSelect[Any]:
    """The column of what a text can be made of for each further visit, as it stands now."""
    other, visit = MessageAppointmentRow, AppointmentRow
    told = func.jsonb_build_object(
        *("visit_id", visit.id, "starts_at", visit.starts_at, "timezone", visit.timezone),
        *("duration_minutes", visit.duration_minutes, "visit_version", visit.version),
        *("visit_changed_at", visit.changed_at, "provider_name", ProviderRow.name),
        *("location_name", LocationRow.name, "sensitive", LocationRow.sensitive),
    )
    in_order = aggregate_order_by(told, visit.starts_at, visit.id)
    return (
        select(func.jsonb_agg(in_order))
        .select_from(other)
        .join(visit, visit.id == other.appointment_id)
        .outerjoin(ProviderRow, ProviderRow.id == visit.provider_id)
        .outerjoin(LocationRow, LocationRow.id == visit.location_id)
        .where(other.message_id == MessageRow.id)
        .correlate(MessageRow)
        .scalar_subquery()
    )


def read_material(told: Iterable[Mapping[str, Any]] | None) -> tuple[dict[str, Any], ...]:
    """What `material_told` gave."""
    return tuple(
        {**one, **{name: datetime.fromisoformat(one[name]) for name in _INSTANTS}}
        for one in told or ()
    )


async def add_others(
    tx: Tx,
    organization_id: OrganizationId,
    told: Iterable[tuple[MessageId, Sequence[VisitRef]]],
) -> None:
    """Write the further visits of new messages."""
    rows = [
        {
            "message_id": message_id,
            "appointment_id": one.appointment_id,
            "organization_id": organization_id,
            "appointment_version": one.version,
            "starts_at": one.starts_at,
        }
        for message_id, others in told
        for one in others
    ]
    if rows:
        await tx.execute(insert(MessageAppointmentRow), rows)


async def others_of(tx: Tx, message_id: int) -> tuple[VisitRef, ...]:
    """The further visits of one message."""
    statement = select(others_told()).where(MessageRow.id == message_id)
    return read_others((await tx.execute(statement)).scalar_one_or_none())


async def told_together(tx: Tx, appointment_id: int) -> set[int]:
    """The visits of which any message tells together with this one."""
    about = ids_about([appointment_id])
    first = select(MessageRow.appointment_id).where(MessageRow.id.in_(about))
    other = select(MessageAppointmentRow.appointment_id).where(
        MessageAppointmentRow.message_id.in_(about)
    )
    found = (await tx.execute(union(first, other))).scalars()
    return {one for one in found if one is not None} - {appointment_id}


async def hold_pending(tx: Tx, appointment_ids: Collection[int]) -> None:
    """Let nobody send what waits about the visits until the transaction ends. The rows are taken
    in the order in which a worker takes them."""
    statement = (
        select(MessageRow.id)
        .where(MessageRow.id.in_(ids_about(appointment_ids)), MessageRow.lifecycle.in_(PENDING))
        .order_by(MessageRow.scheduled_at, MessageRow.serves_at, MessageRow.id)
        .with_for_update(key_share=True)
    )
    await tx.execute(statement)


async def about_visits(
    tx: Tx, appointment_ids: Collection[int]
) -> dict[int, list[PlannedMessage]]:
    """The messages about each visit, whatever became of them, oldest first."""
    statement = (
        select(MessageRow.__table__, others_told().label("others"))
        .where(MessageRow.id.in_(ids_about(appointment_ids)))
        .order_by(MessageRow.id)
    )
    found: dict[int, list[PlannedMessage]] = {one: [] for one in appointment_ids}
    for row in await tx.execute(statement):
        visits = visits_of(row)
        for visit in visits:
            if visit.appointment_id in found:
                found[visit.appointment_id].append(_to_planned(row, visit, visits))
    return found


async def with_messages_in(tx: Tx, appointment_ids: Collection[int]) -> set[int]:
    """Those of the visits that any message was ever planned about."""
    first = select(MessageRow.appointment_id).where(MessageRow.appointment_id.in_(appointment_ids))
    other = select(MessageAppointmentRow.appointment_id).where(
        MessageAppointmentRow.appointment_id.in_(appointment_ids)
    )
    found = (await tx.execute(union(first, other))).scalars()
    return {one for one in found if one is not None}


async def rebase(
    tx: Tx, message_ids: Sequence[int], *, appointment_id: int, appointment_version: int
) -> None:
    """Let messages that have not left carry a visit's new version."""
    pending = and_(MessageRow.id.in_(message_ids), MessageRow.lifecycle.in_(PENDING))
    await tx.execute(
        update(MessageRow)
        .where(pending, MessageRow.appointment_id == appointment_id)
        .values(appointment_version=appointment_version)
    )
    await tx.execute(
        update(MessageAppointmentRow)
        .where(
            MessageAppointmentRow.appointment_id == appointment_id,
            MessageAppointmentRow.message_id.in_(select(MessageRow.id).where(pending)),
        )
        .values(appointment_version=appointment_version)
    )


def ids_about(appointment_ids: Collection[int]) -> Any:
    """Messages that tell of a visit, first or among others."""
    first = select(MessageRow.id).where(MessageRow.appointment_id.in_(appointment_ids))
    other = select(MessageAppointmentRow.message_id).where(
        MessageAppointmentRow.appointment_id.in_(appointment_ids)
    )
    return union(first, other)


def visits_of(row: Any) -> tuple[VisitRef, ...]:
    """All visits of a message's row that came with `others`; none where it is about none."""
    return () if row.appointment_id is None else (_first(row), *read_others(row.others))


def _first(row: Any) -> VisitRef:
    return VisitRef(
        appointment_id=row.appointment_id,
        version=row.appointment_version,
        starts_at=row.serves_at,
    )


def _to_planned(row: Any, visit: VisitRef, visits: tuple[VisitRef, ...]) -> PlannedMessage:
    return PlannedMessage(
        id=MessageId(row.id),
        purpose=Purpose(row.purpose),
        reminder_offset=row.reminder_offset,
        serves_at=visit.starts_at,
        appointment_version=visit.version,
        lifecycle=Lifecycle(row.lifecycle),
        visits=visits,
        is_regular=row.ordered_by == BY_PLAN and row.falls_back_from is None,
    )
