"""Which text a message is planned with: the published texts, kept in memory while they stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates import languages, store
from handbell.templates.types import TemplateBody, TemplateView

_Place = tuple[Purpose, Channel]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The published texts that one organisation may use for some purposes."""

    views: Sequence[TemplateView]
    _places: dict[int | None, dict[_Place, dict[str, TemplateView]]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the defaults by clinician and place. The organisation's come after the library's,
        and take their place."""
        places: dict[int | None, dict[_Place, dict[str, TemplateView]]] = {}
        own_last = sorted(self.views, key=lambda view: view.organization_id is not None)
        for view in own_last:
            if view.is_default:
                owner = places.setdefault(view.provider_id, {})
                place = owner.setdefault((view.full.purpose, view.full.channel), {})
                place[view.full.language] = view
        object.__setattr__(self, "_places", places)

    def pick(
        self,
        purpose: Purpose,
        channel: Channel,
        *,
        wanted: str | None,
        organization: str | None,
        provider_id: int | None = None,
    ) -> TemplateView | None:
        """The text in the first language of the fall-back chain; the clinician's own stands
        before the organisation's, and that before the library's."""
        everybodys = self._places.get(None, {}).get((purpose, channel), {})
        own = self._places.get(provider_id, {}).get((purpose, channel), {}) if provider_id else {}
        place = {**everybodys, **own}
        language = languages.pick(place.keys(), wanted=wanted, organization=organization)
        return None if language is None else place[language]

    def find(self, template_id: int, channel: Channel) -> TemplateView | None:
        """A text that the order names itself, if it is for the channel."""
        found = (view for view in self.views if view.id == template_id)
        return next((view for view in found if view.full.channel is channel), None)


@dataclass(frozen=True, slots=True)
class _Memory:
    """What never changes of one database: shelves, by the mark of what they were made from, and
    texts of versions."""

    shelves: dict[tuple[int, frozenset[Purpose], tuple[int, int]], Shelf] = field(
        default_factory=dict
    )
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

    Versions never change, so a shelf holds until something is published, archived or made the
    default.
    """
    memory = _memory_of(tx)
    wanted = frozenset(purposes)
    place = (organization_id, wanted, await store.shelf_mark(tx))
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
