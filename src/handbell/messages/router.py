"""`/comm/schedule` and `/comm/jobs`: order a message, see what became of it, recall it."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from handbell.access.types import Caller, Scope
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.channels.service import pauses_in_force
from handbell.channels.types import NewOrders, PauseScope
from handbell.directory import service as directory
from handbell.directory.types import VisitFacts
from handbell.messages.errors import (
    AppointmentNotFound,
    CampaignsNotAvailable,
    DeliveryPaused,
    MessageAlreadyLeft,
    MessageNotFound,
    SendAtTooFar,
    UrgentRequiresProvider,
)
from handbell.messages.schemas import (
    AdmissionOut,
    JobOut,
    JobStatus,
    MessageIn,
    RowId,
    narrowed_to,
    order_key,
)
from handbell.messages.service import MessageService
from handbell.messages.types import Admission, Job, Lifecycle, MessageFilter, Reason, SendOrder
from handbell.messages.words import Language
from handbell.platform.clock import Clock
from handbell.platform.db import Database
from handbell.platform.http import (
    REFUSED,
    IdempotencyKeyReused,
    IdempotentRequest,
    Page,
    PageParams,
    PathId,
    RequestInProgress,
    answer_once,
    problems,
    require,
    set_page_headers,
)
from handbell.platform.vocabulary import LANE_OF_PURPOSE, Channel, Lane, Purpose
from handbell.preferences.errors import PatientNotFound
from handbell.scheduling.types import Anchor, At, Free

Reader = Annotated[Caller, require(Scope.MESSAGES_READ)]
Writer = Annotated[Caller, require(Scope.MESSAGES_WRITE)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=128)]

FARTHEST: Final = timedelta(days=730)
"""How far ahead a message may be ordered."""
ABOUT_A_COMING_VISIT: Final = frozenset({Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER})
"""Of no use once the visit has begun; other messages about a visit may come later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list is narrowed to. No message belongs to a campaign yet."""

    filter: MessageFilter
    is_of_campaign: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the endpoints work with."""

    db: Database
    messages: MessageService
    audit: AuditService
    clock: Clock

    async def admit(
        self, caller: Caller, body: MessageIn, key: str, *, now: datetime
    ) -> Admission:
        """Raises `PatientNotFound`, `AppointmentNotFound`, `SendAtTooFar` or
        `DeliveryPaused`."""
        paused = await self._pauses(caller, body, now=now)
        visit = await self._visit(caller, body)
        is_bound = body.purpose in ABOUT_A_COMING_VISIT
        serves_at = visit.starts_at if visit and is_bound else None
        order = SendOrder(
            patient_id=body.patient_id,
            purpose=body.purpose,
            anchor=_anchor(body.send_at, serves_at, now=now),
            order_key=key,
            ordered_by=caller.name,
            channel=body.preferred_channel,
            template_id=body.template_id,
            variables=body.variables,
            appointment_id=body.appointment_id,
            appointment_version=visit.version if visit else None,
            serves_at=serves_at,
        )
        admitted = await self.messages.admit(caller.organization_id, order, now=now)
        return _held(admitted, paused, LANE_OF_PURPOSE[body.purpose])

    async def _pauses(
        self, caller: Caller, body: MessageIn, *, now: datetime
    ) -> Sequence[PauseScope]:
        """What is paused now; raises `DeliveryPaused` where that refuses new orders."""
        async with self.db.transaction(caller.organization_id) as tx:
            found = await pauses_in_force(tx, caller.organization_id, now=now)
        lane = LANE_OF_PURPOSE[body.purpose]
        for one in found:
            refuses = one.new_orders is NewOrders.REFUSE
            if refuses and one.scope.covers(lane, body.preferred_channel):
                raise DeliveryPaused(one.id)
        return [one.scope for one in found]

    async def _visit(self, caller: Caller, body: MessageIn) -> VisitFacts | None:
        if body.appointment_id is None:
            return None
        async with self.db.transaction(caller.organization_id) as tx:
            visit = await directory.lock_visit_in(tx, body.appointment_id)
        if visit is None or visit.patient_id != body.patient_id:
            raise AppointmentNotFound(body.appointment_id)
        return visit

    async def list(self, caller: Caller, wanted: Wanted, page: Page) -> tuple[list[Job], int]:
        if wanted.is_of_campaign:
            return [], 0
        return await self.messages.list(
            caller.organization_id, wanted.filter, limit=page.limit, offset=page.offset
        )

    async def note_read(self, caller: Caller, action: str, jobs: Iterable[Job]) -> None:
        """Record whose messages are about to be shown."""
        entry = AuditEntry(
            organization_id=caller.organization_id,
            at=await self.clock.now(),
            actor=caller.name,
            action=action,
            subject={"patient_ids": sorted({job.patient_id for job in jobs})},
        )
        async with self.db.transaction(caller.organization_id) as tx:
            await self.audit.record(tx, entry)


