"""Carries out what a patient asks for by a link or a reply; the only way to do it.

A visit is changed only while it is the version that the patient was told of.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from handbell.actions import policy
from handbell.actions.limits import ValkeyLimiter
from handbell.actions.ports import Delivery, Messages
from handbell.actions.preferring import Preferring
from handbell.actions.reading import Reading
from handbell.actions.renewing import Renewing
from handbell.actions.showing import Shelf
from handbell.actions.types import ActionResult, Choice, Flaw, Page, PageKind, Press
from handbell.actions.visiting import PATIENT, Visiting
from handbell.audit.service import AuditService
from handbell.consent import service as consent
from handbell.consent.types import Decision, Kind, Method
from handbell.links import service as links
from handbell.links.types import Link, LinkKind
from handbell.messages.types import VisitRef
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import MessageClass

PageLimiter = ValkeyLimiter


class ActionService:
    """Confirms, cancels, takes wishes, stops mailboxes, and says what a page shows."""

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
        self.delivery = delivery
        self._shelf = Shelf(keys, audit, messages)
        self._visiting = Visiting(keys, audit, messages)
        self._reading = Reading(keys, messages, self._shelf)
        self._renewing = Renewing(db, messages, self._shelf)
        self._preferring = Preferring(audit, delivery, self._shelf)

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
        asked = VisitRef(appointment_id=appointment_id, version=version, starts_at=None)
        return await self._visiting.confirm(tx, organization_id, asked, via=via, now=now)

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
        return await self._visiting.confirm_all(tx, organization_id, visits, via=via, now=now)

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
        asked = VisitRef(appointment_id=appointment_id, version=version, starts_at=None)
        return await self._visiting.wish_to_move(
            tx, organization_id, asked, via=via, wish=wish, now=now
        )

    async def open_link(self, token: str, *, now: datetime) -> Page:
        """The page behind a care link. Nothing changes; that a visit was shown is logged."""
        link = await self._find(token, is_unsubscribe=False)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        async with self.db.transaction(link.organization_id) as tx:
            return await self._shelf.show_and_record(tx, link, now=now)

    async def open_calendar(self, token: str, *, now: datetime) -> bytes | None:
        """The visits of a care link for a calendar; None where its page shows none."""
        link = await self._find(token, is_unsubscribe=False)
        if link is None:
            return None
        async with self.db.transaction(link.organization_id) as tx:
            return await self._shelf.calendar(tx, link, now=now)

    async def act(self, token: str, press: Press, *, now: datetime) -> Page:
        """Do what a button asks, and give the page that says what came of it. A link acts once:
        the same press again is harmless, another one is refused."""
        link = await self._find(token, is_unsubscribe=False)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        if press.choice is Choice.FRESH:
            return await self._renewing.send_fresh(link, now=now)
        async with self.db.transaction(link.organization_id) as tx:
            if press.choice is Choice.READ:
                return await self._reading.read(tx, link, press.year, now=now)
            link = await links.lock_in(tx, link.id)
            return await self._spend(tx, link, press, now=now)

    async def open_unsubscribe(self, token: str, *, now: datetime) -> Page:
        """The page with the one button. Nothing changes."""
        link = await self._find(token, is_unsubscribe=True)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        async with self.db.transaction(link.organization_id) as tx:
            stands = await _has_stopped(tx, link)
            kind = PageKind.UNSUBSCRIBED if stands else PageKind.UNSUBSCRIBE
            return await self._shelf.show(tx, link, kind, now=now)

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
                await self.delivery.opt_out_in(
                    tx, link.organization_id, [link.address_id], stop(ip, now=now), now=now
                )
                await links.spend_in(tx, link.id, LinkKind.UNSUBSCRIBE, now=now)
            page = await self._shelf.show(tx, link, PageKind.UNSUBSCRIBED, now=now)
        await self.delivery.settle(link.organization_id, [link.address_id])
        return page

    async def open_preferences(self, token: str, *, now: datetime) -> Page:
        """What the patient wants to hear of, and in which language. Nothing changes."""
        link = await self._find(token, is_unsubscribe=True)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        async with self.db.transaction(link.organization_id) as tx:
            return await self._preferring.show(tx, link, now=now)

    async def prefer(
        self, token: str, wanted: Iterable[str], language: str, *, now: datetime, ip: str | None
    ) -> Page:
        """Write what the form says, as often as it is sent."""
        link = await self._find(token, is_unsubscribe=True)
        if link is None:
            return Page(kind=PageKind.UNKNOWN)
        async with self.db.transaction(link.organization_id) as tx:
            link = await links.lock_in(tx, link.id)
            page = await self._preferring.write(
                tx, link, frozenset(wanted), language, stop(ip, now=now), now=now
            )
        await self.delivery.settle(link.organization_id, [link.address_id])
        return page

    async def _find(self, token: str, *, is_unsubscribe: bool) -> Link | None:
        link = await links.find(self.db, self.keys, token)
        if link is None or (link.kind is LinkKind.UNSUBSCRIBE) is not is_unsubscribe:
            return None
        return link

    async def _spend(self, tx: Tx, link: Link, press: Press, *, now: datetime) -> Page:
        if not policy.may_spend(link, press.choice, now=now):
            page = await self._shelf.page(tx, link, now=now)
            if policy.is_refused(link, press.choice, now=now) and page.kind in policy.CAN_REFUSE:
                return await self._shelf.page(tx, link, kind=PageKind.USED, now=now)
            return page
        if press.choice is Choice.CANCEL and not press.is_sure:
            page = await self._shelf.page(tx, link, now=now)
            return replace(page, flaw=Flaw.NOT_SURE if press.choice in page.offers else None)
        result = await self._visiting.carry_out(tx, link, press, now=now)
        if isinstance(result, Flaw):
            return replace(await self._shelf.page(tx, link, now=now), flaw=result)
        link = await links.spend_in(tx, link.id, press.choice, now=now)
        page = await self._shelf.page(tx, link, now=now)
        if not policy.must_tell(press.choice, result, page.kind):
            return page
        await self._visiting.tell_staff(tx, link, press, now=now)
        return replace(page, is_told=True)


async def _has_stopped(tx: Tx, link: Link) -> bool:
    """Whether this link stopped its address and the stop still stands for every class."""
    if link.used_at is None:
        return False
    states = (await consent.states_in(tx, [link.address_id]))[link.address_id]
    return len(states) == len(MessageClass) and not any(one.granted for one in states.values())


def stop(ip: str | None, *, now: datetime) -> Decision:
    """The wish to get nothing more at an address."""
    return Decision(
        kind=Kind.REVOKE,
        message_class=None,
        method=Method.UNSUBSCRIBE_LINK,
        source="link",
        actor=PATIENT,
        at=now,
        ip=ip,
    )
