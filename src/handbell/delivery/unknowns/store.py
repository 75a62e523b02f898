"""Unknown attempts in the database: they are rows of `message_attempts`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, exists, func, select, update

from handbell.delivery.unknowns.types import Doubt, Settlement, UnknownAttempt

# allow public-files: an unknown attempt is an attempt, and moves its message
from handbell.messages.tables import MessageAttemptRow, MessageRow
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.db import Tx
from handbell.platform.vocabulary import Channel, MessageClass, Purpose

PROVEN: Final = (Settlement.CALLBACK, Settlement.PROVIDER_LIST)
"""Settlements that say that the provider has it; nothing that comes later changes them."""
WAITING: Final = [Reason.AWAITING_OUTCOME.value]

_ATTEMPT: Final = MessageAttemptRow
_HEARD: Final = """
UPDATE message_attempts SET settlement = 'callback', settled_at = $2, settled_by = 'provider'
WHERE id = ANY($1) AND outcome = 'unknown'
  AND (settlement IS NULL OR settlement NOT IN ('callback', 'provider_list'))
  AND EXISTS (SELECT 1 FROM message_events e WHERE e.attempt_id = message_attempts.id)
RETURNING id, organization_id, message_id, address_id, no
"""
_TAKEN: Final = """
UPDATE messages SET lifecycle = 'accepted', scheduled_at = NULL, leased_until = NULL,
    reasons = '{}', sent_at = coalesce(sent_at, $3), changed_at = $3
FROM unnest($1::bigint[], $2::int[]) AS one(message_id, no)
WHERE id = one.message_id AND (
    lifecycle = 'unknown' OR lifecycle IN ('scheduled', 'queued') AND tries = one.no
)
"""
_RELEASE: Final = """
UPDATE messages SET scheduled_at = $2, changed_at = $2
WHERE address_id = ANY($1) AND lifecycle = 'scheduled' AND reasons = $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An attempt that has just been settled."""

    attempt_id: int
    organization_id: int
    message_id: int
    address_id: int
    no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An unknown attempt that is not settled, held until the transaction ends."""

    attempt: Settled
    line_id: int | None
    started_at: datetime
    token: str
    doubt: Doubt


async def doubtful_addresses(tx: Tx, address_ids: Collection[int]) -> set[int]:
    """Those of the addresses to which an attempt has an unknown outcome."""
    statement = select(_ATTEMPT.address_id).where(
        _ATTEMPT.address_id.in_(address_ids),
        _ATTEMPT.outcome == "unknown",
        _ATTEMPT.settled_at.is_(None),
    )
    return set((await tx.execute(statement)).scalars())


async def settle_heard(tx: Tx, attempt_ids: Sequence[int], *, now: datetime) -> list[Settled]:
    """Settle those of the unknown attempts that a callback has spoken of, also those that were
    closed or thought not sent; what waits to be sent again stays with the provider."""
    rows = await tx.exec_driver_sql(_HEARD, (list(attempt_ids), now))
    heard = [_to_settled(row) for row in rows]
    if heard:
        await take(tx, heard, now=now)
    return heard


async def take(tx: Tx, settled: Sequence[Settled], *, now: datetime) -> None:
    """Their provider has them: their messages are accepted, and nothing waits for them."""
    ids = [one.message_id for one in settled]
    await tx.exec_driver_sql(_TAKEN, (ids, [one.no for one in settled], now))
    await release(tx, [one.address_id for one in settled], now=now)


async def release(tx: Tx, address_ids: Sequence[int], *, now: datetime) -> None:
    """Let go what was held back because of an unknown attempt to these addresses."""
    held = set(address_ids) - await doubtful_addresses(tx, address_ids)
    await tx.exec_driver_sql(_RELEASE, (sorted(held), now, WAITING))


async def lock_open(tx: Tx, attempt_id: int) -> Open | None:
    """Hold an unknown attempt that nobody has settled; None where somebody has."""
    return await _lock(tx, attempt_id, _ATTEMPT.settled_at.is_(None))


async def _lock(tx: Tx, attempt_id: int, is_wanted: ColumnElement[bool]) -> Open | None:
    """Hold the message, then the attempt: in the order of those who write callbacks."""
    of_attempt = select(_ATTEMPT.message_id).where(_ATTEMPT.id == attempt_id).scalar_subquery()
    message = select(MessageRow.id).where(MessageRow.id == of_attempt)
    await tx.execute(message.with_for_update(key_share=True))
    statement = _doubts().where(
        _ATTEMPT.id == attempt_id, _ATTEMPT.outcome == "unknown", is_wanted
    )
    row = (await tx.execute(statement.with_for_update(of=_ATTEMPT))).one_or_none()
    return _to_open(row) if row else None


async def find_settlement(tx: Tx, attempt_id: int) -> Settlement | None:
    """How an unknown attempt was settled; None where there is none such."""
    statement = select(_ATTEMPT.settlement).where(
        _ATTEMPT.id == attempt_id, _ATTEMPT.outcome == "unknown"
    )
    found = (await tx.execute(statement)).scalar_one_or_none()
    return Settlement(found) if found else None


async def lock_unproven(tx: Tx, attempt_id: int) -> Open | None:
    """The same for a person, who may also settle what was closed."""
    is_open = _ATTEMPT.settled_at.is_(None) | (_ATTEMPT.settlement == Settlement.CLOSED)
    return await _lock(tx, attempt_id, is_open)


