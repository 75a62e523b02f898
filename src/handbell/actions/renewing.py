"""A fresh link to the same address: a new message, which passes the gate like any other."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from handbell.actions import policy
from handbell.actions.ports import Messages
from handbell.actions.showing import Shelf
from handbell.actions.types import Choice, Page, PageKind
from handbell.directory import service as directory
from handbell.directory.types import VisitView
from handbell.links.types import Link
from handbell.messages.types import Lifecycle, SendOrder, VisitRef
from handbell.platform.db import Database, Tx
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.types import At

NOT_SENT: Final = frozenset(
    {Lifecycle.REFUSED, Lifecycle.CANCELLED, Lifecycle.EXPIRED, Lifecycle.FAILED}
)


class Renewing:
    """Orders fresh links: one an hour for an address and what it is about, whichever of its
    links is pressed."""

    def __init__(self, db: Database, messages: Messages, shelf: Shelf) -> None:
        self._db = db
        self._messages = messages
        self._shelf = shelf

    async def send_fresh(self, link: Link, *, now: datetime) -> Page:
        """Order the message and say whether it goes; where nothing can be renewed the page says
        why."""
        async with self._db.transaction(link.organization_id) as tx:
            page = await self._shelf.page(tx, link, now=now)
            if Choice.FRESH not in page.offers:
                return page
            order = await self._order(tx, link, now=now)
        admission = await self._messages.admit(link.organization_id, order, now=now)
        is_refused = admission.lifecycle in NOT_SENT
        kind = PageKind.FRESH_REFUSED if is_refused else PageKind.FRESH_SENT
        async with self._db.transaction(link.organization_id) as tx:
            return await self._shelf.show(tx, link, kind, now=now)

    async def _order(self, tx: Tx, link: Link, *, now: datetime) -> SendOrder:
        channel = await directory.channel_of_in(tx, link.address_id)
        if policy.is_private(link) and link.message_id is not None:
            again = await self._messages.order_again_in(
                tx, link.message_id, key=_key(link, f"m{link.message_id}", now=now), now=now
            )
            return replace(again, ordered_by="link", channel=channel, address_id=link.address_id)
        first, *others = await self._visits(tx, link, now=now)
        return SendOrder(
            patient_id=link.patient_id,
            purpose=Purpose.APPT_REMINDER,
            anchor=At(now, serves_at=first.starts_at),
            order_key=_key(link, f"v{first.appointment_id}", now=now),
            ordered_by="link",
            channel=channel,
            address_id=link.address_id,
            appointment_id=first.appointment_id,
            appointment_version=first.version,
            serves_at=first.starts_at,
            others=tuple(_ref(one) for one in others),
        )

    async def _visits(self, tx: Tx, link: Link, *, now: datetime) -> list[VisitView]:
        """The link's visit and those that its message told of, as they are now: the ones that
        are still on the same day, in its order."""
        ids = [link.appointment_id]
        if link.message_id is not None:
            told = await self._messages.other_visits_in(tx, link.message_id)
            ids += [one.appointment_id for one in told]
        found = [await directory.find_visit_in(tx, one) for one in ids if one is not None]
        first = found[0]
        if first is None:
            raise LookupError("the visit of a link that offers a fresh one is gone")
        same = [
            one
            for one in found
            if one is not None and policy.is_open(one, now=now) and _day(one) == _day(first)
        ]
        return sorted(same, key=lambda one: (one.starts_at, one.appointment_id))


def _key(link: Link, about: str, *, now: datetime) -> str:
    return f"fresh:{link.address_id}:{link.patient_id}:{about}:{now:%Y%m%d%H}"


def _day(visit: VisitView) -> tuple[str, str]:
    at = visit.starts_at.astimezone(ZoneInfo(visit.timezone))
    return at.date().isoformat(), visit.timezone


def _ref(visit: VisitView) -> VisitRef:
    return VisitRef(
        appointment_id=visit.appointment_id, version=visit.version, starts_at=visit.starts_at
    )
