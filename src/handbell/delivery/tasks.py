"""The jobs of the lanes: send a group of messages, do a piece of work from the outbox."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import dramatiq
import structlog
from pydantic import BaseModel

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
MESSAGE_LANES: Final = tuple(lane for lane in Lane if lane is not Lane.JOBS)

log = structlog.get_logger(__name__)


class Handler(Protocol):
    """Does the work of one topic in a transaction of its own. Safe to run twice."""

    def __call__(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> Awaitable[None]: ...


class SendArgs(BaseModel):
    """Messages of one organisation and channel, by their ids."""

    organization_id: int
    message_ids: list[int]


class WorkArgs(BaseModel):
    """A claimed row of the outbox."""

    id: int
    organization_id: int
    topic: str
    args: dict[str, int | str]
    attempts: int


class Tasks(Protocol):
    """What the jobs need of the process that runs them; made inside its event loop."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def delivery(self) -> DeliveryService: ...
    @property
    def senders(self) -> Senders: ...
    @property
    def handlers(self) -> Mapping[str, Handler]: ...


def declare_tasks(broker: dramatiq.Broker, opened: Callable[[], Awaitable[Tasks]]) -> None:
    """Make the process able to do every job; which lanes it listens to is the worker's."""

    async def send(args: SendArgs) -> None:
        rt = await opened()
        organization_id = OrganizationId(args.organization_id)
        await rt.delivery.deliver(organization_id, args.message_ids, rt.senders)

    async def work(args: WorkArgs) -> None:
        await _work(await opened(), args)

    declare(broker, SEND, SendArgs, send, queues=MESSAGE_LANES)
    declare(broker, WORK, WorkArgs, work, queues=[Lane.JOBS])


async def _work(rt: Tasks, args: WorkArgs) -> None:
    """Do it and forget it; what fails is due again later."""
    handler = rt.handlers[args.topic]
    organization_id = OrganizationId(args.organization_id)
    now = await rt.clock.now()
    try:
        await handler(organization_id, args.args, now=now)
    except Exception as error:  # noqa: BLE001 - kept for later, whatever it was
        log.warning(
            "work.failed", topic=args.topic, attempt=args.attempts, error_type=type(error).__name__
        )
        async with rt.db.transaction(organization_id) as tx:
            await outbox.postpone(tx, args.id, attempts=args.attempts, now=now)
        return
    async with rt.db.transaction(organization_id) as tx:
        await outbox.done(tx, [args.id])


def hand_out(broker: dramatiq.Broker, leased: Leased) -> None:
    """Give leased messages to their lane."""
    args = SendArgs(organization_id=leased.organization_id, message_ids=list(leased.message_ids))
    enqueue(broker, SEND, leased.lane, args)


def hand_on(broker: dramatiq.Broker, work: Work) -> None:
    """Give claimed work to the lane of jobs."""
    args = WorkArgs(
        id=work.id,
        organization_id=work.organization_id,
        topic=work.topic,
        args=dict(work.args),
        attempts=work.attempts,
    )
    enqueue(broker, WORK, Lane.JOBS, args)
