"""Keeps the messages of a visit in step with the visit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from handbell.directory import service as directory
from handbell.directory.types import VisitFacts
from handbell.messages.service import BY_PLAN, MessageService
from handbell.messages.types import SendOrder, VisitRef
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Purpose
from handbell.reminders import merging
from handbell.reminders.types import Wanted

KEY_OF_PURPOSE: Final = {Purpose.APPT_CONFIRM: "confirm", Purpose.NO_SHOW: "no_show"}


class ReminderService:
    """Plans confirmations, reminders and notes after a missed visit (R8.1, R8.2)."""

    def __init__(self, db: Database, messages: MessageService) -> None:
        self.db = db
        self.messages = messages

    async def plan(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Bring the messages of `args["appointment_id"]` in step with the visit, and with it the
        reminders of the visits that share a day or a message with it.

        It plans what is true now, whichever change asked for it: late, early or twice.
        """
        async with self.db.transaction(organization_id) as tx:
            visits = await self._lock(tx, args["appointment_id"])
            visit = visits.pop(args["appointment_id"], None)
            if visit is None:
                return
            known = await self.messages.about_visits_in(tx, [visit.appointment_id, *visits])
            changes = merging.decide_day(visit, list(visits.values()), known, now=now)
            await self.messages.withdraw_in(tx, organization_id, changes.withdraw, now=now)
            for of, message_ids in changes.rebase:
                await self.messages.rebase_in(
                    tx,
                    message_ids,
                    appointment_id=of.appointment_id,
                    appointment_version=of.version,
                )
            orders = [to_order(one) for one in changes.admit]
            await self.messages.admit_in(tx, organization_id, orders, now=now)

    async def _lock(self, tx: Tx, appointment_id: int) -> dict[int, VisitFacts]:
        """The visit, those that any message tells of together with it, and the visits of the
        days of all these, held and in their order: a message that loses one visit is made anew
        about all of its day.

        One that comes to share its day meanwhile is planned by its own event, after this.
        """
        told = {appointment_id} | await self.messages.told_together_in(tx, appointment_id)
        wanted = told | await directory.same_day_in(tx, told)
        return {one.appointment_id: one for one in await directory.lock_visits_in(tx, wanted)}


def to_order(wanted: Wanted) -> SendOrder:
    """An order whose key names the first visit, its version and which of its messages it is. What
    takes the place of another message names that, too: the visit is the same as before."""
    planned, (visit, *others) = wanted.planned, wanted.visits
    name = KEY_OF_PURPOSE.get(planned.purpose) or planned.hours_before
    key = f"appt:{visit.appointment_id}:v{visit.version}:{name}"
    return SendOrder(
        patient_id=visit.patient_id,
        purpose=planned.purpose,
        anchor=planned.anchor,
        order_key=key if wanted.after is None else f"{key}:after{wanted.after}",
        ordered_by=BY_PLAN,
        appointment_id=visit.appointment_id,
        appointment_version=visit.version,
        reminder_offset=planned.reminder_offset,
        serves_at=planned.serves_at,
        others=tuple(
            VisitRef(
                appointment_id=one.appointment_id,
                version=one.version,
                starts_at=one.starts_at,
            )
            for one in others
        ),
    )
