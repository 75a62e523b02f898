"""Messages in the database: a lifecycle moves only from where it was."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

# allow public-files: a question is open while its visit is still to come
from handbell.directory.tables import AppointmentRow, PatientRow
from handbell.messages.tables import (
    MessageAppointmentRow,
    MessageAttemptRow,
    MessageRow,
    ReceiptPartRow,
)
from handbell.messages.types import (
    PENDING,
    Activity,
    Admission,
    Lifecycle,
    MessageFilter,
    MessageId,
    Question,
    Reason,
)
from handbell.messages.visits import ids_about, others_told, visits_of
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, MessageClass, Purpose
from handbell.scheduling.types import Anchor, At, Free, OnDay, WhenClosed

QUESTIONS: Final = (Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER)
QUESTION_LIVES: Final = timedelta(days=7)
_ADMISSION: Final[tuple[Any, ...]] = (
    MessageRow.order_key,
    MessageRow.id,
    MessageRow.lifecycle,
    MessageRow.channel,
    MessageRow.scheduled_at,
    MessageRow.reasons,
)


async def insert_once(
    tx: Tx, organization_id: OrganizationId, rows: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[Admission, bool]]:
    """Insert messages; give each order key's admission and whether it is new.

    The unique order key decides, so of two that race one stands and both hear of it.
    """
    statement = (
        insert(MessageRow)
        .on_conflict_do_nothing(index_elements=["organization_id", "order_key"])
        .returning(*_ADMISSION)
    )
    inserted = await tx.execute(statement, list(rows))
    new = {row.order_key: (_to_admission(row), True) for row in inserted}
    known = [row["order_key"] for row in rows if row["order_key"] not in new]
    if not known:
        return new
    earlier = select(*_ADMISSION).where(
        MessageRow.organization_id == organization_id, MessageRow.order_key.in_(known)
    )
    rows_before = await tx.execute(earlier)
    return new | {row.order_key: (_to_admission(row), False) for row in rows_before}


async def find_admission(
    tx: Tx, organization_id: OrganizationId, order_key: str
) -> Admission | None:
    """What became of an order, where it was given before."""
    statement = select(*_ADMISSION).where(
        MessageRow.organization_id == organization_id, MessageRow.order_key == order_key
    )
    row = (await tx.execute(statement)).one_or_none()
    return _to_admission(row) if row else None


async def find_lifecycle(tx: Tx, message_id: int) -> Lifecycle | None:
    """Where a message stands, holding its row until the transaction ends."""
    statement = select(MessageRow.lifecycle).where(MessageRow.id == message_id).with_for_update()
    found = (await tx.execute(statement)).scalar_one_or_none()
    return Lifecycle(found) if found else None


async def withdraw(
    tx: Tx, where: ColumnElement[bool], *, becomes: Lifecycle, reason: Reason, now: datetime
) -> list[int]:
    """End what is still pending; give the ids of what was.

    The reason replaces those for which it waited: they are not why it never went. The rows are
    taken in the order in which a worker takes them, so that neither waits for the other.
    """
    pending = (
        select(MessageRow.id)
        .where(where, MessageRow.lifecycle.in_(PENDING))
        .order_by(MessageRow.scheduled_at, MessageRow.serves_at, MessageRow.id)
        .with_for_update(key_share=True)
    )
    ids = list((await tx.execute(pending)).scalars())
    if not ids:
        return []
    statement = (
        update(MessageRow)
        .where(MessageRow.id.in_(ids), MessageRow.lifecycle.in_(PENDING))
        .values(
            lifecycle=becomes,
            reasons=[reason.value],
            scheduled_at=None,
            leased_until=None,
            changed_at=now,
        )
        .returning(MessageRow.id)
    )
    return list((await tx.execute(statement)).scalars())


async def withdraw_fall_back(tx: Tx, message_ids: Sequence[int], *, now: datetime) -> list[int]:
    """End what another channel was to carry, where it has not left: the first has arrived."""
    where = MessageRow.falls_back_from.in_(message_ids)
    return await withdraw(tx, where, becomes=Lifecycle.CANCELLED, reason=Reason.WITHDRAWN, now=now)


async def record_reply(tx: Tx, message_id: int, *, at: datetime) -> None:
    """Note when the patient first answered."""
    await tx.execute(
        update(MessageRow)
        .where(MessageRow.id == message_id, MessageRow.replied_at.is_(None))
        .values(replied_at=at)
    )


async def find_question(
    tx: Tx, address_id: int, *, context_ref: str | None, now: datetime
) -> Question | None:
    """The message that an answer from the address belongs to."""
    named = await _find_named(tx, address_id, context_ref)
    asked = (await tx.execute(_asked(address_id, now=now))).all()
    message_id = named or next((row.message_id for row in asked), None)
    if message_id is None:
        return None
    statement = (
        select(
            MessageRow.__table__,
            func.coalesce(PatientRow.merged_into_id, PatientRow.id).label("of_patient_id"),
            others_told().label("others"),
        )
        .join(PatientRow, PatientRow.id == MessageRow.patient_id)
        .where(MessageRow.id == message_id)
    )
    found = (await tx.execute(statement)).one()
    visits = visits_of(found)
    own = {one.appointment_id for one in visits}
    return Question(
        message_id=MessageId(found.id),
        patient_id=found.of_patient_id,
        appointment_id=found.appointment_id,
        purpose=Purpose(found.purpose),
        visits=visits,
        is_named=named is not None,
        open_elsewhere=len({row.appointment_id for row in asked} - own),
        is_shared=any(row.patient_id != found.of_patient_id for row in asked),
    )


async def last_class_to(tx: Tx, address_id: int, *, now: datetime) -> MessageClass | None:
    """The class of what was lately sent to the address last, but for answers."""
    statement = (
        select(MessageRow.message_class)
        .where(
            MessageRow.address_id == address_id,
            MessageRow.sent_at >= now - QUESTION_LIVES,
            MessageRow.message_class != MessageClass.INBOUND_REPLY,
        )
        .order_by(MessageRow.sent_at.desc(), MessageRow.id.desc())
        .limit(1)
    )
    found = (await tx.execute(statement)).scalar_one_or_none()
    return MessageClass(found) if found else None


async def _find_named(tx: Tx, address_id: int, context_ref: str | None) -> int | None:
    """The message to the address that the answer itself points at, by the provider's id or, in an
    e-mail, by the token of the attempt."""
    if context_ref is None:
        return None
    statement = (
        select(MessageRow.id)
        .join(MessageAttemptRow, MessageAttemptRow.message_id == MessageRow.id)
        .where(
            MessageRow.address_id == address_id,
            or_(
                MessageAttemptRow.provider_ref == context_ref,
                MessageAttemptRow.token == context_ref,
            ),
        )
        .limit(1)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


def _asked(address_id: int, *, now: datetime) -> Select[Any]:
    """The visits that we lately asked about on the address and that an answer can still change,
    each with its message, the newest message first."""
    lately = and_(MessageRow.address_id == address_id, MessageRow.sent_at >= now - QUESTION_LIVES)
    other = MessageAppointmentRow
    first = select(MessageRow.id, MessageRow.appointment_id).where(lately)
    others = select(MessageRow.id, other.appointment_id).join(
        other, other.message_id == MessageRow.id
    )
    told = union_all(first, others.where(lately)).subquery("told")
    return (
        select(
            told.c.id.label("message_id"),
            told.c.appointment_id,
            func.coalesce(PatientRow.merged_into_id, PatientRow.id).label("patient_id"),
        )
        .join(MessageRow, MessageRow.id == told.c.id)
        .join(PatientRow, PatientRow.id == MessageRow.patient_id)
        .join(AppointmentRow, AppointmentRow.id == told.c.appointment_id)
        .where(_is_unanswered(now=now))
        .order_by(MessageRow.sent_at.desc(), MessageRow.id.desc())
    )


def _is_unanswered(*, now: datetime) -> ColumnElement[bool]:
    """Whether a message asked about a visit that an answer can still change."""
    to_come = and_(
        MessageRow.purpose.in_(QUESTIONS),
        AppointmentRow.starts_at > now,
        AppointmentRow.status.in_(("booked", "confirmed")),
    )
    missed = and_(
        MessageRow.purpose == Purpose.NO_SHOW,
        AppointmentRow.status == "no_show",
    )
    return or_(to_come, missed)


async def activity_of(tx: Tx, patient_id: int) -> Activity:
    """When we last sent something, and when it was last opened and answered."""
    opened = case(
        (MessageRow.progress.in_(("opened", "clicked")), MessageRow.changed_at), else_=None
    )
    statement = select(
        func.max(MessageRow.sent_at).label("last_sent"),
        func.max(opened).label("last_opened"),
        func.max(MessageRow.replied_at).label("last_replied"),
    ).where(MessageRow.patient_id == patient_id)
    row = (await tx.execute(statement)).one()
    return Activity(
        last_sent=row.last_sent, last_opened=row.last_opened, last_replied=row.last_replied
    )


async def list_ids(
    tx: Tx, wanted: MessageFilter, *, limit: int, offset: int
) -> tuple[list[int], int]:
    """A page of ids, newest first, and the number of all that fit."""
    where = _where(wanted)
    total = (
        await tx.execute(select(func.count()).select_from(MessageRow).where(*where))
    ).scalar_one()
    page = select(MessageRow.id).where(*where).order_by(MessageRow.id.desc())
    return list((await tx.execute(page.limit(limit).offset(offset))).scalars()), total


def _where(wanted: MessageFilter) -> list[ColumnElement[bool]]:
    exact = {
        MessageRow.patient_id: wanted.patient_id,
        MessageRow.channel: wanted.channel,
    }
    where = [col == value for col, value in exact.items() if value is not None]
    if wanted.appointment_id is not None:
        where.append(MessageRow.id.in_(ids_about([wanted.appointment_id])))
    if wanted.lifecycles is not None:
        where.append(MessageRow.lifecycle.in_(wanted.lifecycles))
    if wanted.progress is not None:
        named = [one for one in wanted.progress if one is not None]
        fits: ColumnElement[bool] = MessageRow.progress.in_(named)
        if None in wanted.progress:
            fits = or_(fits, MessageRow.progress.is_(None))
        where.append(or_(MessageRow.lifecycle != Lifecycle.ACCEPTED, fits))
    return where


async def rows_of(tx: Tx, message_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Messages with their newest attempt."""
    statement = _with_attempt().where(MessageRow.id.in_(message_ids))
    return {row.id: row for row in await tx.execute(statement)}


