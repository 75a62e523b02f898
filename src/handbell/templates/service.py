"""Which text a message is planned with, and the texts of published versions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates import languages, library, store
from handbell.templates.analysis import variables_of
from handbell.templates.catalogue import CATALOGUE
from handbell.templates.dates import visit_date, visit_time
from handbell.templates.errors import TemplateNotFound
from handbell.templates.phi import find_phi
from handbell.templates.policy import CeilingFacts, ceiling, level_of, public_name
from handbell.templates.rendering import render
from handbell.templates.segments import size_of
from handbell.templates.types import TemplateBody, TemplateFilter, TemplateView

__all__ = [
    "CATALOGUE",
    "CeilingFacts",
    "Shelf",
    "TemplateService",
    "ceiling",
    "find_phi",
    "level_of",
    "library_texts",
    "public_name",
    "publish_library",
    "render",
    "shelf_in",
    "size_of",
    "template_ids_in",
    "variables_of",
    "versions_in",
    "visit_date",
    "visit_time",
]


library_texts = library.load


async def publish_library(tx: Tx, *, now: datetime) -> None:
    """Publish the packaged texts for everybody; what already stands is left as it is."""
    for text in library.load():
        await store.publish(tx, None, text, now=now)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The published texts that one organisation may use for some purposes."""

    views: Sequence[TemplateView]
    _places: dict[tuple[Purpose, Channel], dict[str, TemplateView]] = field(init=False)

    def __post_init__(self) -> None:
        places: dict[tuple[Purpose, Channel], dict[str, TemplateView]] = {}
        own_last = sorted(self.views, key=lambda view: view.organization_id is not None)
        for view in own_last:
            place = places.setdefault((view.full.purpose, view.full.channel), {})
            place[view.full.language] = view
        object.__setattr__(self, "_places", places)

    def pick(
        self, purpose: Purpose, channel: Channel, *, wanted: str | None, organization: str | None
    ) -> TemplateView | None:
        """The text in the first language of the fall-back chain; the organisation's own stands
        before the library's."""
        place = self._places.get((purpose, channel), {})
        language = languages.pick(place.keys(), wanted=wanted, organization=organization)
        return None if language is None else place[language]

    def find(self, template_id: int, channel: Channel) -> TemplateView | None:
        """A text that the order names itself, if it is for the channel."""
        found = (view for view in self.views if view.id == template_id)
        return next((view for view in found if view.full.channel is channel), None)


SHELVES: Final = 1_000
_SHELVES: dict[tuple[int, frozenset[Purpose]], tuple[tuple[int, datetime | None], Shelf]] = {}
"""Shelves in memory, with the newest version that they were made from."""


async def shelf_in(tx: Tx, organization_id: OrganizationId, purposes: Iterable[Purpose]) -> Shelf:
    """What the organisation may use for the purposes, in the caller's transaction.

    Versions never change, so a shelf holds until a newer version is published.
    """
    newest = await store.newest_version(tx)
    place = (organization_id, frozenset(purposes))
    known = _SHELVES.get(place)
    if known is None or known[0] != newest:
        if len(_SHELVES) >= SHELVES:
            _SHELVES.clear()
        known = _SHELVES[place] = (newest, Shelf(await store.published_for(tx, place[1])))
    return known[1]


async def versions_in(
    tx: Tx, version_ids: Iterable[int]
) -> dict[int, tuple[TemplateBody, TemplateBody | None]]:
    """The full text and its generic sibling of some versions."""
    return await store.versions(tx, version_ids)


async def template_ids_in(tx: Tx, version_ids: Iterable[int]) -> dict[int, int]:
    """The template of each version."""
    return await store.template_ids(tx, version_ids)


class TemplateService:
    """Reads the templates of one organisation and those of the library."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def list(
        self, organization_id: OrganizationId, wanted: TemplateFilter, *, limit: int, offset: int
    ) -> tuple[list[TemplateView], int]:
        """A page of published templates and the number of all that fit."""
        async with self.db.transaction(organization_id) as tx:
            return await store.list_published(tx, wanted, limit=limit, offset=offset)

    async def get(self, organization_id: OrganizationId, template_id: int) -> TemplateView:
        """One published template, or `TemplateNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            found = await store.find_template(tx, template_id)
        if found is None:
            raise TemplateNotFound("There is no such template.", template_id=template_id)
        return found
