"""Templates in the database: drafts change, published versions are inserted and read only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.levels import DisclosureLevel
from handbell.templates.stored import digest_of, from_content, to_content
from handbell.templates.tables import TemplateRow, TemplateVersionRow
from handbell.templates.types import (
    Template,
    TemplateBody,
    TemplateFilter,
    TemplatePair,
    TemplateView,
    Version,
)

_PLACE: Final = ["organization_id", "provider_id", "purpose", "channel", "language"]
_STANDS: Final = and_(TemplateRow.is_default, TemplateRow.archived_at.is_(None))

LibraryPlace = tuple[Purpose, Channel, str]
"""Purpose, channel and language."""
Levels = tuple[DisclosureLevel, DisclosureLevel | None]
"""Of the full text and of its sibling."""


async def insert_version(
    tx: Tx, template: Template, pair: TemplatePair, levels: Levels, *, by: str, now: datetime
) -> None:
    """Publish a text as the next version, unless it is what stands there."""
    content = to_content(pair)
    digest = digest_of(content)
    latest = (await tx.execute(_latest(template.id))).one_or_none()
    if latest is not None and latest.digest == digest:
        return
    await tx.execute(
        insert(TemplateVersionRow).values(
            organization_id=template.organization_id,
            template_id=template.id,
            no=latest.no + 1 if latest else 1,
            content=content,
            digest=digest,
            level=levels[0],
            sibling_level=levels[1],
            published_at=now,
            published_by=by,
        )
    )


def _latest(template_id: int) -> Select[int, bytes]:
    return (
        select(TemplateVersionRow.no, TemplateVersionRow.digest)
        .where(TemplateVersionRow.template_id == template_id)
        .order_by(TemplateVersionRow.no.desc())
        .limit(1)
    )


async def library_standing(tx: Tx) -> dict[LibraryPlace, tuple[int, int, bytes | None]]:
    """The library's places with the id of each template, and the number and the digest of its
    newest version (0 and None before the first)."""
    statement = _templates(TemplateVersionRow.digest).where(
        TemplateRow.organization_id.is_(None), _STANDS
    )
    return {
        (Purpose(row.purpose), Channel(row.channel), row.language): (
            row.id,
            row.no or 0,
            row.digest,
        )
        for row in await tx.execute(statement)
    }


async def insert_in_library(
    tx: Tx, texts: Sequence[tuple[TemplatePair, Levels]], *, by: str, now: datetime
) -> None:
    """Publish texts of the library as the next versions of their places, in few statements."""
    rows = [
        {
            "purpose": pair.full.purpose,
            "channel": pair.full.channel,
            "language": pair.full.language,
            "name": f"{pair.full.purpose}, {pair.full.channel}, {pair.full.language}",
            "created_at": now,
        }
        for pair, _ in texts
    ]
    await tx.execute(
        insert(TemplateRow)
        .values(rows)
        .on_conflict_do_nothing(index_elements=_PLACE, index_where=_STANDS)
    )
    standing = await library_standing(tx)
    await tx.execute(
        insert(TemplateVersionRow).values(
            [_library_version(pair, levels, standing, by=by, now=now) for pair, levels in texts]
        )
    )


def _library_version(
    pair: TemplatePair,
    levels: Levels,
    standing: Mapping[LibraryPlace, tuple[int, int, bytes | None]],
    *,
    by: str,
    now: datetime,
) -> dict[str, Any]:
    full, content = pair.full, to_content(pair)
    template_id, no, _ = standing[full.purpose, full.channel, full.language]
    return {
        "template_id": template_id,
        "no": no + 1,
        "content": content,
        "digest": digest_of(content),
        "level": levels[0],
        "sibling_level": levels[1],
        "published_at": now,
        "published_by": by,
    }


async def insert_template(tx: Tx, template: Template, *, by: str, now: datetime) -> int:
    """Store a new draft; give its id."""
    statement = (
        insert(TemplateRow)
        .values(
            organization_id=template.organization_id,
            provider_id=template.provider_id,
            name=template.name,
            purpose=template.purpose,
            channel=template.channel,
            language=template.language,
            is_default=template.is_default,
            draft=to_content(template.pair),
            drafted_at=now,
            drafted_by=by,
            created_at=now,
        )
        .returning(TemplateRow.id)
    )
    template_id: int = (await tx.execute(statement)).scalar_one()
    return template_id


async def change_template(tx: Tx, template_id: int, **columns: Any) -> None:
    """Write some columns of an own template."""
    statement = update(TemplateRow).where(TemplateRow.id == template_id)
    await tx.execute(statement.values(changes=TemplateRow.changes + 1, **columns))


async def hold_place(tx: Tx, organization_id: OrganizationId | None) -> None:
    """Let changes of an organisation's defaults, or of the library, follow one another."""
    await tx.execute(
        select(func.pg_advisory_xact_lock(func.hashtext("templates"), organization_id))
    )


