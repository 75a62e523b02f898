"""Gathers what a page shows: whose it is, in which language, and the visit at level L2."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from handbell.actions import policy
from handbell.actions.types import SHOWS_VISIT, Page, PageKind, ShownVisit
from handbell.actions.words import language_for
from handbell.directory import service as directory
from handbell.directory.types import VisitView
from handbell.links.types import Link
from handbell.organizations.service import organization_in
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx
from handbell.preferences import service as preferences
from handbell.templates.service import listed, public_name, visit_date, visit_time


async def show(
    tx: Tx,
    keys: KeyRing,
    link: Link,
    kind: PageKind,
    visits: Sequence[VisitView] = (),
    *,
    now: datetime,
) -> Page:
    """The page of this kind for the link's patient; the visits, of which the first is the link's,
    only where the kind shows them."""
    organization = await organization_in(tx, link.organization_id)
    held = await preferences.resolve_many_in(tx, link.organization_id, [link.patient_id])
    language = language_for(held[link.patient_id].language)
    shown = None
    if visits and kind in SHOWS_VISIT:
        shown = _to_shown(
            visits,
            first_name=await directory.first_name_in(tx, keys, link.patient_id),
            parent=organization.name,
            language=language,
        )
    return Page(
        kind=kind,
        language=language,
        organization_name=organization.name,
        phone=organization.phone,
        visit=shown,
        offers=tuple(policy.offers(kind, link, next(iter(visits), None), now=now)),
    )


def _to_shown(
    visits: Sequence[VisitView], *, first_name: str | None, parent: str, language: str
) -> ShownVisit:
    """The visits of one day, each word once."""
    day, zone = visits[0].starts_at, ZoneInfo(visits[0].timezone)
    times = [visit_time(one.starts_at, zone=zone, locale=language) for one in visits]
    providers = [one.provider for one in visits if one.provider]
    places = [
        public_name(one.location or parent, parent=parent, sensitive=one.is_location_sensitive)
        for one in visits
    ]
    return ShownVisit(
        first_name=first_name,
        date=visit_date(day, zone=zone, locale=language),
        time=_listed(times, language),
        provider=_listed(providers, language) or None,
        location=_listed(places, language),
    )


def _listed(words: Iterable[str], language: str) -> str:
    return listed(list(dict.fromkeys(words)), locale=language)