def _with_attempt() -> Select[Any]:
    newest = (
        select(MessageAttemptRow.body, MessageAttemptRow.provider_ref, MessageAttemptRow.no)
        .where(MessageAttemptRow.message_id == MessageRow.id)
        .order_by(MessageAttemptRow.no.desc())
        .limit(1)
        .lateral("newest")
    )
    return select(
        MessageRow.__table__,
        newest.c.body,
        newest.c.provider_ref,
        newest.c.no.label("attempt_no"),
        others_told().label("others"),
    ).outerjoin(newest, MessageRow.id == MessageRow.id)


async def attempts_of(tx: Tx, message_id: int) -> Sequence[Row[Any]]:
    statement = select(MessageAttemptRow.__table__).where(
        MessageAttemptRow.message_id == message_id
    )
    return (await tx.execute(statement.order_by(MessageAttemptRow.no))).all()


async def contents_of(tx: Tx, part_ids: Iterable[int | None]) -> dict[int, Mapping[str, Any]]:
    """The contents of receipt parts by id."""
    ids = [part_id for part_id in part_ids if part_id is not None]
    statement = select(ReceiptPartRow.id, ReceiptPartRow.content).where(ReceiptPartRow.id.in_(ids))
    return {row.id: row.content for row in await tx.execute(statement)}