async def default_of(tx: Tx, template: Template) -> int | None:
    """The id of the text that is the default of the same place, of the same owner."""
    statement = select(TemplateRow.id).where(_same_place(template), _STANDS)
    found: int | None = (await tx.execute(statement)).scalar_one_or_none()
    return found


def _same_place(template: Template) -> ColumnElement[bool]:
    return and_(
        *(
            getattr(TemplateRow, column).is_not_distinct_from(getattr(template, column))
            for column in _PLACE
        )
    )


def _templates(*more: Any) -> Select[Any]:
    """Each template with its newest version, if it has one."""
    version = aliased(TemplateVersionRow)
    newest = (
        select(func.max(version.no)).where(version.template_id == TemplateRow.id).scalar_subquery()
    )
    is_newest = and_(
        TemplateVersionRow.template_id == TemplateRow.id, TemplateVersionRow.no == newest
    )
    return select(
        TemplateRow.__table__,
        TemplateVersionRow.id.label("version_id"),
        *(
            getattr(TemplateVersionRow, name)
            for name in (
                *("no", "content", "level", "sibling_level", "published_at", "published_by"),
            )
        ),
        *more,
    ).outerjoin(TemplateVersionRow, is_newest)


async def list_templates(
    tx: Tx, wanted: TemplateFilter, *, limit: int, offset: int
) -> tuple[list[Template], int]:
    """A page of what the organisation may use, its own and the library's, and the whole count."""
    chosen = {
        TemplateRow.purpose: wanted.purpose,
        TemplateRow.channel: wanted.channel,
        TemplateRow.language: wanted.language,
    }
    statement = _templates().where(*(col == val for col, val in chosen.items() if val is not None))
    statement = statement.where(_activity(wanted.is_active))
    total = (await tx.execute(select(func.count()).select_from(statement.subquery()))).scalar_one()
    page = statement.order_by(TemplateRow.id).limit(limit).offset(offset)
    return [_to_template(row) for row in await tx.execute(page)], total


def _activity(is_active: bool | None) -> ColumnElement[bool]:  # noqa: FBT001 - of the filter
    is_kept = TemplateRow.archived_at.is_(None)
    is_published = TemplateVersionRow.id.is_not(None)
    if is_active is None:
        return is_kept
    if is_active:
        return and_(is_kept, is_published)
    return or_(~is_kept, ~is_published)


async def find_template(tx: Tx, template_id: int) -> Template | None:
    row = (await tx.execute(_templates().where(TemplateRow.id == template_id))).one_or_none()
    return _to_template(row) if row else None


async def lock_template(tx: Tx, template_id: int) -> Template | None:
    """The template, held against others' changes until the end."""
    await tx.execute(select(TemplateRow.id).where(TemplateRow.id == template_id).with_for_update())
    return await find_template(tx, template_id)


