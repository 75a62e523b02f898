"""Takes what patients write: finds the visit it is about, does what it asks, and answers.

Whatever is not clear goes to a person; an answer is a message like any other and passes the gate.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from handbell.actions.service import ActionService
from handbell.actions.types import ActionResult
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.channels.types import InboundText
from handbell.consent import service as consent
from handbell.directory import service as directory
from handbell.directory.types import AppointmentStatus, HeldFor
from handbell.inbound import policy, restarting, store, suppressing, written
from handbell.inbound.strangers import stranger_in
from handbell.inbound.types import Handled, Heard, Listener
from handbell.messages.service import MessageService
from handbell.messages.types import Admission, Lifecycle, Question, SendOrder, VisitRef
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Purpose
from handbell.replies.policy import reply_parser
from handbell.replies.types import Context, Effect, Intent, Reading
from handbell.scheduling.types import At
from handbell.staff import service as staff
from handbell.staff.types import StaffTask, TaskKind
from handbell.webhooks import service as webhooks

PATIENT: Final = "patient"
STOP_CONFIRMED_WITHIN: Final = timedelta(minutes=5)
"""A later confirmation of an opt-out would need a reason (TCPA-10): none is sent."""
ONE_A_DAY: Final = timedelta(hours=24)
"""One confirmation of an opt-out and one list of the options for an address in this time."""
PLANNED: Final = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED})
ASKS_NOTHING: Final = frozenset({Intent.NOTHING, Intent.TAPBACK})
CLEAR: Final = frozenset({Intent.CONFIRM, Intent.RESCHEDULE, Intent.START})
"""Who says this wants to be written to."""
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
_CONTEXT: Final = written.BODY_CONTEXT
WrittenText = written.WrittenText
written_in = written.written_in
give_to_in = written.give_to_in

log = structlog.get_logger(__name__)


class InboundService:
    """The other side of the conversation. Implements the webhooks' port `Inbound`."""

    def __init__(
        self, keys: KeyRing, audit: AuditService, messages: MessageService, actions: ActionService
    ) -> None:
        self._keys = keys
        self._audit = audit
        self._messages = messages
        self._actions = actions
        self._listener: Listener | None = None

    def tell(self, listener: Listener) -> None:
        """Let somebody above hear of each message; called where the product is put together."""
        self._listener = listener

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
        handled = await self._handle(heard)
        await store.mark_handled(tx, heard.id, handled)
        await self._audit.record(tx, _entry(heard))
        if self._listener is not None:
            await self._listener.heard_in(heard, handled)

    async def _hold_address(
        self, tx: Tx, organization_id: OrganizationId, item: InboundText
    ) -> int | None:
        if item.sender is None:
            return None
        address_id = await webhooks.address_in(
            tx, organization_id, self._keys, item.channel, item.sender
        )
        hashes = webhooks.hashes_of(self._keys, item.channel, item.sender)
        await store.hold_number(tx, hashes)
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
    ) -> Heard | None:
        """Keep the message with all that is known of it; None when it was kept before."""
        question, patients = None, []
        if address_id is not None:
            patients = await directory.patients_on_address_in(tx, address_id)
            question = await self._messages.find_question_in(
                tx, organization_id, address_id, context_ref=item.context_ref, now=at
            )
        candidates = [question.patient_id] if question else patients
        patient_id = candidates[0] if len(candidates) == 1 else None
        context = await self._context(tx, address_id, question, patients, now=at)
        reading = reply_parser().read(item.body, context=context, provider_says=item.opt_out_type)
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
        return Heard(
            tx=tx,
            organization_id=organization_id,
            id=inbound_id,
            item=item,
            reading=reading,
            address_id=address_id,
            patient_id=patient_id,
            answer_to=candidates[0] if candidates else None,
            patients=tuple(patients),
            question=question,
            at=at,
            now=now,
        )

    async def _context(
        self,
        tx: Tx,
        address_id: int | None,
        question: Question | None,
        patients: Sequence[int],
        *,
        now: datetime,
    ) -> Context:
        """What the text can be an answer to, as the parser is told."""
        if address_id is None:
            return Context.NO_OPEN_VISIT
        states = (await consent.states_in(tx, [address_id]))[address_id]
        is_open = question is not None and bool(question.visits)
        return policy.context_of(
            question,
            patients,
            is_opted_out=bool(states) and not any(one.granted for one in states.values()),
            is_after_marketing=not is_open
            and await self._messages.was_marketing_last_in(tx, address_id, now=now),
        )

    async def _seal(self, tx: Tx, patient_id: int | None, body: str) -> bytes:
        if patient_id is None:
            return self._keys.seal_raw(body.encode(), context=_CONTEXT)
        key = await directory.subject_key_in(tx, self._keys, patient_id)
        return key.encrypt(body, context=_CONTEXT)

    async def _handle(self, heard: Heard) -> Handled:
        """What cannot wait first: a number that is not theirs, danger, the end of messages."""
        await self._suppress(heard)
        reading = heard.reading
        if reading.intent is Intent.CRISIS:
            return await self._answer_crisis(heard)
        if reading.ends_messages and heard.address_id is not None:
            return await self._confirm_stop(heard, heard.address_id)
        if reading.tells_wrong_number or reading.tells_death:
            return await self._note_suppressed(heard)
        return await self._handle_word(heard)

    async def _suppress(self, heard: Heard) -> None:
        if heard.reading.tells_wrong_number:
            await suppressing.mark_wrong_in(heard, self._keys, self._audit)
        if heard.reading.tells_death:
            await suppressing.hold_in(heard, self._keys, self._audit, HeldFor.DECEASED)

    async def _handle_word(self, heard: Heard) -> Handled:
        """HELP and START are answered whoever writes; the rest is for those whom we know."""
        if heard.reading.intent is Intent.HELP:
            return await self._help(heard)
        if heard.reading.intent is Intent.START and heard.address_id is not None:
            return await self._start(heard)
        if heard.answer_to is None or heard.address_id is None:
            return await self._leave_to_staff(heard, TaskKind.UNMATCHED_SENDER)
        return await self._handle_wish(heard, heard.address_id)

    async def _handle_wish(self, heard: Heard, address_id: int) -> Handled:
        """What a known patient asks for, or seems to."""
        reading = heard.reading
        if reading.intent in ASKS_NOTHING:
            return await self._note(heard)
        if reading.intent is Intent.HOLD:
            return await self._hold(heard, address_id)
        if Effect.ASK_WHICH in reading.effects:
            return await self._ask_which(heard, address_id)
        if Effect.MAY_RESUBSCRIBE in reading.effects and reading.intent is Intent.OTHER:
            return await self._leave_to_staff(heard, TaskKind.RESUBSCRIBE_WISH)
        if reading.intent in CLEAR:
            await suppressing.release_in(heard, self._keys, self._audit)
        answers = {Intent.CONFIRM: self._confirm, Intent.RESCHEDULE: self._send_link}
        answer = answers.get(reading.intent, self._ask_back)
        return await answer(heard, address_id)

    async def _answer_crisis(self, heard: Heard) -> Handled:
        """Say where help is, whoever wrote, and let a person see it before anything else. An
        end of messages that was asked for as well is confirmed too."""
        log.warning("inbound.crisis", inbound_message_id=heard.id)
        await suppressing.record_in(heard, self._audit, "inbound.crisis", [])
        if await self._answer_anybody(heard, Purpose.REPLY_CRISIS) is None:
            log.warning("inbound.crisis_unanswered", inbound_message_id=heard.id)
        if heard.reading.ends_messages and heard.address_id is not None:
            return await self._confirm_stop(heard, heard.address_id)
        await self._tell_staff(heard)
        return Handled.CRISIS_ANSWERED

    async def _confirm_stop(self, heard: Heard, address_id: int) -> Handled:
        """Confirm the opt-out once, and let a person see what else may have been meant."""
        await self._tell_staff(heard)
        is_marketing = Effect.MARKETING_ONLY in heard.reading.effects
        if heard.answer_to is not None and await self._must_confirm_stop(heard):
            await self._answer(
                heard,
                Purpose.REPLY_MARKETING_OPTOUT if is_marketing else Purpose.REPLY_OPTOUT,
                order_key=f"optout:{address_id}:{heard.id}",
            )
        return Handled.MARKETING_ENDED if is_marketing else Handled.OPTED_OUT

    async def _must_confirm_stop(self, heard: Heard) -> bool:
        is_late = heard.now - heard.at > STOP_CONFIRMED_WITHIN
        if policy.has_twilio_stopped(heard.item) or is_late:
            return False
        address_ids = await suppressing.numbers_of(heard, self._keys)
        return not await store.has_stop_near(
            heard.tx, address_ids, at=heard.at, within=ONE_A_DAY, but=heard.id
        )

    async def _note_suppressed(self, heard: Heard) -> Handled:
        """A neutral word to whoever has the number, and a person who looks into it."""
        await self._tell_staff(heard)
        if heard.answer_to is not None and await self._may_offer_options(heard):
            await self._answer(heard, Purpose.REPLY_NOTED)
        return Handled.SUPPRESSED

    async def _start(self, heard: Heard) -> Handled:
        """Messages about care go to the number again: what was stopped, as it stood before."""
        restarted = await restarting.restart_in(heard, self._keys, self._audit)
        if restarted:
            await self._messages.remind_again_in(
                heard.tx,
                heard.organization_id,
                await suppressing.numbers_of(heard, self._keys),
                key=f"start:{heard.id}",
                now=heard.now,
            )
        await suppressing.release_in(heard, self._keys, self._audit)
        if heard.answer_to is None:
            return await self._leave_to_staff(heard, TaskKind.UNMATCHED_SENDER)
        if restarted and not policy.has_twilio_started(heard.item):
            await self._answer(heard, Purpose.REPLY_OPTIN)
        if not restarted:
            await self._answer_anybody(heard, Purpose.REPLY_HELP)
        return Handled.RESUBSCRIBED if restarted else Handled.HELPED

    async def _hold(self, heard: Heard, address_id: int) -> Handled:
        """Perhaps an end of all messages: what can wait does, and the patient is asked once."""
        await suppressing.hold_in(heard, self._keys, self._audit, HeldFor.POSSIBLE_OPT_OUT)
        await self._ask_back(heard, address_id)
        return Handled.HELD

    async def _ask_which(self, heard: Heard, address_id: int) -> Handled:
        """Several visits, or several patients: nothing is guessed."""
        if heard.question is None or not heard.question.visits:
            return await self._offer_options(heard, address_id)
        await self._leave_tasks(heard)
        if not await self._may_offer_options(heard):
            return Handled.TO_STAFF
        await self._answer(heard, Purpose.REPLY_WHICH)
        return Handled.ASKED_WHICH

    async def _confirm(self, heard: Heard, address_id: int) -> Handled:
        """Confirm every visit of the message; of several, what has changed since is for a person,
        and the answer names the rest."""
        question = heard.question
        if question is None or not question.visits:
            return await self._offer_options(heard, address_id)
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

    async def _send_link(self, heard: Heard, address_id: int) -> Handled:
        """Send the link for another time; the visit stays until a person has moved it."""
        question = heard.question
        if question is None or not question.visits:
            return await self._offer_options(heard, address_id)
        standing = [one for one in question.visits if await _stands(heard, one)]
        if not standing:
            return await self._ask_back(heard, address_id)
        answer = await self._answer(heard, Purpose.REPLY_RESCHEDULE, about=standing)
        if answer.lifecycle is Lifecycle.REFUSED:
            return await self._leave_to_staff(heard, TaskKind.RESCHEDULE_WISH)
        return Handled.LINK_SENT

    async def _help(self, heard: Heard) -> Handled:
        """Answer in general words, whoever asks and whether or not they opted out (CT-04)."""
        await self._tell_staff(heard)
        if policy.has_twilio_helped(heard.item):
            return Handled.HELPED
        answered = await self._answer_anybody(heard, Purpose.REPLY_HELP)
        if answered is None:
            return await self._leave_to_staff(heard, TaskKind.UNMATCHED_SENDER)
        return Handled.HELPED

    async def _note(self, heard: Heard) -> Handled:
        """Do nothing; a person reads what may say more."""
        is_for_staff = Effect.FOR_STAFF in heard.reading.effects
        return await self._tell_staff(heard) if is_for_staff else Handled.NOTED

    async def _tell_staff(self, heard: Heard) -> Handled:
        """Leave a task for each thing that was said and that only a person can deal with."""
        for kind in _tasks(heard.reading):
            await self._leave_to_staff(heard, kind)
        return Handled.TO_STAFF

    async def _leave_tasks(self, heard: Heard) -> None:
        for kind in _tasks(heard.reading) or [TaskKind.UNCLEAR_REPLY]:
            await self._leave_to_staff(heard, kind)

    async def _ask_back(self, heard: Heard, _address_id: int) -> Handled:
        """Leave the text to a person, and tell the patient what can be answered."""
        await self._leave_tasks(heard)
        if await self._may_offer_options(heard):
            await self._answer(heard, Purpose.REPLY_OPTIONS)
            return Handled.OPTIONS_SENT
        return Handled.TO_STAFF

    async def _offer_options(self, heard: Heard, _address_id: int) -> Handled:
        """A known answer to no question: the options will do, or a person the second time."""
        if not await self._may_offer_options(heard):
            return await self._leave_to_staff(heard, TaskKind.UNCLEAR_REPLY)
        await self._answer(heard, Purpose.REPLY_OPTIONS)
        return Handled.OPTIONS_SENT

    async def _may_offer_options(self, heard: Heard) -> bool:
        """Whether the address was not asked back within a day."""
        if heard.address_id is None:
            return False
        return not await store.has_question_near(
            heard.tx, heard.address_id, at=heard.at, within=ONE_A_DAY, but=heard.id
        )

    async def _leave_to_staff(self, heard: Heard, kind: TaskKind) -> Handled:
        task = StaffTask(
            kind=kind,
            patient_id=heard.patient_id,
            appointment_id=heard.question.appointment_id if heard.question else None,
            inbound_message_id=heard.id,
            note=heard.item.body,
        )
        await staff.add_task_in(heard.tx, heard.organization_id, self._keys, task, now=heard.now)
        return Handled.TO_STAFF

    async def _answer_anybody(self, heard: Heard, purpose: Purpose) -> Admission | None:
        """Answer a stranger as well, in the same words; None where no answer can go."""
        if heard.address_id is None or heard.item.sender is None:
            return None
        if heard.answer_to is not None:
            return await self._answer(heard, purpose)
        stranger_id = await stranger_in(
            heard.tx,
            heard.organization_id,
            self._keys,
            (heard.item.channel, heard.item.sender, heard.address_id),
            now=heard.now,
        )
        if stranger_id is None:
            return None
        return await self._answer(replace(heard, answer_to=stranger_id), purpose)

    async def _answer(
        self,
        heard: Heard,
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


async def _stands(heard: Heard, asked: VisitRef) -> bool:
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


def _entry(heard: Heard) -> AuditEntry:
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
