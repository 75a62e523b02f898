"""Carries out what a patient asks for by a link or a reply; the only way to do it.

A visit is changed only while it is the version that the patient was told of.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from handbell.actions import policy
from handbell.actions.showing import show
from handbell.actions.types import SHOWS_VISIT, ActionResult, Choice, Page, PageKind
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry, SubjectIds
from handbell.consent import service as consent
from handbell.consent.types import Decision, Kind, Method
from handbell.directory import service as directory
from handbell.directory.types import VisitFacts, VisitView
from handbell.links import service as links
from handbell.links.types import Link, LinkKind
from handbell.messages.types import Admission, Lifecycle, SendOrder, VisitRef
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import MessageClass, Purpose
from handbell.scheduling.types import At
from handbell.staff import service as staff
from handbell.staff.types import StaffTask, TaskKind

PATIENT: Final = "patient"
NOT_SENT: Final = frozenset(
    {Lifecycle.REFUSED, Lifecycle.CANCELLED, Lifecycle.EXPIRED, Lifecycle.FAILED}
)
CONFIRMED_TOO_LATE: Final = "The patient confirmed by a link, but the visit has changed since."


class Messages(Protocol):
    """Where a fresh link is ordered, and what else the message of a link tells of."""

    async def admit(
        self, organization_id: OrganizationId, order: SendOrder, *, now: datetime
    ) -> Admission: ...

    async def other_visits_in(self, tx: Tx, message_id: int) -> tuple[VisitRef, ...]: ...


class Delivery(Protocol):
    """How an address is stopped."""

    async def opt_out_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        address_ids: list[int],
        decision: Decision,
        *,
        now: datetime,
    ) -> object: ...

    async def settle(self, organization_id: OrganizationId, address_ids: list[int]) -> int: ...


class ActionService:
    """Confirms, takes wishes to move, stops mailboxes, and says what a page shows."""

    def __init__(
        self,
        db: Database,
        keys: KeyRing,
        audit: AuditService,
        messages: Messages,
        delivery: Delivery,
    ) -> None:
        self.db = db
        self.keys = keys
        self.audit = audit
        self.messages = messages
        self.delivery = delivery

    async def confirm_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        *,
        appointment_id: int,
        version: int | None,
        via: str,
        now: datetime,
    ) -> ActionResult:
        """Confirm the visit unless it is no longer what the patient was asked about.

        Holds the visit's row. `via` says how the patient asked, such as `sms` or `link:12`.
        """
        visit = await directory.lock_visit_in(tx, appointment_id)
        result = policy.decide_confirm(visit, version=version, now=now)
        if result is ActionResult.DONE:
            await directory.set_confirmed_in(tx, appointment_id, now=now)
        if result is not ActionResult.ALREADY_DONE:
            is_done = result is ActionResult.DONE
            action = "appointment.confirmed" if is_done else "appointment.confirm_refused"
            subject = _subject(appointment_id, version, visit, via)
            await self._record(tx, organization_id, action, subject, now=now)
        return result

    async def confirm_all_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        visits: Iterable[VisitRef],
        *,
        via: str,
        now: datetime,
    ) -> dict[VisitRef, ActionResult]:
        """Confirm each visit of a message that told of several; one that has changed since costs
        the others nothing. Their rows are held in the order of their ids."""
        return {
            one: await self.confirm_in(
                tx,
                organization_id,
                appointment_id=one.appointment_id,
                version=one.version,
                via=via,
                now=now,
            )
            for one in sorted(visits, key=lambda one: one.appointment_id)
        }

    async def wish_to_move_in(  # noqa: PLR0913 - the wish comes on top of what confirming takes
        self,
        tx: Tx,
        organization_id: OrganizationId,
        *,
        appointment_id: int,
        version: int | None,
        via: str,
        wish: str | None,
        now: datetime,
    ) -> ActionResult:
        """Leave the wish for staff; the visit stays as it is. A missed visit counts too."""
        visit = await directory.lock_visit_in(tx, appointment_id)
        result = policy.decide_move(visit, version=version, now=now)
        if visit is not None and result is ActionResult.DONE:
            task = StaffTask(
                kind=TaskKind.RESCHEDULE_WISH,
                patient_id=visit.patient_id,
                appointment_id=appointment_id,
                inbound_message_id=None,
                note=wish,
            )
            await staff.add_task_in(tx, organization_id, self.keys, task, now=now)
        is_done = result is ActionResult.DONE
        action = "appointment.move_wished" if is_done else "appointment.move_refused"
        subject = _subject(appointment_id, version, visit, via)
        await self._record(tx, organization_id, action, subject, now=now)
        return result

    async def open_link(self, token: str, *, now: datetime) -> Page:
        """The page behind a care link. Nothing changes; that a visit was shown is logged."""
        link = await self._find(token, is_unsubscribe=False)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        async with self.db.transaction(link.organization_id) as tx:
            page = await self._page(tx, link, now=now)
            if page.kind in SHOWS_VISIT:
                subject = {"link_id": link.id, "patient_id": link.patient_id}
                await self._record(tx, link.organization_id, "link.shown", subject, now=now)
        return page

    async def act(
        self, token: str, choice: Choice, *, wish: str | None = None, now: datetime
    ) -> Page:
        """Do what a button asks, and give the page that says what came of it. A link of a message
        that tells of several visits confirms each; what has changed since is for a person.

        Each choice acts once per link: a repetition changes nothing and shows the same page.
        What the link is not for is not done.
        """
        link = await self._find(token, is_unsubscribe=False)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        if choice is Choice.FRESH:
            return await self._send_fresh(link, now=now)
        async with self.db.transaction(link.organization_id) as tx:
            link = await links.lock_in(tx, link.id)
            if not policy.may_spend(link, choice, now=now):
                return await self._page(tx, link, now=now)
            result = await self._carry_out(tx, link, choice, wish, now=now)
            link = await links.spend_in(tx, link.id, choice, now=now)
            page = await self._page(tx, link, now=now)
            if policy.must_tell(choice, result, page.kind):
                await self._tell_staff(tx, link, choice, wish, now=now)
                page = replace(page, is_told=True)
        return page

    async def open_unsubscribe(self, token: str, *, now: datetime) -> Page:
        """The page with the one button. Nothing changes."""
        link = await self._find(token, is_unsubscribe=True)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        async with self.db.transaction(link.organization_id) as tx:
            stands = await _has_stopped(tx, link)
            kind = PageKind.UNSUBSCRIBED if stands else PageKind.UNSUBSCRIBE
            return await show(tx, self.keys, link, kind, now=now)

    async def unsubscribe(self, token: str, *, now: datetime, ip: str | None) -> Page:
        """Stop the mailbox for every class but emergencies (RFC 8058, R7.10), as often as asked.

        A link that is older than its 60 days still stops: a missed opt-out is the worst error.
        While the stop of this link stands, a repetition adds nothing to the ledger.
        """
        link = await self._find(token, is_unsubscribe=True)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        async with self.db.transaction(link.organization_id) as tx:
            link = await links.lock_in(tx, link.id)
            if not await _has_stopped(tx, link):
                decision = _stop(ip, now=now)
                await self.delivery.opt_out_in(
                    tx, link.organization_id, [link.address_id], decision, now=now
                )
                await links.spend_in(tx, link.id, LinkKind.UNSUBSCRIBE, now=now)
            page = await show(tx, self.keys, link, PageKind.UNSUBSCRIBED, now=now)
        await self.delivery.settle(link.organization_id, [link.address_id])
        return page

    async def _find(self, token: str, *, is_unsubscribe: bool) -> Link | None:
        link = await links.find(self.db, self.keys, token)
        if link is None or (link.kind is LinkKind.UNSUBSCRIBE) is not is_unsubscribe:
            return None
        return link

    async def _page(self, tx: Tx, link: Link, *, now: datetime) -> Page:
        visit = await _visit_of(tx, link)
        kind = policy.decide_page(link, visit, now=now)
        if visit is None:
            return await show(tx, self.keys, link, kind, now=now)
        others = [
            found
            for one in await self._others(tx, link)
            if (found := await directory.find_visit_in(tx, one.appointment_id)) is not None
            and found.version == one.version
            and policy.is_open(found, now=now)
        ]
        return await show(tx, self.keys, link, kind, [visit, *others], now=now)

    async def _others(self, tx: Tx, link: Link) -> tuple[VisitRef, ...]:
        if link.message_id is None:
            return ()
        return await self.messages.other_visits_in(tx, link.message_id)

    async def _carry_out(
        self, tx: Tx, link: Link, choice: Choice, wish: str | None, *, now: datetime
    ) -> ActionResult:
        if link.appointment_id is None:
            return ActionResult.STALE
        if choice is Choice.CONFIRM:
            first = VisitRef(
                appointment_id=link.appointment_id,
                version=link.appointment_version,
                starts_at=None,
            )
            visits = (first, *await self._others(tx, link))
            results = await self.confirm_all_in(
                tx, link.organization_id, visits, via=f"link:{link.id}", now=now
            )
            is_stale = ActionResult.STALE in results.values()
            return ActionResult.STALE if is_stale else results[first]
        return await self.wish_to_move_in(
            tx,
            link.organization_id,
            appointment_id=link.appointment_id,
            version=link.appointment_version,
            via=f"link:{link.id}",
            wish=wish,
            now=now,
        )

    async def _tell_staff(
        self, tx: Tx, link: Link, choice: Choice, wish: str | None, *, now: datetime
    ) -> None:
        """Leave the answer to a person, so that nobody waits for a visit that is not there."""
        is_wish = choice is Choice.RESCHEDULE
        task = StaffTask(
            kind=TaskKind.RESCHEDULE_WISH if is_wish else TaskKind.UNCLEAR_REPLY,
            patient_id=link.patient_id,
            appointment_id=link.appointment_id,
            inbound_message_id=None,
            note=wish if is_wish else CONFIRMED_TOO_LATE,
        )
        await staff.add_task_in(tx, link.organization_id, self.keys, task, now=now)

    async def _send_fresh(self, link: Link, *, now: datetime) -> Page:
        """Order a new message to the same address, one an hour at most for each link."""
        async with self.db.transaction(link.organization_id) as tx:
            page = await self._page(tx, link, now=now)
            visit = await _visit_of(tx, link)
            if visit is None or Choice.FRESH not in page.offers:
                return page
            channel = await directory.channel_of_in(tx, link.address_id)
        order = SendOrder(
            patient_id=link.patient_id,
            purpose=Purpose.APPT_REMINDER,
            anchor=At(now, serves_at=visit.starts_at),
            order_key=f"fresh:{link.id}:{now:%Y%m%d%H}",
            ordered_by="link",
            channel=channel,
            address_id=link.address_id,
            appointment_id=visit.appointment_id,
            appointment_version=visit.version,
            serves_at=visit.starts_at,
        )
        admission = await self.messages.admit(link.organization_id, order, now=now)
        is_refused = admission.lifecycle in NOT_SENT
        kind = PageKind.FRESH_REFUSED if is_refused else PageKind.FRESH_SENT
        async with self.db.transaction(link.organization_id) as tx:
            return await show(tx, self.keys, link, kind, now=now)

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
        await self.audit.record(tx, entry)


async def _visit_of(tx: Tx, link: Link) -> VisitView | None:
    if link.appointment_id is None:
        return None
    return await directory.find_visit_in(tx, link.appointment_id)


async def _has_stopped(tx: Tx, link: Link) -> bool:
    """Whether this link stopped its address and the stop still stands for every class."""
    if link.used_at is None:
        return False
    states = (await consent.states_in(tx, [link.address_id]))[link.address_id]
    return len(states) == len(MessageClass) and not any(one.granted for one in states.values())


def _stop(ip: str | None, *, now: datetime) -> Decision:
    return Decision(
        kind=Kind.REVOKE,
        message_class=None,
        method=Method.UNSUBSCRIBE_LINK,
        source="link",
        actor=PATIENT,
        at=now,
        ip=ip,
    )


def _subject(
    appointment_id: int, version: int | None, visit: VisitFacts | None, via: str
) -> SubjectIds:
    subject: dict[str, int | str] = {"appointment_id": appointment_id, "via": via}
    if version is not None:
        subject["version"] = version
    if visit is not None:
        subject["patient_id"] = visit.patient_id
    return subject
