"""Templates in the database: published versions are inserted and read, never changed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.levels import DisclosureLevel
from handbell.templates.policy import level_of
from handbell.templates.tables import TemplateRow, TemplateVersionRow
from handbell.templates.types import (
    LibraryTemplate,
    QuickReply,
    TemplateBody,
    TemplateFilter,
    TemplateKind,
    TemplateView,
    WhatsAppCategory,
    WhatsAppForm,
)

_PLACE = ["organization_id", "purpose", "channel", "language"]


async def publish(
    tx: Tx, organization_id: OrganizationId | None, text: LibraryTemplate, *, now: datetime
) -> None:
    """Publish a text as the next version of its place, unless it is what stands there."""
    template_id = await _template_id(tx, organization_id, text.full, now=now)
    content = {
        "full": asdict(text.full),
        "generic": asdict(text.generic) if text.generic else None,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
    latest = (await tx.execute(_latest(template_id))).one_or_none()
    if latest is not None and latest.digest == digest:
        return
    await tx.execute(
        insert(TemplateVersionRow).values(
            organization_id=organization_id,
            template_id=template_id,
            no=latest.no + 1 if latest else 1,
            content=content,
            digest=digest,
            level=level_of(text.full),
            sibling_level=level_of(text.generic) if text.generic else None,
            published_at=now,
        )
    )


def _latest(template_id: int) -> Select[int, bytes]:
    return (
        select(TemplateVersionRow.no, TemplateVersionRow.digest)
        .where(TemplateVersionRow.template_id == template_id)
        .order_by(TemplateVersionRow.no.desc())
        .limit(1)
    )


async def _template_id(
    tx: Tx, organization_id: OrganizationId | None, body: TemplateBody, *, now: datetime
) -> int:
    place = {
        "organization_id": organization_id,
        "purpose": body.purpose,
        "channel": body.channel,
        "language": body.language,
    }
    await tx.execute(
        insert(TemplateRow)
        .values(created_at=now, **place)
        .on_conflict_do_nothing(index_elements=_PLACE)
    )
    statement = select(TemplateRow.id).where(
        *(getattr(TemplateRow, name).is_not_distinct_from(value) for name, value in place.items())
    )
    template_id: int = (await tx.execute(statement.with_for_update())).scalar_one()
    return template_id


def _published() -> Select[Any]:
    """Each template with its newest version."""
    version = aliased(TemplateVersionRow)
    newest = (
        select(func.max(version.no)).where(version.template_id == TemplateRow.id).scalar_subquery()
    )
    return (
        select(
            TemplateRow.id,
            TemplateRow.organization_id,
            TemplateVersionRow.id.label("version_id"),
            TemplateVersionRow.no,
            TemplateVersionRow.content,
            TemplateVersionRow.level,
            TemplateVersionRow.sibling_level,
        )
        .join(TemplateVersionRow, TemplateVersionRow.template_id == TemplateRow.id)
        .where(TemplateVersionRow.no == newest)
    )


async def list_published(
    tx: Tx, wanted: TemplateFilter, *, limit: int, offset: int
) -> tuple[list[TemplateView], int]:
    """A page of what the organisation may use, its own and the library's, and the whole count."""
    chosen = {
        TemplateRow.purpose: wanted.purpose,
        TemplateRow.channel: wanted.channel,
        TemplateRow.language: wanted.language,
    }
    statement = _published().where(*(col == val for col, val in chosen.items() if val is not None))
    total = (await tx.execute(select(func.count()).select_from(statement.subquery()))).scalar_one()
    page = statement.order_by(TemplateRow.id).limit(limit).offset(offset)
    return [_to_view(row) for row in await tx.execute(page)], total


async def find_template(tx: Tx, template_id: int) -> TemplateView | None:
    row = (await tx.execute(_published().where(TemplateRow.id == template_id))).one_or_none()
    return _to_view(row) if row else None


async def newest_version(tx: Tx) -> int:
    """The id of the newest version that the organisation may read; 0 before the first."""
    found = (await tx.execute(select(func.max(TemplateVersionRow.id)))).scalar_one()
    return found or 0


async def published_for(tx: Tx, purposes: Iterable[Purpose]) -> list[TemplateView]:
    """Every published text of the purposes that this organisation may use."""
    statement = _published().where(TemplateRow.purpose.in_(sorted(purposes)))
    return [_to_view(row) for row in await tx.execute(statement.order_by(TemplateRow.id))]


async def versions(
    tx: Tx, version_ids: Iterable[int]
) -> dict[int, tuple[TemplateBody, TemplateBody | None]]:
    """The texts of some versions: the full one and its generic sibling."""
    statement = select(TemplateVersionRow.id, TemplateVersionRow.content)
    rows = await tx.execute(statement.where(TemplateVersionRow.id.in_(list(version_ids))))
    return {row.id: _bodies(row.content) for row in rows}


async def template_ids(tx: Tx, version_ids: Iterable[int]) -> dict[int, int]:
    statement = select(TemplateVersionRow.id, TemplateVersionRow.template_id)
    rows = await tx.execute(statement.where(TemplateVersionRow.id.in_(list(version_ids))))
    return {row.id: row.template_id for row in rows}


def _to_view(row: Row[Any]) -> TemplateView:
    full, generic = _bodies(row.content)
    return TemplateView(
        id=row.id,
        organization_id=row.organization_id,
        version_id=row.version_id,
        version_no=row.no,
        full=full,
        generic=generic,
        level=DisclosureLevel(row.level),
        sibling_level=None if row.sibling_level is None else DisclosureLevel(row.sibling_level),
    )


def _bodies(content: Mapping[str, Any]) -> tuple[TemplateBody, TemplateBody | None]:
    generic = content["generic"]
    return _body(content["full"]), _body(generic) if generic else None


def _body(told: Mapping[str, Any]) -> TemplateBody:
    return TemplateBody(
        channel=Channel(told["channel"]),
        language=told["language"],
        purpose=Purpose(told["purpose"]),
        body=told["body"],
        kind=TemplateKind(told["kind"]),
        subject=told["subject"],
        whatsapp=_form(told["whatsapp"]) if told["whatsapp"] else None,
    )


def _form(told: Mapping[str, Any]) -> WhatsAppForm:
    return WhatsAppForm(
        name=told["name"],
        language=told["language"],
        parameters=tuple(told["parameters"]),
        category=WhatsAppCategory(told["category"]),
        buttons=tuple(QuickReply(**button) for button in told["buttons"]),
    )
