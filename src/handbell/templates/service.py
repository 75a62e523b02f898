"""Which text a message is planned with, and the texts of published versions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates import languages, library, store
from handbell.templates.analysis import variables_of
from handbell.templates.catalogue import CATALOGUE
from handbell.templates.dates import visit_date, visit_time
from handbell.templates.errors import TemplateNotFound
from handbell.templates.phi import classify
from handbell.templates.policy import (
    CeilingFacts,
    ceiling,
    channel_ceiling,
    level_of,
    public_name,
)
from handbell.templates.rendering import render
from handbell.templates.segments import size_of
from handbell.templates.types import TemplateBody, TemplateFilter, TemplateView

__all__ = [
    "CATALOGUE",
    "CeilingFacts",
    "Shelf",
    "TemplateService",
    "ceiling",
    "channel_ceiling",
    "classify",
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


@dataclass(frozen=True, slots=True)
class _Memory:
    """What never changes of one database: shelves, by the newest version that they were made
    from, and texts of versions."""

    shelves: dict[tuple[int, frozenset[Purpose], int], Shelf] = field(default_factory=dict)
    texts: dict[int, tuple[TemplateBody, TemplateBody | None]] = field(default_factory=dict)


_MEMORIES: Final[WeakKeyDictionary[Engine, _Memory]] = WeakKeyDictionary()
REMEMBERED: Final = 10_000
"""Shelves and texts kept of one database before their memory begins anew."""


def _memory_of(tx: Tx) -> _Memory:
    memory = _MEMORIES.setdefault(tx.sync_engine, _Memory())
    for kept in (memory.shelves, memory.texts):
        if len(kept) >= REMEMBERED:
            kept.clear()
    return memory


async def shelf_in(tx: Tx, organization_id: OrganizationId, purposes: Iterable[Purpose]) -> Shelf:
    """What the organisation may use for the purposes, in the caller's transaction.

    Versions never change, so a shelf holds until a newer version is published.
    """
    memory = _memory_of(tx)
    wanted = frozenset(purposes)
    place = (organization_id, wanted, await store.newest_version(tx))
    if place not in memory.shelves:
        memory.shelves[place] = Shelf(await store.published_for(tx, wanted))
    return memory.shelves[place]


async def versions_in(
    tx: Tx, version_ids: Iterable[int]
) -> dict[int, tuple[TemplateBody, TemplateBody | None]]:
    """The full text and its generic sibling of some versions, which never change."""
    memory = _memory_of(tx)
    wanted = set(version_ids)
    if missing := wanted - memory.texts.keys():
        memory.texts.update(await store.versions(tx, missing))
    return {one: memory.texts[one] for one in wanted if one in memory.texts}


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
