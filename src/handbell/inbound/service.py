"""Takes what patients write: finds the visit it is about, does what it asks, and answers.

Whatever is not clear goes to a person; an answer is a message like any other and passes the gate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from handbell.actions.service import ActionService
from handbell.actions.types import ActionResult
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.channels.types import InboundText
from handbell.consent import service as consent
from handbell.directory import service as directory
from handbell.directory.types import AppointmentStatus
from handbell.inbound import store
from handbell.inbound.types import Handled
from handbell.messages.service import MessageService
from handbell.messages.types import Admission, Lifecycle, Question, SendOrder, VisitRef
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Purpose
from handbell.replies.policy import reply_parser
from handbell.replies.types import Effect, Intent, Reading
from handbell.scheduling.types import At
from handbell.staff import service as staff
from handbell.staff.types import StaffTask, TaskKind
from handbell.webhooks import service as webhooks

PATIENT: Final = "patient"
TWILIO_ANSWERED: Final = "STOP"
"""With this OptOutType Twilio has confirmed the opt-out itself and blocks what would follow."""
STOP_CONFIRMED_WITHIN: Final = timedelta(minutes=5)
"""A later confirmation of an opt-out would need a reason (TCPA-10): none is sent."""
ONE_A_DAY: Final = timedelta(hours=24)
"""One confirmation of an opt-out and one list of the options for an address in this time."""
PLANNED: Final = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED})
ASKS_NOTHING: Final = frozenset({Intent.NOTHING, Intent.TAPBACK})
GRAVE: Final = frozenset({Intent.CRISIS, Intent.DECEASED, Intent.WRONG_NUMBER})
"""No list of options answers these."""
TASKS_OF_INTENT: Final = {
    Intent.CRISIS: TaskKind.CRISIS,
    Intent.DECEASED: TaskKind.DECEASED,
    Intent.WRONG_NUMBER: TaskKind.WRONG_NUMBER,
    Intent.HOLD: TaskKind.POSSIBLE_OPT_OUT,
    Intent.CANCEL_VISIT: TaskKind.POSSIBLE_CANCELLATION,
}
TASKS_OF_EFFECT: Final = {
    Effect.DECEASED: TaskKind.DECEASED,
    Effect.WRONG_NUMBER: TaskKind.WRONG_NUMBER,
    Effect.MAY_CONCERN_VISIT: TaskKind.POSSIBLE_CANCELLATION,
    Effect.FOR_STAFF: TaskKind.UNCLEAR_REPLY,
}
_CONTEXT: Final = "inbound_messages.body"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Heard:
    """A patient's message with all that is known of it.

    `patient_id` is who wrote, where that is certain; `answer_to` is a patient of the number, to
    whom an answer may go. `address_id` is None where the number was hidden. `at` is when the
    patient wrote.
    """

    tx: Tx
    organization_id: OrganizationId
    id: int
    item: InboundText
    reading: Reading
    address_id: int | None
    patient_id: int | None
    answer_to: int | None
    question: Question | None
    at: datetime
    now: datetime


class InboundService:
    """The other side of the conversation. Implements the webhooks' port `Inbound`."""

    def __init__(
        self, keys: KeyRing, audit: AuditService, messages: MessageService, actions: ActionService
    ) -> None:
        self._keys = keys
        self._audit = audit
        self._messages = messages
        self._actions = actions

    async def receive_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        item: InboundText,
        *,
        received_at: datetime,
        now: datetime,
    ) -> None:
        """Deal with one message; the same message again changes nothing.

        A STOP has stopped already, when its callback was stored.
        """
        at = min(received_at, item.occurred_at or received_at)
        address_id = await self._hold_address(tx, organization_id, item)
        heard = await self._store(tx, organization_id, item, address_id, at=at, now=now)
        if heard is None:
            return
        if heard.question is not None:
            await self._messages.record_reply_in(tx, heard.question.message_id, at=at)
        await store.mark_handled(tx, heard.id, await self._handle(heard))
        await self._audit.record(tx, _entry(heard))

    async def _hold_address(
        self, tx: Tx, organization_id: OrganizationId, item: InboundText
    ) -> int | None:
        if item.sender is None:
            return None
        address_id = await webhooks.address_in(
            tx, organization_id, self._keys, item.channel, item.sender
        )
        await store.hold_address(tx, address_id)
        return address_id

    async def _store(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        item: InboundText,
        address_id: int | None,
        *,
        at: datetime,
        now: datetime,
    ) -> _Heard | None:
        """Keep the message with all that is known of it; None when it was kept before."""
        question, patients = None, []
        if address_id is not None:
            patients = await directory.patients_on_address_in(tx, address_id)
            question = await self._messages.find_question_in(
                tx, organization_id, address_id, context_ref=item.context_ref, now=at
            )
        candidates = [question.patient_id] if question else patients
        patient_id = candidates[0] if len(candidates) == 1 else None
        reading = reply_parser().read(item.body, provider_says=item.opt_out_type)
        new = store.NewMessage(
            organization_id=organization_id,
            item=item,
            reading=reading,
            address_id=address_id,
            patient_id=patient_id,
            message_id=question.message_id if question else None,
            body=await self._seal(tx, patient_id, item.body),
            received_at=at,
        )
        inbound_id = await store.insert_once(tx, new)
        if inbound_id is None:
            return None
        return _Heard(
            tx=tx,
            organization_id=organization_id,
            id=inbound_id,
            item=item,
            reading=reading,
            address_id=address_id,
            patient_id=patient_id,
            answer_to=candidates[0] if candidates else None,
            question=question,
            at=at,
            now=now,
        )

    async def _seal(self, tx: Tx, patient_id: int | None, body: str) -> bytes:
        if patient_id is None:
            return self._keys.seal_raw(body.encode(), context=_CONTEXT)
        key = await directory.subject_key_in(tx, self._keys, patient_id)
        return key.encrypt(body, context=_CONTEXT)

    async def _handle(self, heard: _Heard) -> Handled:
        if heard.address_id is not None and heard.reading.tells_wrong_number:
            await directory.mark_wrong_number_in(heard.tx, heard.address_id, now=heard.now)
        if heard.reading.ends_messages and heard.address_id is not None:
            return await self._confirm_stop(heard, heard.address_id)
        if heard.reading.intent in GRAVE:
            return await self._tell_staff(heard)
        if heard.answer_to is None or heard.address_id is None:
            return await self._leave_to_staff(heard, TaskKind.UNMATCHED_SENDER)
        if heard.reading.intent in ASKS_NOTHING:
            return await self._note(heard)
        if await self._may_mean_start(heard, heard.address_id):
            return await self._leave_to_staff(heard, TaskKind.RESUBSCRIBE_WISH)
        answers = {
            Intent.CONFIRM: self._confirm,
            Intent.RESCHEDULE: self._send_link,
            Intent.HELP: self._help,
        }
        answer = answers.get(heard.reading.intent, self._ask_back)
        return await answer(heard, heard.address_id)

    async def _confirm_stop(self, heard: _Heard, address_id: int) -> Handled:
        """Confirm the opt-out once, and let a person see what else may have been meant.

        The confirmation speaks of all messages: the end of marketing alone is a person's to
        confirm.
        """
        await self._tell_staff(heard)
        if Effect.MARKETING_ONLY in heard.reading.effects:
            await self._leave_to_staff(heard, TaskKind.UNCLEAR_REPLY)
        elif await self._must_confirm_stop(heard):
            await self._answer(
                heard, Purpose.REPLY_OPTOUT, order_key=f"optout:{address_id}:{heard.id}"
            )
        return Handled.OPTED_OUT

    async def _must_confirm_stop(self, heard: _Heard) -> bool:
        is_told = heard.item.opt_out_type == TWILIO_ANSWERED
        is_late = heard.now - heard.at > STOP_CONFIRMED_WITHIN
        if is_told or is_late or heard.answer_to is None:
            return False
        address_ids = await webhooks.stoppable_addresses_in(
            heard.tx,
            heard.organization_id,
            self._keys,
            heard.item.channel,
            heard.item.sender or "",
        )
        return not await store.has_stop_near(
            heard.tx, address_ids, at=heard.at, within=ONE_A_DAY, but=heard.id
        )

    async def _may_mean_start(self, heard: _Heard, address_id: int) -> bool:
        """START is for a person, and so is a YES from an address that was stopped."""
        if heard.reading.intent is Intent.START:
            return True
        if Effect.MAY_RESUBSCRIBE not in heard.reading.effects:
            return False
        states = (await consent.states_in(heard.tx, [address_id]))[address_id]
        return bool(states) and not any(state.granted for state in states.values())

    async def _confirm(self, heard: _Heard, address_id: int) -> Handled:
        """Confirm every visit of the message; of several, what has changed since is for a person,
        and the answer names the rest."""
        question = heard.question
        if question is None or not question.visits:
            return await self._offer_options(heard, address_id)
        if not question.is_clear:
            return await self._ask_back(heard, address_id)
        results = await self._actions.confirm_all_in(
            heard.tx,
            heard.organization_id,
            question.visits,
            via=heard.item.channel.value,
            now=heard.now,
        )
        confirmed = [one for one in question.visits if results[one] is not ActionResult.STALE]
        if not confirmed:
            return await self._ask_back(heard, address_id)
        if len(confirmed) < len(question.visits):
            await self._leave_to_staff(heard, TaskKind.UNCLEAR_REPLY)
        await self._answer(heard, Purpose.REPLY_CONFIRMED, about=confirmed)
        return Handled.CONFIRMED

    async def _send_link(self, heard: _Heard, address_id: int) -> Handled:
        """Send the link for another time; the visit stays until a person has moved it."""
        question = heard.question
        if question is None or not question.visits:
            return await self._offer_options(heard, address_id)
        standing = [one for one in question.visits if await _stands(heard, one)]
        if not (question.is_clear and standing):
            return await self._ask_back(heard, address_id)
        answer = await self._answer(heard, Purpose.REPLY_RESCHEDULE, about=standing)
        if answer.lifecycle is Lifecycle.REFUSED:
            return await self._leave_to_staff(heard, TaskKind.RESCHEDULE_WISH)
        return Handled.LINK_SENT

    async def _help(self, heard: _Heard, _address_id: int) -> Handled:
        await self._tell_staff(heard)
        await self._answer(heard, Purpose.REPLY_HELP)
        return Handled.HELPED

    async def _note(self, heard: _Heard) -> Handled:
        """Do nothing; a person reads what may say more."""
        is_for_staff = Effect.FOR_STAFF in heard.reading.effects
        return await self._tell_staff(heard) if is_for_staff else Handled.NOTED

    async def _tell_staff(self, heard: _Heard) -> Handled:
        """Leave a task for each thing that was said and that only a person can deal with."""
        for kind in _tasks(heard.reading):
            await self._leave_to_staff(heard, kind)
        return Handled.TO_STAFF

    async def _ask_back(self, heard: _Heard, address_id: int) -> Handled:
        """Leave the text to a person, and tell the patient what can be answered."""
        for kind in _tasks(heard.reading) or [TaskKind.UNCLEAR_REPLY]:
            await self._leave_to_staff(heard, kind)
        if await self._may_offer_options(heard, address_id):
            await self._answer(heard, Purpose.REPLY_OPTIONS)
            return Handled.OPTIONS_SENT
        return Handled.TO_STAFF

    async def _offer_options(self, heard: _Heard, address_id: int) -> Handled:
        """A known answer to no question: the options will do, or a person the second time."""
        if not await self._may_offer_options(heard, address_id):
            return await self._leave_to_staff(heard, TaskKind.UNCLEAR_REPLY)
        await self._answer(heard, Purpose.REPLY_OPTIONS)
        return Handled.OPTIONS_SENT

    async def _may_offer_options(self, heard: _Heard, address_id: int) -> bool:
        return not await store.has_options_near(
            heard.tx, address_id, at=heard.at, within=ONE_A_DAY, but=heard.id
        )

    async def _leave_to_staff(self, heard: _Heard, kind: TaskKind) -> Handled:
        task = StaffTask(
            kind=kind,
            patient_id=heard.patient_id,
            appointment_id=heard.question.appointment_id if heard.question else None,
            inbound_message_id=heard.id,
            note=heard.item.body,
        )
        await staff.add_task_in(heard.tx, heard.organization_id, self._keys, task, now=heard.now)
        return Handled.TO_STAFF

    async def _answer(
        self,
        heard: _Heard,
        purpose: Purpose,
        *,
        about: Sequence[VisitRef] = (),
        order_key: str | None = None,
    ) -> Admission:
        """Answer on the channel and to the address that the patient wrote from, `about` visits of
        one day in their order."""
        if heard.answer_to is None:
            raise ValueError("there is nobody to answer")
        order = SendOrder(
            patient_id=heard.answer_to,
            purpose=purpose,
            anchor=At(heard.now),
            order_key=order_key or f"reply:{heard.id}",
            ordered_by="inbound",
            channel=heard.item.channel,
            address_id=heard.address_id,
            appointment_id=about[0].appointment_id if about else None,
            appointment_version=about[0].version if about else None,
            answers_at=heard.at,
            others=tuple(about[1:]),
        )
        admissions = await self._messages.admit_in(
            heard.tx, heard.organization_id, [order], now=heard.now
        )
        return admissions[0]


