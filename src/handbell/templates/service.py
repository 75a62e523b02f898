"""Writes, publishes and shows templates. The functions beside the class serve those who plan and
send messages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry, SubjectIds
from handbell.directory import service as directory
from handbell.organizations import service as organizations
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.templates import library, store
from handbell.templates.analysis import check, variables_of
from handbell.templates.approvals.service import note_pending_in
from handbell.templates.catalogue import CATALOGUE, SAMPLES
from handbell.templates.dates import day_of, listed, visit_date, visit_time
from handbell.templates.diffing import diff
from handbell.templates.errors import (
    NothingToPublish,
    ProviderUnknown,
    TemplateArchived,
    TemplateNotFound,
    TemplateNotPublishable,
    TemplateOfLibrary,
    TemplateVersionNotFound,
)
from handbell.templates.findings import ACCEPTABLE, Finding, LintRule
from handbell.templates.levels import DisclosureLevel
from handbell.templates.lint import Limits, lint, reading_level, told_level
from handbell.templates.marketing import (
    is_marketing,
    missing_when_sent,
    one_click_headers,
)
from handbell.templates.phi import classify
from handbell.templates.policy import (
    CeilingFacts,
    ceiling,
    channel_ceiling,
    level_of,
    public_name,
)
from handbell.templates.previewing import Preview, preview, with_samples
from handbell.templates.prices.service import prices_in
from handbell.templates.rendering import render
from handbell.templates.segments import size_of
from handbell.templates.shelf import Shelf, shelf_in, template_ids_in, versions_in
from handbell.templates.stored import digest_of, to_content
from handbell.templates.types import Template, TemplateFilter, TemplatePair, Version

__all__ = [
    "CATALOGUE",
    "SAMPLES",
    "CeilingFacts",
    "Preview",
    "Shelf",
    "TemplateService",
    "ceiling",
    "channel_ceiling",
    "classify",
    "day_of",
    "is_marketing",
    "level_of",
    "library_texts",
    "listed",
    "missing_when_sent",
    "one_click_headers",
    "preview",
    "prices_in",
    "public_name",
    "publish_library",
    "reading_level",
    "render",
    "shelf_in",
    "size_of",
    "template_ids_in",
    "variables_of",
    "versions_in",
    "visit_date",
    "visit_time",
]

LIBRARY: Final = "handbell"
"""Who publishes the packaged texts."""

library_texts = library.load


async def publish_library(tx: Tx, *, now: datetime) -> None:
    """Publish the packaged texts for everybody; what already stands is left as it is."""
    await store.hold_place(tx, None)
    standing = await store.library_standing(tx)
    new = [
        (pair, _levels(pair, now=now))
        for pair in library.load()
        if digest_of(to_content(pair)) != _digest_at(pair, standing)
    ]
    if new:
        await store.insert_in_library(tx, new, by=LIBRARY, now=now)


def _digest_at(
    pair: TemplatePair, standing: Mapping[store.LibraryPlace, tuple[int, int, bytes | None]]
) -> bytes | None:
    full = pair.full
    _, _, digest = standing.get((full.purpose, full.channel, full.language), (0, 0, None))
    return digest


def _levels(pair: TemplatePair, *, now: datetime) -> store.Levels:
    generic = pair.generic
    return told_level(pair.full, now=now), told_level(generic, now=now) if generic else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What shall be written of a template; None leaves a part as it is. `is_default` False is
    for a text that only orders which name it use."""

    name: str | None = None
    pair: TemplatePair | None = None
    is_default: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who writes, for which organisation, and when."""

    organization_id: OrganizationId
    actor: str
    now: datetime


class TemplateService:
    """The templates of one organisation, and those of the library, which it may only read."""

    def __init__(self, db: Database, audit: AuditService) -> None:
        self.db = db
        self.audit = audit

    async def list(
        self, organization_id: OrganizationId, wanted: TemplateFilter, *, limit: int, offset: int
    ) -> tuple[list[Template], int]:
        """A page of templates, oldest first, and the number of all that fit."""
        async with self.db.transaction(organization_id) as tx:
            return await store.list_templates(tx, wanted, limit=limit, offset=offset)

    async def get(self, organization_id: OrganizationId, template_id: int) -> Template:
        """One template, or `TemplateNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            return _found(await store.find_template(tx, template_id), template_id)

    async def list_versions(
        self, organization_id: OrganizationId, template_id: int, *, limit: int, offset: int
    ) -> tuple[Sequence[Version], int]:
        """The published versions, newest first, and their number."""
        async with self.db.transaction(organization_id) as tx:
            _found(await store.find_template(tx, template_id), template_id)
            return await store.list_versions(tx, template_id, limit=limit, offset=offset)

    async def get_version(
        self, organization_id: OrganizationId, template_id: int, no: int
    ) -> tuple[Template, Version]:
        """A published version and its template, or `TemplateVersionNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            template = _found(await store.find_template(tx, template_id), template_id)
            version = await store.find_version(tx, template_id, no)
        if version is None:
            raise TemplateVersionNotFound(
                "The template has no such version.", template_id=template_id, version=no
            )
        return template, version

    async def diff(
        self, organization_id: OrganizationId, template_id: int, old: int, new: int
    ) -> dict[str, str]:
        """What version `new` changed of version `old`, part by part."""
        _, before = await self.get_version(organization_id, template_id, old)
        _, after = await self.get_version(organization_id, template_id, new)
        return diff(before.pair, after.pair)

    async def create(
        self, who: Writer, template: Template, *, accept: Collection[LintRule] | None = None
    ) -> Template:
        """Store a draft, the default of its place where there is none; publish it at once
        where `accept` is not None.

        Raises `UnknownVariable`, `TemplateSyntax`, `TemplateMalformed`, `ProviderUnknown`, and
        what `publish` raises: then nothing is stored.
        """
        _check(template.pair)
        async with self.db.transaction(who.organization_id) as tx:
            await self._refuse_unknown_provider(tx, template.provider_id)
            await store.hold_place(tx, who.organization_id)
            is_free = await store.default_of(tx, template) is None
            new = replace(template, is_default=template.is_default and is_free)
            template_id = await store.insert_template(tx, new, by=who.actor, now=who.now)
            await self._record(tx, who, "template.created", {"template_id": template_id})
            stored = _found(await store.find_template(tx, template_id), template_id)
            return stored if accept is None else await self._publish_in(tx, who, stored, accept)

    async def edit(
        self,
        who: Writer,
        template_id: int,
        change: Change,
        *,
        accept: Collection[LintRule] | None = None,
    ) -> Template:
        """Write the draft, the name, or which text is the default; what is published stays.

        Where `accept` is not None the template is in use afterwards: restored if it was
        archived, its draft published. Raises what `create` raises, `TemplateOfLibrary` and
        `TemplateArchived`.
        """
        if change.pair is not None:
            _check(change.pair)
        async with self.db.transaction(who.organization_id) as tx:
            await store.hold_place(tx, who.organization_id)
            template = await self._own(tx, template_id, is_archived_fine=accept is not None)
            if template.archived_at is not None:
                template = await self._restore_in(tx, who, template)
            if change.is_default is not None and change.is_default != template.is_default:
                await self._set_default(tx, template, is_default=change.is_default)
            await store.change_template(tx, template_id, **_columns(who, change))
            await self._record(tx, who, "template.edited", {"template_id": template_id})
            edited = _found(await store.find_template(tx, template_id), template_id)
            if accept is None or edited.draft is None:
                return edited
            return await self._publish_in(tx, who, edited, accept)

    async def check(self, who: Writer, template_id: int) -> tuple[Finding, ...]:
        """What keeps the draft, or what stands, from being published."""
        async with self.db.transaction(who.organization_id) as tx:
            template = _found(await store.find_template(tx, template_id), template_id)
            return await self._findings(tx, who, template.pair)

    async def preview(self, who: Writer, template_id: int) -> Preview:
        """The draft, or what is published, with the catalogue's samples."""
        async with self.db.transaction(who.organization_id) as tx:
            template = _found(await store.find_template(tx, template_id), template_id)
            prices = await prices_in(tx)
        return preview(template.pair, with_samples, prices, now=who.now)

    async def publish(
        self, who: Writer, template_id: int, *, accept: Collection[LintRule] = ()
    ) -> Template:
        """Make the draft the newest version. Messages that are planned keep their own.

        `accept` names findings that a person overrules (only those in `ACCEPTABLE`). Raises
        `TemplateNotPublishable` with every finding, `NothingToPublish`, and what `edit` raises.
        """
        async with self.db.transaction(who.organization_id) as tx:
            template = await self._own(tx, template_id)
            return await self._publish_in(tx, who, template, accept)

    async def _publish_in(
        self, tx: Tx, who: Writer, template: Template, accept: Collection[LintRule]
    ) -> Template:
        pair = template.draft
        if pair is None:
            raise NothingToPublish("The template has no draft.", template_id=template.id)
        await self._refuse_flawed(tx, who, pair, accept)
        levels = _levels(pair, now=who.now)
        await store.insert_version(tx, template, pair, levels, by=who.actor, now=who.now)
        await store.change_template(tx, template.id, draft=None, drafted_at=None, drafted_by=None)
        await note_pending_in(tx, who.organization_id, pair, actor=who.actor, now=who.now)
        published = _found(await store.find_template(tx, template.id), template.id)
        subject: SubjectIds = {"template_id": template.id, **_version_of(published, accept)}
        await self._record(tx, who, "template.published", subject)
        return published

    async def archive(self, who: Writer, template_id: int) -> None:
        """Take a template out of use; its versions stay for the messages that have them.

        A second time changes nothing. Raises `TemplateNotFound` or `TemplateOfLibrary`.
        """
        async with self.db.transaction(who.organization_id) as tx:
            template = await self._own(tx, template_id, is_archived_fine=True)
            if template.archived_at is not None:
                return
            await store.change_template(tx, template_id, archived_at=who.now)
            await self._record(tx, who, "template.archived", {"template_id": template_id})

    async def _restore_in(self, tx: Tx, who: Writer, template: Template) -> Template:
        """Bring an archived template back, as a default only where its place is free."""
        is_free = await store.default_of(tx, template) is None
        is_default = template.is_default and is_free
        await store.change_template(tx, template.id, archived_at=None, is_default=is_default)
        await self._record(tx, who, "template.restored", {"template_id": template.id})
        return _found(await store.find_template(tx, template.id), template.id)

    async def _refuse_unknown_provider(self, tx: Tx, provider_id: int | None) -> None:
        if provider_id is not None and not await directory.has_provider(tx, provider_id):
            raise ProviderUnknown("There is no such clinician.", provider_id=provider_id)

    async def limits_in(
        self, tx: Tx, organization_id: OrganizationId, pair: TemplatePair
    ) -> Limits:
        """What the organisation and the channel allow of a text."""
        settings = await organizations.settings_in(tx, organization_id)
        sms = DisclosureLevel(settings.sms_ceiling)
        return Limits(
            ceiling=channel_ceiling(pair.full.channel, sms_ceiling=sms),
            max_segments=settings.max_segments,
        )

    async def _findings(self, tx: Tx, who: Writer, pair: TemplatePair) -> tuple[Finding, ...]:
        limits = await self.limits_in(tx, who.organization_id, pair)
        return lint(pair, limits=limits, now=who.now)

    async def _refuse_flawed(
        self, tx: Tx, who: Writer, pair: TemplatePair, accept: Collection[LintRule]
    ) -> None:
        overruled = ACCEPTABLE.intersection(accept)
        found = await self._findings(tx, who, pair)
        flaws = [one.to_details() for one in found if one.rule not in overruled]
        if flaws:
            raise TemplateNotPublishable(flaws)

    async def _set_default(self, tx: Tx, template: Template, *, is_default: bool) -> None:
        other = await store.default_of(tx, template)
        if is_default and other is not None:
            await store.change_template(tx, other, is_default=False)
        await store.change_template(tx, template.id, is_default=is_default)

    async def _own(self, tx: Tx, template_id: int, *, is_archived_fine: bool = False) -> Template:
        template = _found(await store.lock_template(tx, template_id), template_id)
        if template.organization_id is None:
            raise TemplateOfLibrary(
                "The library's texts are everybody's: write your own for the same place.",
                template_id=template_id,
            )
        if template.archived_at is not None and not is_archived_fine:
            raise TemplateArchived("The template is archived.", template_id=template_id)
        return template

    async def _record(self, tx: Tx, who: Writer, action: str, subject: SubjectIds) -> None:
        entry = AuditEntry(
            organization_id=who.organization_id,
            at=who.now,
            actor=who.actor,
            action=action,
            subject=subject,
        )
        await self.audit.record(tx, entry)


def _found(template: Template | None, template_id: int) -> Template:
    if template is None:
        raise TemplateNotFound("There is no such template.", template_id=template_id)
    return template


def _columns(who: Writer, change: Change) -> dict[str, object]:
    columns: dict[str, object] = {}
    if change.name is not None:
        columns["name"] = change.name
    if change.pair is not None:
        columns["draft"] = to_content(change.pair)
        columns |= {"drafted_at": who.now, "drafted_by": who.actor}
    return columns


def _check(pair: TemplatePair) -> None:
    for body in (pair.full, pair.generic):
        if body is not None:
            check(body)


def _version_of(template: Template, accept: Collection[LintRule]) -> dict[str, int | str]:
    version = template.version
    told: dict[str, int | str] = {"version_id": version.id} if version else {}
    overruled = sorted(rule.value for rule in ACCEPTABLE.intersection(accept))
    return told | ({"accepted": ",".join(overruled)} if overruled else {})
