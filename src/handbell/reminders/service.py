"""Keeps the messages of a visit in step with the visit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from handbell.directory import service as directory
from handbell.directory.types import VisitFacts
from handbell.messages.service import MessageService
from handbell.messages.types import SendOrder
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Purpose
from handbell.reminders import policy
from handbell.reminders.types import PlannedReminder

ORDERED_BY: Final = "reminders"
KEY_OF_PURPOSE: Final = {Purpose.APPT_CONFIRM: "confirm", Purpose.NO_SHOW: "no_show"}


class ReminderService:
    """Plans confirmations, reminders and notes after a missed visit (R8.1, R8.2)."""

    def __init__(self, db: Database, messages: MessageService) -> None:
        self.db = db
        self.messages = messages

    async def plan(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Bring the messages of `args["appointment_id"]` in step with the visit.

        It plans what is true now, whichever change asked for it: late, early or twice.
        """
        async with self.db.transaction(organization_id) as tx:
            visit = await directory.lock_visit_in(tx, args["appointment_id"])
            if visit is None:
                return
            standing = await self.messages.pending_of_in(tx, visit.appointment_id)
            planned = policy.plan(visit, now=now)
            changes = policy.decide_changes(visit, planned, standing)
            await self.messages.withdraw_in(tx, organization_id, changes.withdraw, now=now)
            await self.messages.rebase_in(tx, changes.rebase, appointment_version=visit.version)
            orders = [to_order(visit, one) for one in changes.admit]
            await self.messages.admit_in(tx, organization_id, orders, now=now)


def to_order(visit: VisitFacts, planned: PlannedReminder) -> SendOrder:
    """An order whose key names the visit, its version and which of its messages it is."""
    name = KEY_OF_PURPOSE.get(planned.purpose) or planned.hours_before
    return SendOrder(
        patient_id=visit.patient_id,
        purpose=planned.purpose,
        anchor=planned.anchor,
        order_key=f"appt:{visit.appointment_id}:v{visit.version}:{name}",
        ordered_by=ORDERED_BY,
        appointment_id=visit.appointment_id,
        appointment_version=visit.version,
        reminder_offset=planned.reminder_offset,
        serves_at=planned.serves_at,
    )
