"""Dead letters in the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.channels.types import Provider
from handbell.delivery.deadletters.tables import DeadLetterRow
from handbell.delivery.deadletters.types import DeadLetter, Fix, Group, State, Tried, Wanted

# allow public-files: a dead letter is a message and shows its attempts
from handbell.messages.tables import MessageAttemptRow, MessageEventRow, MessageRow
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Purpose

NOT_DELIVERED: Final = ("failed", "bounced", "expired")
"""Progress that says that a message which was taken will not arrive. One that somebody
cancelled at the provider was not meant to."""
UNSENDABLE: Final = frozenset({Reason.UNRENDERABLE, Reason.LEAKS, Reason.TOO_LONG})
"""Refusals of our own that say that something is wrong with the text."""
_ENDS_HERE: Final = UNSENDABLE | {Reason.AWAITING_OUTCOME}
"""Refusals after which another channel may still be taken."""
PROVIDER_OF_CHANNEL: Final = {
    Channel.EMAIL: Provider.SENDGRID,
    Channel.SMS: Provider.TWILIO,
    Channel.WHATSAPP: Provider.WHATSAPP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A message that the patient will not get, with the code that says why."""

    message_id: int
    provider: Provider
    code: str | None


async def lock_failed(tx: Tx, message_id: int) -> Failed | None:
    """Hold a message that failed for good; None where it has not, or has arrived since."""
    row = (await tx.execute(_LOCK.where(MessageRow.id == message_id))).one_or_none()
    if row is None or not _is_failed(row):
        return None
    unsendable = sorted(_ENDS_HERE & {Reason(reason) for reason in row.reasons})
    code = unsendable[0].value if unsendable else await _code_of(tx, message_id)
    return Failed(
        message_id=message_id, provider=PROVIDER_OF_CHANNEL[Channel(row.channel)], code=code
    )


_LOCK: Final[Select[*tuple[Any, ...]]] = select(
    MessageRow.channel, MessageRow.lifecycle, MessageRow.progress, MessageRow.reasons
).with_for_update(key_share=True)


def _is_failed(row: Row[Any]) -> bool:
    lifecycle = Lifecycle(row.lifecycle)
    if lifecycle is Lifecycle.ACCEPTED:
        return row.progress in NOT_DELIVERED
    if lifecycle is Lifecycle.REFUSED:
        return bool(_ENDS_HERE & {Reason(reason) for reason in row.reasons})
    return lifecycle is Lifecycle.FAILED


async def _code_of(tx: Tx, message_id: int) -> str | None:
    """The newest failure's code: what a callback said, else what the answer was."""
    told = (
        select(MessageEventRow.code)
        .join(MessageAttemptRow, MessageAttemptRow.id == MessageEventRow.attempt_id)
        .where(
            MessageAttemptRow.message_id == message_id,
            MessageEventRow.kind.in_(NOT_DELIVERED),
            MessageEventRow.code.is_not(None),
        )
        .order_by(MessageAttemptRow.no.desc(), MessageEventRow.id.desc())
        .limit(1)
    )
    answered = (
        select(MessageAttemptRow.code)
        .where(MessageAttemptRow.message_id == message_id)
        .order_by(MessageAttemptRow.no.desc())
        .limit(1)
    )
    for statement in (told, answered):
        code: str | None = (await tx.execute(statement)).scalar_one_or_none()
        if code is not None:
            return code
    return None


async def bury(
    tx: Tx,
    organization_id: OrganizationId,
    failed: Failed,
    *,
    fix: Fix,
    no_other_channel: Sequence[Reason],
    now: datetime,
) -> int | None:
    """Write a dead letter and give its id; None where the message has one."""
    statement = (
        insert(DeadLetterRow)
        .values(
            organization_id=organization_id,
            message_id=failed.message_id,
            fix=fix,
            code=failed.code,
            no_other_channel=[reason.value for reason in no_other_channel],
            state=State.OPEN,
            died_at=now,
        )
        .on_conflict_do_nothing(index_elements=["message_id"])
        .returning(DeadLetterRow.id)
    )
    dead_letter_id: int | None = (await tx.execute(statement)).scalar_one_or_none()
    return dead_letter_id


async def close(
    tx: Tx,
    dead_letter_id: int,
    *,
    becomes: State,
    actor: str,
    now: datetime,
    replay_message_id: int | None = None,
) -> None:
    """Take an open dead letter off the list; hold it first."""
    await tx.execute(
        update(DeadLetterRow)
        .where(DeadLetterRow.id == dead_letter_id, DeadLetterRow.state == State.OPEN)
        .values(state=becomes, closed_at=now, closed_by=actor, replay_message_id=replay_message_id)
    )