def anchor_to_json(anchor: Anchor) -> dict[str, Any]:
    """An anchor as it is kept with the message, to plan it again."""
    match anchor:
        case At(instant=instant):
            return {"kind": "at", "instant": instant.isoformat(), **_bound_to_json(anchor)}
        case OnDay(day=day):
            return {"kind": "day", "day": day.isoformat(), **_bound_to_json(anchor)}
        case Free():
            return {"kind": "free"}


def _bound_to_json(anchor: At | OnDay) -> dict[str, Any]:
    """What both kinds have; that a closed hour shifts them is not written down."""
    is_usual = anchor.when_closed is WhenClosed.SHIFT
    told = {} if is_usual else {"when_closed": anchor.when_closed.value}
    return {"serves_at": _iso(anchor.serves_at), **told}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def anchor_from_json(told: Mapping[str, Any]) -> Anchor:
    if told["kind"] == "free":
        return Free()
    serves_at = datetime.fromisoformat(told["serves_at"]) if told["serves_at"] else None
    when_closed = WhenClosed(told.get("when_closed", WhenClosed.SHIFT))
    if told["kind"] == "day":
        return OnDay(date.fromisoformat(told["day"]), serves_at, when_closed)
    return At(datetime.fromisoformat(told["instant"]), serves_at, when_closed)


def _to_admission(row: Row[Any]) -> Admission:
    return Admission(
        message_id=MessageId(row.id),
        lifecycle=Lifecycle(row.lifecycle),
        channel=Channel(row.channel),
        scheduled_at=row.scheduled_at,
        reasons=tuple(Reason(reason) for reason in row.reasons),
    )
