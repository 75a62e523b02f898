"""What is done to a visit: confirmed, wished elsewhere, cancelled; each in the caller's
transaction, on the version that was asked about, and logged."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from handbell.actions import policy
from handbell.actions.ports import Messages
from handbell.actions.types import ActionResult, Choice, Flaw, Press
from handbell.actions.wishes import with_slot
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry, SubjectIds
from handbell.directory import service as directory
from handbell.directory.types import VisitFacts, VisitView
from handbell.links.types import Link
from handbell.messages.types import VisitRef
from handbell.platform import outbox
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.staff import service as staff
from handbell.staff.types import StaffTask, TaskKind

PATIENT: Final = "patient"
PLAN_TOPIC: Final = "reminders.plan"
"""Brings the messages of a visit in step with it, after the commit."""
CONFIRMED_TOO_LATE: Final = "The patient confirmed by a link, but the visit has changed since."
CANCELLED: Final = "The patient cancelled the visit by a link. Please free its time."
CANCELLED_TOO_LATE: Final = (
    "The patient wanted to cancel by a link, but the visit has changed since."
)


class Visiting:
    """Changes visits as their patients ask."""

    def __init__(self, keys: KeyRing, audit: AuditService, messages: Messages) -> None:
        self._keys = keys
        self._audit = audit
        self._messages = messages

    async def confirm(
        self, tx: Tx, organization_id: OrganizationId, asked: VisitRef, *, via: str, now: datetime
    ) -> ActionResult:
        """Confirm one visit; a second time nothing is written."""
        visit = await directory.lock_visit_in(tx, asked.appointment_id)
        result = policy.decide_confirm(visit, version=asked.version, now=now)
        if result is ActionResult.DONE:
            await directory.set_confirmed_in(tx, asked.appointment_id, now=now)
        if result is not ActionResult.ALREADY_DONE:
            is_done = result is ActionResult.DONE
            action = "appointment.confirmed" if is_done else "appointment.confirm_refused"
            subject = _subject(asked, visit, via)
            await self._record(tx, organization_id, action, subject, now=now)
        return result

    async def confirm_all(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        visits: Iterable[VisitRef],
        *,
        via: str,
        now: datetime,
    ) -> dict[VisitRef, ActionResult]:
        """Confirm several, in the order of their ids."""
        return {
            one: await self.confirm(tx, organization_id, one, via=via, now=now)
            for one in sorted(visits, key=lambda one: one.appointment_id)
        }

    async def wish_to_move(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        asked: VisitRef,
        *,
        via: str,
        wish: str | None,
        now: datetime,
    ) -> ActionResult:
        """Leave the wish for staff; the visit stays as it is."""
        visit = await directory.lock_visit_in(tx, asked.appointment_id)
        result = policy.decide_move(visit, version=asked.version, now=now)
        is_done = result is ActionResult.DONE
        if visit is not None and is_done:
            task = _task(TaskKind.RESCHEDULE_WISH, visit.patient_id, asked.appointment_id, wish)
            await staff.add_task_in(tx, organization_id, self._keys, task, now=now)
        action = "appointment.move_wished" if is_done else "appointment.move_refused"
        await self._record(tx, organization_id, action, _subject(asked, visit, via), now=now)
        return result

    async def cancel(
        self, tx: Tx, organization_id: OrganizationId, asked: VisitRef, *, via: str, now: datetime
    ) -> ActionResult:
        """Cancel one visit: its reminders are withdrawn, and staff free its time."""
        visit = await directory.lock_visit_in(tx, asked.appointment_id)
        result = policy.decide_cancel(visit, version=asked.version, now=now)
        is_done = result is ActionResult.DONE
        if visit is not None and is_done:
            await directory.set_cancelled_in(tx, asked.appointment_id, now=now)
            args = {"appointment_id": asked.appointment_id}
            await outbox.add(tx, organization_id, PLAN_TOPIC, args, now=now)
            kind = TaskKind.POSSIBLE_CANCELLATION
            task = _task(kind, visit.patient_id, asked.appointment_id, CANCELLED)
            await staff.add_task_in(tx, organization_id, self._keys, task, now=now)
        action = "appointment.cancelled_by_patient" if is_done else "appointment.cancel_refused"
        await self._record(tx, organization_id, action, _subject(asked, visit, via), now=now)
        return result

    async def carry_out(
        self, tx: Tx, link: Link, press: Press, *, now: datetime
    ) -> ActionResult | Flaw:
        """Do what a press on the page of a link asks for; a flaw means that nothing was done."""
        if link.appointment_id is None:
            return ActionResult.STALE
        first = VisitRef(
            appointment_id=link.appointment_id, version=link.appointment_version, starts_at=None
        )
        organization_id, via = link.organization_id, f"link:{link.id}"
        if press.choice in (Choice.CONFIRM, Choice.CANCEL):
            one = self.confirm if press.choice is Choice.CONFIRM else self.cancel
            visits = sorted(
                (first, *await self._others(tx, link)), key=lambda visit: visit.appointment_id
            )
            results = {
                visit: await one(tx, organization_id, visit, via=via, now=now) for visit in visits
            }
            is_stale = ActionResult.STALE in results.values()
            return ActionResult.STALE if is_stale else results[first]
        wish = press.wish
        visit = await directory.find_visit_in(tx, first.appointment_id)
        stands = policy.decide_move(visit, version=first.version, now=now) is ActionResult.DONE
        if press.slot_id is not None and visit is not None and stands:
            wish = await self._with_slot(tx, visit, press, now=now)
            if wish is None:
                return Flaw.SLOT_TAKEN
        return await self.wish_to_move(tx, organization_id, first, via=via, wish=wish, now=now)

    async def tell_staff(self, tx: Tx, link: Link, press: Press, *, now: datetime) -> None:
        """Leave the answer to a person, so that nobody waits for a visit that is not there."""
        kind, note = {
            Choice.RESCHEDULE: (TaskKind.RESCHEDULE_WISH, press.wish),
            Choice.CANCEL: (TaskKind.POSSIBLE_CANCELLATION, CANCELLED_TOO_LATE),
        }.get(press.choice, (TaskKind.UNCLEAR_REPLY, CONFIRMED_TOO_LATE))
        task = _task(kind, link.patient_id, link.appointment_id, note)
        await staff.add_task_in(tx, link.organization_id, self._keys, task, now=now)

    async def _others(self, tx: Tx, link: Link) -> tuple[VisitRef, ...]:
        if link.message_id is None:
            return ()
        return await self._messages.other_visits_in(tx, link.message_id)

    async def _with_slot(
        self, tx: Tx, visit: VisitView, press: Press, *, now: datetime
    ) -> str | None:
        """The wish with the slot that was chosen in front; None where it is taken."""
        if visit.provider_id is None or press.slot_id is None:
            return None
        slot = await directory.want_slot_in(
            tx,
            press.slot_id,
            provider_id=visit.provider_id,
            appointment_id=visit.appointment_id,
            now=now,
        )
        return None if slot is None else with_slot(slot, press.wish)

    async def _record(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        action: str,
        subject: SubjectIds,
        *,
        now: datetime,
    ) -> None:
        entry = AuditEntry(
            organization_id=organization_id, at=now, actor=PATIENT, action=action, subject=subject
        )
        await self._audit.record(tx, entry)


def _task(
    kind: TaskKind, patient_id: int, appointment_id: int | None, note: str | None
) -> StaffTask:
    return StaffTask(kind=kind, patient_id=patient_id, appointment_id=appointment_id, note=note)


def _subject(asked: VisitRef, visit: VisitFacts | None, via: str) -> SubjectIds:
    subject: dict[str, int | str] = {"appointment_id": asked.appointment_id, "via": via}
    if asked.version is not None:
        subject["version"] = asked.version
    if visit is not None:
        subject["patient_id"] = visit.patient_id
    return subject