async def close_arrived(tx: Tx, message_ids: Collection[int], *, now: datetime) -> list[int]:
    """Close those whose message has arrived after all; give their ids."""
    statement = (
        update(DeadLetterRow)
        .where(
            DeadLetterRow.message_id.in_(message_ids),
            DeadLetterRow.state == State.OPEN,
        )
        .values(state=State.ARRIVED, closed_at=now, closed_by="provider")
        .returning(DeadLetterRow.id)
    )
    return list((await tx.execute(statement)).scalars())


def _letters() -> Select[Any]:
    return select(
        DeadLetterRow.__table__,
        MessageRow.patient_id,
        MessageRow.channel,
        MessageRow.purpose,
        MessageRow.serves_at,
        MessageRow.appointment_id,
    ).join(MessageRow, MessageRow.id == DeadLetterRow.message_id)


async def find(tx: Tx, dead_letter_id: int, *, hold: bool) -> DeadLetter | None:
    """One dead letter; `hold` keeps it from others until the transaction ends."""
    statement = _letters().where(DeadLetterRow.id == dead_letter_id)
    if hold:
        statement = statement.with_for_update(of=DeadLetterRow)
    row = (await tx.execute(statement)).one_or_none()
    return _to_letter(row) if row else None


async def list_letters(tx: Tx, wanted: Wanted) -> tuple[list[DeadLetter], int]:
    """A page, the soonest visit first and those without one last, and how many there are."""
    where: list[ColumnElement[bool]] = [DeadLetterRow.state == wanted.state]
    if wanted.fix is not None:
        where.append(DeadLetterRow.fix == wanted.fix)
    counted = select(func.count()).select_from(DeadLetterRow).where(*where)
    page = (
        _letters()
        .where(*where)
        .order_by(MessageRow.serves_at.asc().nulls_last(), DeadLetterRow.id)
        .limit(wanted.limit)
        .offset(wanted.offset)
    )
    total = (await tx.execute(counted)).scalar_one()
    return [_to_letter(row) for row in await tx.execute(page)], total


async def list_groups(tx: Tx, *, now: datetime) -> list[Group]:
    """The open ones by what would mend them, the most urgent group first."""
    to_come = func.min(MessageRow.serves_at).filter(MessageRow.serves_at > now)
    statement = (
        select(DeadLetterRow.fix, func.count().label("found"), to_come.label("soonest"))
        .join(MessageRow, MessageRow.id == DeadLetterRow.message_id)
        .where(DeadLetterRow.state == State.OPEN)
        .group_by(DeadLetterRow.fix)
        .order_by(to_come.asc().nulls_last(), DeadLetterRow.fix)
    )
    return [
        Group(fix=Fix(row.fix), count=row.found, soonest=row.soonest)
        for row in await tx.execute(statement)
    ]


async def open_ids(tx: Tx, fix: Fix, *, limit: int) -> list[int]:
    """Open ones of a group, the soonest visit first."""
    statement = (
        select(DeadLetterRow.id)
        .join(MessageRow, MessageRow.id == DeadLetterRow.message_id)
        .where(DeadLetterRow.state == State.OPEN, DeadLetterRow.fix == fix)
        .order_by(MessageRow.serves_at.asc().nulls_last(), DeadLetterRow.id)
        .limit(limit)
    )
    return list((await tx.execute(statement)).scalars())


async def tried(tx: Tx, message_ids: Collection[int]) -> list[Tried]:
    """The attempts of some messages, oldest first."""
    attempt = MessageAttemptRow
    statement = (
        select(
            attempt.message_id,
            MessageRow.channel,
            attempt.no,
            attempt.started_at,
            attempt.outcome,
            attempt.code,
        )
        .join(MessageRow, MessageRow.id == attempt.message_id)
        .where(attempt.message_id.in_(message_ids))
        .order_by(attempt.id)
    )
    return [
        Tried(
            message_id=row.message_id,
            channel=Channel(row.channel),
            no=row.no,
            started_at=row.started_at,
            outcome=row.outcome,
            code=row.code,
        )
        for row in await tx.execute(statement)
    ]


def _to_letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        fix=Fix(row.fix),
        state=State(row.state),
        message_id=row.message_id,
        patient_id=row.patient_id,
        channel=Channel(row.channel),
        purpose=Purpose(row.purpose),
        code=row.code,
        died_at=row.died_at,
        serves_at=row.serves_at,
        appointment_id=row.appointment_id,
        no_other_channel=tuple(Reason(reason) for reason in row.no_other_channel),
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        replay_message_id=row.replay_message_id,
    )
