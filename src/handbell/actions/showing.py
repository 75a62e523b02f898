"""Gathers what a page shows: whose it is, in which language, and visits at level L2."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from handbell.actions import policy
from handbell.actions.ports import Messages
from handbell.actions.types import (
    HAS_CALENDAR,
    SHOWS_VISIT,
    Choice,
    Page,
    PageKind,
    ShownDay,
    ShownSlot,
    ShownVisit,
)
from handbell.actions.visiting import PATIENT
from handbell.actions.words import language_for
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.delivery.service import CalendarEntry, calendar
from handbell.directory import service as directory
from handbell.directory.types import VisitView
from handbell.links.types import Link, LinkState
from handbell.organizations.service import organization_in
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences import service as preferences
from handbell.templates.service import public_name, visit_date, visit_time

MOST_SLOTS: Final = 6
SOONEST: Final = timedelta(hours=2)
"""Staff need some time to book what a patient chose."""


class Shelf:
    """Where pages come from. Nothing is changed by looking at one."""

    def __init__(self, keys: KeyRing, audit: AuditService, messages: Messages) -> None:
        self._keys = keys
        self._audit = audit
        self._messages = messages

    async def show(
        self,
        tx: Tx,
        link: Link,
        kind: PageKind,
        visits: Sequence[VisitView] = (),
        *,
        now: datetime,
    ) -> Page:
        """The page of this kind for the link's patient; the visits, of which the first is the
        link's, only where the kind shows them."""
        organization = await organization_in(tx, link.organization_id)
        held = await preferences.resolve_many_in(tx, link.organization_id, [link.patient_id])
        language = language_for(held[link.patient_id].language)
        offers = policy.offers(kind, link, visits, now=now)
        page = Page(
            kind=kind,
            language=language,
            organization_name=organization.name,
            phone=organization.phone,
            offers=offers,
            may_prefer=link.state_at(now) is not LinkState.EXPIRED,
        )
        if not visits or kind not in SHOWS_VISIT:
            return page
        name = await directory.first_name_in(tx, self._keys, link.patient_id)
        return replace(
            page,
            day=_to_day(visits, first_name=name, parent=organization.name, language=language),
            slots=await _slots(tx, visits[0], offers, language, now=now),
        )

    async def page(
        self, tx: Tx, link: Link, *, kind: PageKind | None = None, now: datetime
    ) -> Page:
        """The page that is true of a care link now, or the one of a given kind."""
        visits = await self.visits(tx, link, now=now)
        found = policy.decide_page(link, next(iter(visits), None), now=now)
        return await self.show(tx, link, kind or found, visits, now=now)

    async def show_and_record(self, tx: Tx, link: Link, *, now: datetime) -> Page:
        """The page of a care link. That a visit was shown is logged (R7.6)."""
        page = await self.page(tx, link, now=now)
        if page.kind in SHOWS_VISIT:
            await self.record(tx, link, "link.shown", now=now)
        return page

    async def calendar(self, tx: Tx, link: Link, *, now: datetime) -> bytes | None:
        """The visits of a page as a calendar file. Where the link came by phone it leaves the
        place out: calendars are copied to where texts are."""
        visits = await self.visits(tx, link, now=now)
        page = await self.show_and_record(tx, link, now=now)
        if page.kind not in HAS_CALENDAR:
            return None
        is_mail = await directory.channel_of_in(tx, link.address_id) is Channel.EMAIL
        entries = [
            self._entry(one, practice=page.organization_name, has_place=is_mail) for one in visits
        ]
        return calendar(entries, language=page.language, organizer=self._messages.public_url)

    async def visits(self, tx: Tx, link: Link, *, now: datetime) -> list[VisitView]:
        """The link's visit as it is now, first, and the others that its message told of and that
        are still as they were."""
        if link.appointment_id is None:
            return []
        first = await directory.find_visit_in(tx, link.appointment_id)
        if first is None:
            return []
        if link.message_id is None:
            return [first]
        others = [
            found
            for one in await self._messages.other_visits_in(tx, link.message_id)
            if (found := await directory.find_visit_in(tx, one.appointment_id)) is not None
            and found.version == one.version
            and policy.is_open(found, now=now)
        ]
        return [first, *others]

    async def record(self, tx: Tx, link: Link, action: str, *, now: datetime) -> None:
        """Write into the audit log that a patient did or saw something by a link."""
        entry = AuditEntry(
            organization_id=link.organization_id,
            at=now,
            actor=PATIENT,
            action=action,
            subject={"link_id": link.id, "patient_id": link.patient_id},
        )
        await self._audit.record(tx, entry)

    def _entry(self, visit: VisitView, *, practice: str, has_place: bool) -> CalendarEntry:
        return CalendarEntry(
            uid=self._keys.token_hash(f"visit:{visit.appointment_id}").hex(),
            starts_at=visit.starts_at,
            duration=timedelta(minutes=visit.duration_minutes),
            version=visit.version,
            changed_at=visit.changed_at,
            practice=practice,
            place=_place(visit, practice) if has_place else None,
        )


async def _slots(
    tx: Tx, visit: VisitView, offers: Sequence[Choice], language: str, *, now: datetime
) -> tuple[ShownSlot, ...]:
    """The next free times of the same clinician, where the record system gives them."""
    if Choice.RESCHEDULE not in offers or visit.provider_id is None:
        return ()
    found = await directory.free_slots_in(
        tx,
        visit.provider_id,
        after=now + SOONEST,
        location_id=visit.location_id,
        limit=MOST_SLOTS,
    )
    return tuple(
        ShownSlot(id=one.id, says=_instant(one.starts_at, one.timezone, language)) for one in found
    )


def _instant(at: datetime, timezone: str, language: str) -> str:
    said: dict[str, Any] = {"zone": ZoneInfo(timezone), "locale": language}
    return f"{visit_date(at, **said)}, {visit_time(at, **said)}"


def _to_day(
    visits: Sequence[VisitView], *, first_name: str | None, parent: str, language: str
) -> ShownDay:
    first = visits[0]
    return ShownDay(
        first_name=first_name,
        date=visit_date(first.starts_at, zone=ZoneInfo(first.timezone), locale=language),
        visits=tuple(
            ShownVisit(
                time=visit_time(one.starts_at, zone=ZoneInfo(one.timezone), locale=language),
                provider=one.provider,
                location=_place(one, parent),
            )
            for one in sorted(visits, key=lambda one: one.starts_at)
        ),
    )


def _place(visit: VisitView, parent: str) -> str:
    return public_name(
        visit.location or parent, parent=parent, sensitive=visit.is_location_sensitive
    )