def _doubts() -> Select[*tuple[Any, ...]]:
    other = _ATTEMPT.__table__.alias("other")
    fallback = MessageRow.__table__.alias("fallback")
    return select(
        _ATTEMPT.id,
        _ATTEMPT.organization_id,
        _ATTEMPT.message_id,
        _ATTEMPT.address_id,
        _ATTEMPT.no,
        _ATTEMPT.token,
        _ATTEMPT.started_at,
        _ATTEMPT.finished_at,
        _ATTEMPT.looks,
        _ATTEMPT.line_id,
        MessageRow.message_class,
        MessageRow.serves_at,
        exists()
        .where(
            other.c.message_id == _ATTEMPT.message_id,
            other.c.settlement == Settlement.NOT_FOUND,
        )
        .label("was_resent"),
        exists().where(fallback.c.falls_back_from == MessageRow.id).label("has_fallen_back"),
    ).join(MessageRow, MessageRow.id == _ATTEMPT.message_id)


def _to_open(row: Row[Any]) -> Open:
    doubt = Doubt(
        since=row.finished_at,
        message_class=MessageClass(row.message_class),
        serves_at=row.serves_at,
        looks=row.looks,
        may_resend=not row.was_resent,
        has_fallen_back=row.has_fallen_back,
    )
    return Open(
        attempt=_to_settled(row),
        line_id=row.line_id,
        started_at=row.started_at,
        token=row.token,
        doubt=doubt,
    )


def _to_settled(row: Row[Any]) -> Settled:
    return Settled(
        attempt_id=row.id,
        organization_id=row.organization_id,
        message_id=row.message_id,
        address_id=row.address_id,
        no=row.no,
    )


async def count_look(tx: Tx, attempt_id: int) -> None:
    """One more look into the provider's list has found nothing."""
    await tx.execute(
        update(_ATTEMPT).where(_ATTEMPT.id == attempt_id).values(looks=_ATTEMPT.looks + 1)
    )


async def settle(
    tx: Tx,
    attempt: Settled,
    settlement: Settlement,
    *,
    by: str,
    now: datetime,
    provider_ref: str | None = None,
) -> None:
    """Write how it was settled; hold the attempt first."""
    statement = update(_ATTEMPT).where(_ATTEMPT.id == attempt.attempt_id)
    values: dict[str, Any] = {"settlement": settlement, "settled_at": now, "settled_by": by}
    if provider_ref is not None:
        values["provider_ref"] = func.coalesce(_ATTEMPT.provider_ref, provider_ref)
    await tx.execute(statement.values(**values))


async def send_again(tx: Tx, attempt: Settled, *, now: datetime) -> None:
    """Put the message back into the queue: nothing was sent, so it counts for no cap."""
    await _move(tx, attempt, becomes=Lifecycle.SCHEDULED, reason=Reason.RETRYING, now=now)


async def give_up(tx: Tx, attempt: Settled, *, now: datetime) -> None:
    """It never left on this channel, and another has taken its place."""
    await _move(tx, attempt, becomes=Lifecycle.FAILED, reason=Reason.GIVEN_UP, now=now)


async def _move(
    tx: Tx, attempt: Settled, *, becomes: Lifecycle, reason: Reason, now: datetime
) -> None:
    await tx.execute(
        update(MessageRow)
        .where(
            MessageRow.id == attempt.message_id,
            MessageRow.lifecycle == Lifecycle.UNKNOWN,
            MessageRow.tries == attempt.no,
        )
        .values(
            lifecycle=becomes,
            scheduled_at=now if becomes is Lifecycle.SCHEDULED else None,
            sent_at=None,
            reasons=[reason.value],
            changed_at=now,
        )
    )


async def known_refs(tx: Tx, refs: Collection[str]) -> set[str]:
    """Those of the provider's ids that belong to attempts of ours already."""
    statement = select(_ATTEMPT.provider_ref).where(_ATTEMPT.provider_ref.in_(refs))
    return {ref for ref in (await tx.execute(statement)).scalars() if ref is not None}


async def list_unknown(
    tx: Tx, *, settlement: Settlement | None, limit: int, offset: int
) -> tuple[list[UnknownAttempt], int]:
    """A page of the open ones, or of those settled in one way: the soonest visit first, then
    the oldest; and how many there are."""
    is_listed = (
        _ATTEMPT.settled_at.is_(None) if settlement is None else _ATTEMPT.settlement == settlement
    )
    where = (_ATTEMPT.outcome == "unknown", is_listed)
    fallback = MessageRow.__table__.alias("fallback")
    falls_back_to = (
        select(func.max(fallback.c.id))
        .where(fallback.c.falls_back_from == MessageRow.id)
        .scalar_subquery()
    )
    page: Select[*tuple[Any, ...]] = (
        select(
            _ATTEMPT.id,
            _ATTEMPT.message_id,
            MessageRow.patient_id,
            MessageRow.channel,
            MessageRow.purpose,
            _ATTEMPT.code,
            _ATTEMPT.finished_at,
            _ATTEMPT.looks,
            MessageRow.serves_at,
            _ATTEMPT.settlement,
            falls_back_to.label("falls_back_to"),
        )
        .join(MessageRow, MessageRow.id == _ATTEMPT.message_id)
        .where(*where)
        .order_by(MessageRow.serves_at.asc().nulls_last(), _ATTEMPT.id)
        .limit(limit)
        .offset(offset)
    )
    total = (
        await tx.execute(select(func.count()).select_from(_ATTEMPT).where(*where))
    ).scalar_one()
    return [_to_shown(row) for row in await tx.execute(page)], total


def _to_shown(row: Row[Any]) -> UnknownAttempt:
    return UnknownAttempt(
        id=row.id,
        message_id=row.message_id,
        patient_id=row.patient_id,
        channel=Channel(row.channel),
        purpose=Purpose(row.purpose),
        code=row.code,
        since=row.finished_at,
        looks=row.looks,
        serves_at=row.serves_at,
        settlement=Settlement(row.settlement) if row.settlement else None,
        falls_back_to=row.falls_back_to,
    )
