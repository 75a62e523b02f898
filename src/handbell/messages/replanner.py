"""Runs new plans: page by page as work of the outbox, or through at once for an operator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_

from handbell.audit.types import AuditEntry
from handbell.messages.replanning import (
    PAGE,
    TOPIC,
    Replanned,
    outdated,
    outdated_organizations,
    replan_page,
)
from handbell.messages.service import MessageService
from handbell.messages.tables import MessageRow
from handbell.platform import outbox
from handbell.platform.db import OrganizationId, Tx

Progress = Callable[[int], None]
ACTOR = "replan"


@dataclass(slots=True, kw_only=True)
class Totals:
    """What a run through an organisation did."""

    looked_at: int = 0
    moved: int = 0
    refused: int = 0


class Replanner:
    """Plans waiting messages anew. Safe beside sending and beside another one."""

    def __init__(self, messages: MessageService) -> None:
        self.db = messages.db
        self.audit = messages.audit
        self.parts = messages.parts

    async def replan(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Plan one page; where there may be more, leave the next page behind as work."""
        async with self.db.transaction(organization_id) as tx:
            done = await self._page(tx, organization_id, args, now=now)
            if done.looked_at == PAGE:
                more = {**args, "after": done.last_id}
                await outbox.add(tx, organization_id, TOPIC, more, now=now)

    async def replan_through(
        self,
        organization_id: OrganizationId,
        *,
        only_outdated: bool,
        now: datetime,
        progress: Progress | None = None,
    ) -> Totals:
        """Plan everything that waits, a page to a transaction; `progress` hears how many were
        looked at."""
        totals, after = Totals(), 0
        while True:
            args = {"after": after, **({"outdated": 1} if only_outdated else {})}
            async with self.db.transaction(organization_id) as tx:
                done = await self._page(tx, organization_id, args, now=now)
            totals.looked_at += done.looked_at
            totals.moved += done.moved
            totals.refused += len(done.refused_ids)
            if progress is not None and done.looked_at:
                progress(totals.looked_at)
            if done.last_id is None or done.looked_at < PAGE:
                return totals
            after = done.last_id

    async def replan_outdated_later(self, *, now: datetime) -> int:
        """Leave work behind for each organisation in which something waits that was planned
        with other rules or zone data than ours; say for how many."""
        async with self.db.engine_transaction() as tx:
            found = await outdated_organizations(tx)
            for organization_id in found:
                args = {"after": 0, "outdated": 1}
                await outbox.add(tx, OrganizationId(organization_id), TOPIC, args, now=now)
        return len(found)

    async def _page(
        self, tx: Tx, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> Replanned:
        done = await replan_page(tx, organization_id, _where(args), parts=self.parts, now=now)
        refused = [_entry(organization_id, one, now=now) for one in done.refused_ids]
        await self.audit.record_many(tx, refused)
        if done.is_due:
            await outbox.wake(tx)
        return done


def _where(args: Mapping[str, Any]) -> ColumnElement[bool]:
    where = [MessageRow.id > args.get("after", 0)]
    if "patient_id" in args:
        where.append(MessageRow.patient_id == args["patient_id"])
    if "outdated" in args:
        where.append(outdated())
    return and_(*where)


def _entry(organization_id: OrganizationId, message_id: int, *, now: datetime) -> AuditEntry:
    return AuditEntry(
        organization_id=organization_id,
        at=now,
        actor=ACTOR,
        action="message.refused",
        subject={"message_id": message_id},
    )