async def list_versions(
    tx: Tx, template_id: int, *, limit: int, offset: int
) -> tuple[list[Version], int]:
    """The published versions, newest first, and their number."""
    where = TemplateVersionRow.template_id == template_id
    count = select(func.count()).select_from(TemplateVersionRow).where(where)
    rows = await tx.execute(
        select(TemplateVersionRow.__table__)
        .where(where)
        .order_by(TemplateVersionRow.no.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_to_version(row, row.id) for row in rows], (await tx.execute(count)).scalar_one()


async def find_version(tx: Tx, template_id: int, no: int) -> Version | None:
    statement = select(TemplateVersionRow.__table__).where(
        TemplateVersionRow.template_id == template_id, TemplateVersionRow.no == no
    )
    row = (await tx.execute(statement)).one_or_none()
    return _to_version(row, row.id) if row else None


async def shelf_mark(tx: Tx) -> tuple[int, int]:
    """Two numbers, one of which grows whenever what stands on a shelf changes: the newest
    version, and how often own templates were written to."""
    own = TemplateRow.organization_id.is_not(None)
    statement = select(
        select(func.max(TemplateVersionRow.id)).scalar_subquery(),
        select(func.sum(TemplateRow.changes)).where(own).scalar_subquery(),
    )
    newest, changes = (await tx.execute(statement)).one()
    return newest or 0, changes or 0


async def published_for(tx: Tx, purposes: Iterable[Purpose]) -> list[TemplateView]:
    """Every published text of the purposes that this organisation may use."""
    statement = _templates().where(
        TemplateRow.purpose.in_(sorted(purposes)), _activity(is_active=True)
    )
    rows = await tx.execute(statement.order_by(TemplateRow.id))
    return [_to_view(_to_template(row)) for row in rows]


async def versions(
    tx: Tx, version_ids: Iterable[int]
) -> dict[int, tuple[TemplateBody, TemplateBody | None]]:
    """The texts of some versions: the full one and its generic sibling."""
    statement = select(TemplateVersionRow.id, TemplateVersionRow.content)
    rows = await tx.execute(statement.where(TemplateVersionRow.id.in_(list(version_ids))))
    pairs = {row.id: from_content(row.content) for row in rows}
    return {version_id: (pair.full, pair.generic) for version_id, pair in pairs.items()}


async def template_ids(tx: Tx, version_ids: Iterable[int]) -> dict[int, int]:
    statement = select(TemplateVersionRow.id, TemplateVersionRow.template_id)
    rows = await tx.execute(statement.where(TemplateVersionRow.id.in_(list(version_ids))))
    return {row.id: row.template_id for row in rows}


def _to_view(template: Template) -> TemplateView:
    version = template.version
    assert version is not None  # noqa: S101 - only published ones are asked for
    return TemplateView(
        id=template.id,
        organization_id=template.organization_id,
        provider_id=template.provider_id,
        is_default=template.is_default,
        version_id=version.id,
        version_no=version.no,
        full=version.pair.full,
        generic=version.pair.generic,
        level=version.level,
        sibling_level=version.sibling_level,
    )


def _to_template(row: Row[Any]) -> Template:
    return Template(
        id=row.id,
        organization_id=row.organization_id,
        provider_id=row.provider_id,
        name=row.name,
        purpose=Purpose(row.purpose),
        channel=Channel(row.channel),
        language=row.language,
        is_default=row.is_default,
        draft=_pair_or_none(row.draft),
        version=_to_version(row, row.version_id) if row.version_id is not None else None,
        created_at=row.created_at,
        archived_at=row.archived_at,
    )


def _pair_or_none(content: Mapping[str, Any] | None) -> TemplatePair | None:
    return None if content is None else from_content(content)


def _to_version(row: Row[Any], version_id: int) -> Version:
    sibling = row.sibling_level
    return Version(
        id=version_id,
        no=row.no,
        pair=from_content(row.content),
        level=DisclosureLevel(row.level),
        sibling_level=None if sibling is None else DisclosureLevel(sibling),
        published_at=row.published_at,
        published_by=row.published_by,
    )
