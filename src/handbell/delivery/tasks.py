"""The jobs of the lanes: send a group of messages, do a piece of work from the outbox."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from time import monotonic
from typing import Any, Final, Protocol

import dramatiq
import structlog
from pydantic import BaseModel

from handbell.delivery.meters.service import Meter
from handbell.delivery.service import DeliveryService
from handbell.delivery.types import Leased, Senders
from handbell.platform import outbox
from handbell.platform.clock import Clock
from handbell.platform.db import Database, OrganizationId
from handbell.platform.outbox import Work
from handbell.platform.queue import declare, enqueue
from handbell.platform.vocabulary import Lane

SEND: Final = "delivery.send"
WORK: Final = "outbox.work"
PIECES: Final = 25
"""Pieces of work in one job."""
MESSAGE_LANES: Final = tuple(lane for lane in Lane if lane is not Lane.JOBS)

log = structlog.get_logger(__name__)


class Handler(Protocol):
    """Does several pieces of work of one topic, in transactions of its own. Safe to run twice.

    What it raises costs the pieces nothing: each is then tried alone.
    """

    def __call__(
        self,
        organization_id: OrganizationId,
        many: Sequence[Mapping[str, Any]],
        *,
        now: datetime,
    ) -> Awaitable[None]: ...


class SingleHandler(Protocol):
    """Does one piece of work in a transaction of its own. Safe to run twice."""

    def __call__(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> Awaitable[None]: ...


def one_by_one(handler: SingleHandler) -> Handler:
    """A handler of many from a handler of one."""

    async def handle(
        organization_id: OrganizationId, many: Sequence[Mapping[str, Any]], *, now: datetime
    ) -> None:
        for args in many:
            await handler(organization_id, args, now=now)

    return handle


class SendArgs(BaseModel):
    """Messages of one organisation, channel and lane, by their ids."""

    organization_id: int
    message_ids: list[int]
    lane: Lane | None = None
    """None in jobs of an older dispatcher."""


class Piece(BaseModel):
    """A claimed row of the outbox."""

    id: int
    args: dict[str, int | str]
    attempts: int


class WorkArgs(BaseModel):
    """Claimed work of one organisation and topic."""

    organization_id: int
    topic: str
    pieces: list[Piece]


class SenderBook(Protocol):
    """Knows the accounts of every organisation."""

    async def of(self, organization_id: OrganizationId) -> Senders: ...


class Tasks(Protocol):
    """What the jobs need of the process that runs them; made inside its event loop."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def delivery(self) -> DeliveryService: ...
    @property
    def senders(self) -> SenderBook: ...
    @property
    def meter(self) -> Meter | None: ...
    @property
    def handlers(self) -> Mapping[str, Handler]: ...


def declare_tasks(broker: dramatiq.Broker, opened: Callable[[], Awaitable[Tasks]]) -> None:
    """Make the process able to do every job; which lanes it listens to is the worker's."""

    async def send(args: SendArgs) -> None:
        rt = await opened()
        organization_id = OrganizationId(args.organization_id)
        async with _timed(rt.meter, args.lane, items=len(args.message_ids)):
            senders = await rt.senders.of(organization_id)
            await rt.delivery.deliver(organization_id, args.message_ids, senders)

    async def work(args: WorkArgs) -> None:
        rt = await opened()
        if rt.meter is not None:
            rt.meter.count_work(args.topic, len(args.pieces))
        async with _timed(rt.meter, Lane.JOBS, items=len(args.pieces)):
            await _work(rt, args)

    declare(broker, SEND, SendArgs, send, queues=MESSAGE_LANES)
    declare(broker, WORK, WorkArgs, work, queues=[Lane.JOBS])


@asynccontextmanager
async def _timed(meter: Meter | None, lane: Lane | None, *, items: int) -> AsyncIterator[None]:
    """Note how long a job takes, however it ends."""
    began = monotonic()
    try:
        yield
    finally:
        if meter is not None and lane is not None:
            await meter.end_job(lane, seconds=monotonic() - began, items=items)


async def _work(rt: Tasks, args: WorkArgs) -> None:
    """Do it and forget it; what fails is tried piece by piece, and is then due again later."""
    handler = rt.handlers[args.topic]
    organization_id = OrganizationId(args.organization_id)
    now = await rt.clock.now()
    try:
        await handler(organization_id, [piece.args for piece in args.pieces], now=now)
    except Exception as error:  # noqa: BLE001 - kept for later, whatever it was
        if len(args.pieces) > 1:
            for piece in args.pieces:
                await _work(rt, args.model_copy(update={"pieces": [piece]}))
            return
        (piece,) = args.pieces
        name = type(error).__name__
        log.warning("work.failed", topic=args.topic, attempt=piece.attempts, error_type=name)
        async with rt.db.transaction(organization_id) as tx:
            await outbox.postpone(tx, piece.id, attempts=piece.attempts, now=now)
        return
    await outbox.done(rt.db.direct, [piece.id for piece in args.pieces])


def hand_out(broker: dramatiq.Broker, leased: Leased) -> None:
    """Give leased messages to their lane."""
    args = SendArgs(
        organization_id=leased.organization_id,
        message_ids=list(leased.message_ids),
        lane=leased.lane,
    )
    enqueue(broker, SEND, leased.lane, args)


def hand_on(broker: dramatiq.Broker, claimed: Sequence[Work]) -> None:
    """Give claimed work to the lane of jobs, some pieces of one kind together."""
    grouped: dict[tuple[int, str], list[Piece]] = defaultdict(list)
    for work in claimed:
        piece = Piece(id=work.id, args=dict(work.args), attempts=work.attempts)
        grouped[work.organization_id, work.topic].append(piece)
    for (organization_id, topic), pieces in grouped.items():
        for start in range(0, len(pieces), PIECES):
            some = pieces[start : start + PIECES]
            args = WorkArgs(organization_id=organization_id, topic=topic, pieces=some)
            enqueue(broker, WORK, Lane.JOBS, args)