async def _stands(heard: _Heard, asked: VisitRef) -> bool:
    """Whether the visit still is what the patient was asked about; a missed one counts."""
    visit = await directory.find_visit_in(heard.tx, asked.appointment_id)
    if visit is None or visit.version != asked.version:
        return False
    is_planned = visit.status in PLANNED and visit.starts_at > heard.now
    return is_planned or visit.status is AppointmentStatus.NO_SHOW


def _tasks(reading: Reading) -> list[TaskKind]:
    """What a reading leaves to people, each once, the intent's first."""
    of_intent = [kind for intent, kind in TASKS_OF_INTENT.items() if intent is reading.intent]
    of_effects = [kind for effect, kind in TASKS_OF_EFFECT.items() if effect in reading.effects]
    return list(dict.fromkeys([*of_intent, *of_effects]))


def _entry(heard: _Heard) -> AuditEntry:
    ids = {
        "inbound_message_id": heard.id,
        "address_id": heard.address_id,
        "patient_id": heard.patient_id,
        "message_id": heard.question.message_id if heard.question else None,
    }
    return AuditEntry(
        organization_id=heard.organization_id,
        at=heard.now,
        actor=PATIENT,
        action="inbound.received",
        subject={name: value for name, value in ids.items() if value is not None},
    )
