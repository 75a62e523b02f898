"""Admits, cancels, shows and explains messages; the only way a message comes to exist.

The functions beside the class are for `delivery`, which asks the gate again and sends.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.messages import (
    admission,
    again,
    archive,
    content,
    explaining,
    facts,
    forecasting,
    history,
    leaves,
    legal_counts,
    moving,
    policy,
    private,
    progress,
    receipts,
    replanning,
    showing,
    store,
    visits,
    words,
)
from handbell.messages.errors import MessageAlreadyLeft, MessageNotFound
from handbell.messages.parts import ReceiptParts
from handbell.messages.populations.admitting import Chunk, PopulationRun
from handbell.messages.populations.types import CHUNK, PopulationOrder, PopulationProgress
from handbell.messages.tables import MessageRow
from handbell.messages.types import (
    PENDING,
    Activity,
    Admission,
    Job,
    Lifecycle,
    MessageFilter,
    MessageId,
    PlannedMessage,
    Question,
    Reason,
    Refuse,
    SendOrder,
    VisitRef,
)
from handbell.platform import outbox
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, LANE_OF_CLASS, Channel, MessageClass

ONE_BY_ONE: Final = 500
"""Patients of one transaction, where each is asked about alone."""

Asked = facts.Asked
AskedWhen = receipts.AskedWhen
AttemptEvent = progress.AttemptEvent
BY_PLAN = visits.BY_PLAN
CalendarVisit = content.CalendarVisit
Candidate = facts.Candidate
Gathered = facts.Gathered
Judged = admission.Judged
Language = words.Language
Levels = facts.Levels
Material = content.Material
ProgressState = progress.ProgressState
best_of = progress.best_of
anchor_from_json = store.anchor_from_json
answer_to_json = receipts.answer_to_json
approvals_for = admission.approvals_for
attempt_entry = leaves.attempt_entry
chain_of = again.chain_of
compose = content.compose
counted_with = facts.counted_with
decide = policy.decide
Expected = legal_counts.Expected
gather = facts.gather
has_arrived = progress.has_arrived
leaving = policy.leaving
material_in = content.material_in
others_told = visits.others_told
own_facts = receipts.own_facts
parts_of = admission.parts_of
PrivateText = private.PrivateText
STAFF_TEXT: Final = private.STAFF_TEXT
Progress = archive.Progress
ReplayReport = archive.ReplayReport
read_others = visits.read_others
receipt_of = admission.receipt_of
replan_later_in = replanning.replan_later_in
progress_of = progress.progress_of
sent_of = content.sent_of
move_pending_in = moving.move_pending_in
SentMessage = history.SentMessage
sent_to_in = history.sent_to_in
seal_text = content.seal_text
Tally = forecasting.Tally
tally_orders = forecasting.tally_orders
tally_waiting = forecasting.tally_waiting
window_of = policy.window_of
with_messages_in = visits.with_messages_in
withdraw = store.withdraw
withdraw_fall_back = store.withdraw_fall_back
words_of = words.words_of


class MessageService:
    """The life of messages up to the moment when a worker takes them."""

    def __init__(
        self, db: Database, keys: KeyRing, audit: AuditService, *, public_url: str
    ) -> None:
        self.db = db
        self.keys = keys
        self.audit = audit
        self.public_url = public_url
        self.parts = ReceiptParts(db)

    async def admit(
        self, organization_id: OrganizationId, order: SendOrder, *, now: datetime
    ) -> Admission:
        """Decide on one order, record the decision, and plan what may leave.

        Repeating an order key returns the first admission and changes nothing. Raises
        `PatientNotFound`.
        """
        async with self.db.transaction(organization_id) as tx:
            return (await self.admit_in(tx, organization_id, [order], now=now))[0]

    async def admit_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        orders: Sequence[SendOrder],
        *,
        now: datetime,
    ) -> list[Admission]:
        """The same for several orders inside another use case, in their order."""
        if not orders:
            return []
        judged = await admission.judge_all(tx, organization_id, orders, now=now)
        return await self._store_in(tx, organization_id, judged, now=now)

    async def _store_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        judged: Sequence[Judged],
        *,
        now: datetime,
    ) -> list[Admission]:
        orders = [one.order for one in judged]
        rows = await admission.to_rows(
            tx, organization_id, judged, parts=self.parts, keys=self.keys, now=now
        )
        stored = await store.insert_once(tx, organization_id, rows)
        refused = [
            _entry(organization_id, order, stored[order.order_key][0].message_id, now=now)
            for order in orders
            if stored[order.order_key][1]
            and stored[order.order_key][0].lifecycle is Lifecycle.REFUSED
        ]
        await self.audit.record_many(tx, refused)
        new = (order for order in orders if order.others and stored[order.order_key][1])
        told = ((stored[one.order_key][0].message_id, one.others) for one in new)
        await visits.add_others(tx, organization_id, told)
        due = {
            LANE_OF_CLASS[CLASS_OF_PURPOSE[order.purpose]]
            for order in orders
            if (at := stored[order.order_key][0].scheduled_at) is not None and at <= now
        }
        if due:
            await outbox.wake(tx, due)
        return [stored[order.order_key][0] for order in orders]

    async def admit_population(
        self,
        organization_id: OrganizationId,
        population: Select[Any],
        order: PopulationOrder,
        *,
        now: datetime,
        after: int = 0,
        chunk: int = CHUNK,
    ) -> AsyncIterator[PopulationProgress]:
        """Order one thing for each patient of a population, and tell after each chunk.

        `population` selects patient ids, one column. It is asked again for each chunk, from the
        last id on: what is dear to ask belongs into a table first. Messages, receipts, refusals
        in the audit log and the rest are what `admit` makes of each patient, but they are made
        by sets: only who has something personal to decide is admitted one by one. Each chunk is
        a transaction; an interrupted run is run again, from `after` on or from the beginning,
        and makes no message twice. Patients whom the organisation does not have are left out.
        """
        run = PopulationRun(organization_id, order, parts=self.parts, now=now)
        while True:
            async with self.db.transaction(organization_id) as tx:
                done = await run.admit_chunk(tx, population, after=after, limit=chunk)
                if done is None:
                    return
                await self._finish_chunk(tx, organization_id, order, done, now=now)
            for some in _batches(done.one_by_one):
                async with self.db.transaction(organization_id) as tx:
                    orders = [order.for_patient(patient_id) for patient_id in some]
                    await self.admit_in(tx, organization_id, orders, now=now)
            after = done.last_id
            yield PopulationProgress(
                last_id=done.last_id,
                patients=done.patients,
                by_sets=done.written.count,
                one_by_one=len(done.one_by_one),
                unknown=done.unknown,
                shapes=done.shapes,
            )

    async def _finish_chunk(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        order: PopulationOrder,
        done: Chunk,
        *,
        now: datetime,
    ) -> None:
        """What else a new message leaves behind: refusals in the log, and dispatchers awake."""
        refused = [
            _entry(organization_id, order.for_patient(patient_id), message_id, now=now)
            for message_id, patient_id in done.written.refused
        ]
        await self.audit.record_many(tx, refused)
        if done.written.is_due:
            await outbox.wake(tx)

    async def fall_back_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        message_id: int,
        *,
        not_on: Collection[Channel] = (),
        now: datetime,
    ) -> Admission | Refuse:
        """Order a message that failed on another channel that the patient allows; not on one
        that was tried, nor on those that are named.

        It happens once; a repetition gives the first admission. A `Refuse` says why no other
        channel may be taken, and leaves no message behind. Raises `MessageNotFound`.
        """
        chain = await again.chain_of(tx, message_id)
        shut = chain.channels | frozenset(not_on)
        if not chain.may_change_channel or len(shut) == len(Channel):
            return Refuse(reasons=())
        order = await again.fall_back_order(tx, self.keys, message_id, not_on=shut, now=now)
        return await self._admit_if_allowed(tx, organization_id, order, now=now)

    async def replay_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        message_id: int,
        *,
        key: str,
        now: datetime,
    ) -> Admission | Refuse:
        """Order a message that failed once more; the gate decides as on any other order. A
        `Refuse` leaves no message behind. Raises `MessageNotFound`."""
        order = await again.replay_order(tx, self.keys, message_id, key=key, now=now)
        return await self._admit_if_allowed(tx, organization_id, order, now=now)

    async def _admit_if_allowed(
        self, tx: Tx, organization_id: OrganizationId, order: SendOrder, *, now: datetime
    ) -> Admission | Refuse:
        earlier = await store.find_admission(tx, organization_id, order.order_key)
        if earlier is not None:
            return earlier
        (judged,) = await admission.judge_all(tx, organization_id, [order], now=now)
        if isinstance(judged.decision, Refuse):
            return judged.decision
        return (await self._store_in(tx, organization_id, [judged], now=now))[0]

    async def cancel(
        self, organization_id: OrganizationId, message_id: int, *, actor: str, now: datetime
    ) -> None:
        """Withdraw a message that has not left. Raises `MessageNotFound`, `MessageAlreadyLeft`;
        cancelling twice is fine."""
        async with self.db.transaction(organization_id) as tx:
            lifecycle = await store.find_lifecycle(tx, message_id)
            if lifecycle is None:
                raise MessageNotFound(message_id)
            if lifecycle is Lifecycle.CANCELLED:
                return
            if lifecycle not in PENDING:
                raise MessageAlreadyLeft(MessageId(message_id), lifecycle)
            await self.withdraw_in(tx, organization_id, [message_id], now=now)
            cancelled = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="message.cancelled",
                subject={"message_id": message_id},
            )
            await self.audit.record(tx, cancelled)

    async def withdraw_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        message_ids: Collection[int],
        *,
        now: datetime,
    ) -> set[int]:
        """Cancel those that are still pending; say which were."""
        if not message_ids:
            return set()
        where = (MessageRow.organization_id == organization_id) & MessageRow.id.in_(message_ids)
        ended = await store.withdraw(
            tx, where, becomes=Lifecycle.CANCELLED, reason=Reason.WITHDRAWN, now=now
        )
        return set(ended)

    async def about_visits_in(
        self, tx: Tx, appointment_ids: Collection[int]
    ) -> dict[int, list[PlannedMessage]]:
        """The messages about each of the visits, whatever became of them, oldest first. What waits
        stays where it is until the transaction ends."""
        await visits.hold_pending(tx, appointment_ids)
        return await visits.about_visits(tx, appointment_ids)

    async def other_visits_in(self, tx: Tx, message_id: int) -> tuple[VisitRef, ...]:
        """The further visits that a message tells of, in the order of the day."""
        return await visits.others_of(tx, message_id)

    async def private_text_in(self, tx: Tx, message_id: int) -> PrivateText | None:
        """What a secure link shows of its message; None where nothing is left of it."""
        return await private.private_text(tx, self.keys, message_id)

    async def order_again_in(
        self, tx: Tx, message_id: int, *, key: str, now: datetime
    ) -> SendOrder:
        """The order of a message once more, under another key. Raises `MessageNotFound`."""
        return await again.replay_order(tx, self.keys, message_id, key=key, now=now)

    async def told_together_in(self, tx: Tx, appointment_id: int) -> set[int]:
        """The other visits of messages that tell of this one."""
        return await visits.told_together(tx, appointment_id)

    async def rebase_in(
        self,
        tx: Tx,
        message_ids: Sequence[int],
        *,
        appointment_id: int,
        appointment_version: int,
    ) -> None:
        """Let pending messages carry the visit's new version: their time still holds."""
        if message_ids:
            await visits.rebase(
                tx,
                message_ids,
                appointment_id=appointment_id,
                appointment_version=appointment_version,
            )

    async def find_question_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,  # noqa: ARG002 - the transaction is the organisation's
        address_id: int,
        *,
        context_ref: str | None,
        now: datetime,
    ) -> Question | None:
        """The message that an answer belongs to: the one it names, else the newest open one."""
        return await store.find_question(tx, address_id, context_ref=context_ref, now=now)

    async def was_marketing_last_in(self, tx: Tx, address_id: int, *, now: datetime) -> bool:
        """Whether what was lately sent to the address last was marketing."""
        last = await store.last_class_to(tx, address_id, now=now)
        return last is MessageClass.MARKETING

    async def remind_again_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        address_ids: Sequence[int],
        *,
        key: str,
        now: datetime,
    ) -> None:
        """Plan the reminders anew that an opt-out of the addresses ended; `key` names why."""
        orders = await again.stopped_reminders(tx, self.keys, address_ids, key=key, now=now)
        if orders:
            await self.admit_in(tx, organization_id, orders, now=now)

    async def record_reply_in(self, tx: Tx, message_id: int, *, at: datetime) -> None:
        """Note that the patient answered; the first time stands."""
        await store.record_reply(tx, message_id, at=at)

    async def activity_of(self, organization_id: OrganizationId, patient_id: int) -> Activity:
        """When we last sent, and when the patient last opened and answered."""
        async with self.db.transaction(organization_id) as tx:
            return await store.activity_of(tx, patient_id)

    async def list(
        self,
        organization_id: OrganizationId,
        wanted: MessageFilter,
        *,
        limit: int,
        offset: int,
    ) -> tuple[list[Job], int]:
        """A page of messages, newest first, with the number of all that fit."""
        async with self.db.transaction(organization_id) as tx:
            ids, total = await store.list_ids(tx, wanted, limit=limit, offset=offset)
            jobs = await showing.jobs(tx, self.keys, ids, public_url=self.public_url)
        return jobs, total

    async def get(self, organization_id: OrganizationId, message_id: int) -> Job:
        """One message. Raises `MessageNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            jobs = await showing.jobs(tx, self.keys, [message_id], public_url=self.public_url)
        if not jobs:
            raise MessageNotFound(message_id)
        return jobs[0]

    async def shown_in(self, tx: Tx, message_ids: Sequence[int]) -> Sequence[Job]:
        """Messages as people see them, inside another use case; unknown ids are left out."""
        return await showing.jobs(tx, self.keys, message_ids, public_url=self.public_url)

    async def replay_receipts(
        self,
        *,
        since: datetime | None = None,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> ReplayReport:
        """Decide the stored receipts of all organisations again, the newest messages first, and
        say which do not give their answer. `limit` counts messages; `progress` hears how many
        of how many were read."""
        return await archive.replay_all(self.db, since=since, limit=limit, progress=progress)

    async def explain(
        self,
        organization_id: OrganizationId,
        message_id: int,
        *,
        language: Language = Language.EN,
    ) -> dict[str, Any]:
        """Why it was or was not sent, when, and by which rules. Raises `MessageNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            rows = await store.rows_of(tx, [message_id])
            if message_id not in rows:
                raise MessageNotFound(message_id)
            attempts = await store.attempts_of(tx, message_id)
            return await explaining.explain(tx, rows[message_id], attempts, language)


def _entry(
    organization_id: OrganizationId, order: SendOrder, message_id: int, *, now: datetime
) -> AuditEntry:
    return AuditEntry(
        organization_id=organization_id,
        at=now,
        actor=order.ordered_by,
        action="message.refused",
        subject={"message_id": message_id, "patient_id": order.patient_id},
    )


def _batches(patient_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(patient_ids), ONE_BY_ONE):
        yield patient_ids[start : start + ONE_BY_ONE]
