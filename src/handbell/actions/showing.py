"""Gathers what a page shows: whose it is, in which language, and the visit at level L2."""

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
from handbell.templates.service import public_name, visit_date, visit_time


async def show(
    tx: Tx,
    keys: KeyRing,
    link: Link,
    kind: PageKind,
    visit: VisitView | None = None,
    *,
    now: datetime,
) -> Page:
    """The page of this kind for the link's patient; the visit only where the kind shows it."""
    organization = await organization_in(tx, link.organization_id)
    held = await preferences.resolve_many_in(tx, link.organization_id, [link.patient_id])
    language = language_for(held[link.patient_id].language)
    shown = None
    if visit is not None and kind in SHOWS_VISIT:
        shown = _to_shown(
            visit,
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
        offers=tuple(policy.offers(kind, link, visit, now=now)),
    )


def _to_shown(
    visit: VisitView, *, first_name: str | None, parent: str, language: str
) -> ShownVisit:
    zone = ZoneInfo(visit.timezone)
    location = public_name(
        visit.location or parent, parent=parent, sensitive=visit.is_location_sensitive
    )
    return ShownVisit(
        first_name=first_name,
        date=visit_date(visit.starts_at, zone=zone, locale=language),
        time=visit_time(visit.starts_at, zone=zone, locale=language),
        provider=visit.provider,
        location=location,
    )