def _held(admitted: Admission, paused: Sequence[PauseScope], lane: Lane) -> Admission:
    """The admission, which also says that delivery is paused for now."""
    is_held = admitted.lifecycle is Lifecycle.SCHEDULED and any(
        scope.covers(lane, admitted.channel) for scope in paused
    )
    return replace(admitted, reasons=(*admitted.reasons, Reason.HELD)) if is_held else admitted


def _anchor(send_at: datetime | None, serves_at: datetime | None, *, now: datetime) -> Anchor:
    """An instant that has passed means now."""
    if send_at is None:
        return Free()
    if send_at > now + FARTHEST:
        raise SendAtTooFar(days=FARTHEST.days)
    return At(max(send_at, now).astimezone(UTC), serves_at)


def _wanted(
    patient_id: Annotated[RowId | None, Query()] = None,
    status: Annotated[JobStatus | None, Query()] = None,
    channel: Annotated[Channel | None, Query()] = None,
    campaign_id: Annotated[RowId | None, Query()] = None,
) -> Wanted:
    lifecycles, progress = narrowed_to(status) if status else (None, ())
    narrowed = MessageFilter(
        patient_id=patient_id, channel=channel, lifecycles=lifecycles, progress=progress or None
    )
    return Wanted(filter=narrowed, is_of_campaign=campaign_id is not None)


def messages_router(
    db: Database, messages: MessageService, audit: AuditService, clock: Clock
) -> APIRouter:
    """Every read of a patient's messages is in the audit log."""
    desk = Desk(db=db, messages=messages, audit=audit, clock=clock)
    router = APIRouter(prefix="/comm", tags=["messages"])
    _add_ordering(router, desk)
    _add_reading(router, desk)
    return router


def _add_ordering(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/schedule",
        responses=problems(
            *REFUSED,
            UrgentRequiresProvider,
            PatientNotFound,
            AppointmentNotFound,
            RequestInProgress,
            CampaignsNotAvailable,
            SendAtTooFar,
            IdempotencyKeyReused,
            DeliveryPaused,
        ),
    )
    async def schedule(
        request: Request,
        body: MessageIn,
        caller: Writer,
        idempotency_key: IdempotencyKey = None,
    ) -> AdmissionOut:
        """Order one message to one patient; the answer says when it goes, or why it does not.

        With an `Idempotency-Key` a repetition gets the first answer and orders nothing.
        """
        if body.is_urgent or body.purpose is Purpose.URGENT:
            raise UrgentRequiresProvider
        if body.campaign_id is not None:
            raise CampaignsNotAvailable
        now = await desk.clock.now()
        if idempotency_key is None:
            key = f"api:{uuid.uuid4()}"
            return AdmissionOut.of(await desk.admit(caller, body, key, now=now))
        repeatable = IdempotentRequest(
            organization_id=caller.organization_id,
            route="POST /comm/schedule",
            key=idempotency_key,
            body=await request.body(),
        )

        async def work() -> dict[str, Any]:
            key = order_key(repeatable.key, repeatable.body)
            admission = await desk.admit(caller, body, key, now=now)
            return AdmissionOut.of(admission).model_dump(mode="json")

        return AdmissionOut.model_validate(await answer_once(desk.db, repeatable, work, now=now))

    @router.post(
        "/jobs/{job_id}/cancel",
        responses=problems(*REFUSED, MessageNotFound, MessageAlreadyLeft),
    )
    async def cancel_job(job_id: PathId, caller: Writer) -> dict[str, Any]:
        """Recall a message that has not left yet; recalling it twice is fine."""
        now = await desk.clock.now()
        await desk.messages.cancel(caller.organization_id, job_id, actor=caller.name, now=now)
        return {}


def _add_reading(router: APIRouter, desk: Desk) -> None:
    @router.get("/jobs", responses=problems(*REFUSED))
    async def list_jobs(
        request: Request,
        response: Response,
        caller: Reader,
        page: PageParams,
        wanted: Annotated[Wanted, Depends(_wanted)],
    ) -> list[JobOut]:
        """Messages, newest first. A text that has not left yet is what would leave now."""
        jobs, total = await desk.list(caller, wanted, page)
        await desk.note_read(caller, "messages.listed", jobs)
        set_page_headers(request, response, page, total=total)
        return [JobOut.of(job) for job in jobs]

    @router.get("/jobs/{job_id}", responses=problems(*REFUSED, MessageNotFound))
    async def get_job(job_id: PathId, caller: Reader) -> JobOut:
        """One message."""
        job = await desk.messages.get(caller.organization_id, job_id)
        await desk.note_read(caller, "messages.read", [job])
        return JobOut.of(job)

    @router.get("/jobs/{job_id}/explain", responses=problems(*REFUSED, MessageNotFound))
    async def explain_job(
        job_id: PathId,
        caller: Reader,
        lang: Annotated[Language, Query(description="The language of the words.")] = Language.EN,
    ) -> dict[str, Any]:
        """Why it was sent, waits or never goes: in words, and the facts that decided."""
        job = await desk.messages.get(caller.organization_id, job_id)
        receipt = await desk.messages.explain(caller.organization_id, job_id, language=lang)
        await desk.note_read(caller, "messages.explained", [job])
        return receipt
