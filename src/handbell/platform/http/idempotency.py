"""`Idempotency-Key`: the same key and body give the stored answer for 24 hours."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.errors import ConflictError, InvalidError
from handbell.platform.tables import IdempotencyKeyRow

KEPT: Final = timedelta(hours=24)
ABANDONED: Final = timedelta(minutes=1)
"""After this a request without an answer is taken to have died, and may be repeated."""

Answer = dict[str, Any]


class IdempotencyKeyReused(InvalidError):
    """The key was used with another body."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("The Idempotency-Key was used with another body.")


class RequestInProgress(ConflictError):
    """The first request with this key has not been answered yet."""

    code = "request_in_progress"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is being answered.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentRequest:
    """`route` is the route's pattern and method, `body` the raw bytes."""

    organization_id: OrganizationId
    route: str
    key: str
    body: bytes

    @property
    def body_sha256(self) -> bytes:
        return hashlib.sha256(self.body).digest()


async def answer_once(
    db: Database,
    request: IdempotentRequest,
    work: Callable[[], Awaitable[Answer]],
    *,
    now: datetime,
) -> Answer:
    """Do `work` for the first such request, and give its stored answer to repetitions.

    Raises `IdempotencyKeyReused` or `RequestInProgress`. A failed `work` frees the key.
    """
    async with db.transaction(request.organization_id) as tx:
        earlier = await _claim(tx, request, now=now)
    if earlier is not None:
        return earlier
    try:
        answer = await work()
    except BaseException:
        async with db.transaction(request.organization_id) as tx:
            await tx.execute(delete(IdempotencyKeyRow).where(_same(request)))
        raise
    async with db.transaction(request.organization_id) as tx:
        statement = update(IdempotencyKeyRow).where(_same(request)).values(answer=answer)
        await tx.execute(statement)
    return answer


async def _claim(tx: Tx, request: IdempotentRequest, *, now: datetime) -> Answer | None:
    """Take the key, or give the answer that is stored under it."""
    await tx.execute(delete(IdempotencyKeyRow).where(_same(request), _is_stale(now=now)))
    statement = (
        insert(IdempotencyKeyRow)
        .values(
            organization_id=request.organization_id,
            route=request.route,
            key=request.key,
            body_sha256=request.body_sha256,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKeyRow.id)
    )
    if (await tx.execute(statement)).one_or_none() is not None:
        return None
    return await _stored_answer(tx, request)


async def _stored_answer(tx: Tx, request: IdempotentRequest) -> Answer:
    statement = select(IdempotencyKeyRow.body_sha256, IdempotencyKeyRow.answer)
    row = (await tx.execute(statement.where(_same(request)))).one_or_none()
    if row is None or (row.answer is None and row.body_sha256 == request.body_sha256):
        raise RequestInProgress
    if row.body_sha256 != request.body_sha256:
        raise IdempotencyKeyReused
    answer: Answer = row.answer
    return answer


def _same(request: IdempotentRequest) -> ColumnElement[bool]:
    return and_(
        IdempotencyKeyRow.organization_id == request.organization_id,
        IdempotencyKeyRow.route == request.route,
        IdempotencyKeyRow.key == request.key,
    )


def _is_stale(*, now: datetime) -> ColumnElement[bool]:
    created_at = IdempotencyKeyRow.created_at
    abandoned = and_(IdempotencyKeyRow.answer.is_(None), created_at <= now - ABANDONED)
    return or_(created_at <= now - KEPT, abandoned)
