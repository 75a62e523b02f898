"""The record of changes: what each write replaced, kept beside the settings."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert

from handbell.platform.db import OrganizationId, Tx
from handbell.preferences.shapes import differences
from handbell.preferences.tables import PreferenceChangeRow
from handbell.preferences.types import Change, Level, LevelSettings, Settings

TABLE = PreferenceChangeRow.__table__


async def record(
    tx: Tx,
    organization_id: OrganizationId | None,
    said: LevelSettings,
    *,
    before: Settings,
    now: datetime,
) -> Change:
    """Keep what stood and what stands instead; `said.version` is the new one."""
    old, new = differences(before, said.settings)
    salt = secrets.token_bytes(16)
    statement = insert(PreferenceChangeRow).values(
        organization_id=organization_id,
        level=said.level,
        level_id=said.level_id,
        version=said.version,
        old=old,
        new=new,
        salt=salt,
        changed_at=now,
        changed_by=said.changed_by,
    )
    row = (await tx.execute(statement.returning(TABLE))).one()
    return _to_change(row)


async def page(
    tx: Tx,
    organization_id: OrganizationId | None,
    level: Level,
    level_id: int,
    *,
    limit: int,
    offset: int,
) -> tuple[list[Change], int]:
    """The changes of one level, newest first, with the number of all."""
    where = (
        TABLE.c.organization_id.is_not_distinct_from(organization_id),
        TABLE.c.level == level,
        TABLE.c.level_id == level_id,
    )
    counted = select(func.count()).select_from(TABLE).where(*where)
    total: int = (await tx.execute(counted)).scalar_one()
    rows = await tx.execute(
        select(TABLE).where(*where).order_by(TABLE.c.id.desc()).limit(limit).offset(offset)
    )
    return [_to_change(row) for row in rows], total


def _to_change(row: Row[Any]) -> Change:
    return Change(
        id=row.id,
        version=row.version,
        old=row.old,
        new=row.new,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        digest=digest_of(row.salt, row.old, row.new),
    )


def digest_of(salt: bytes, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What the audit log keeps of a change: SHA-256 in hexadecimal."""
    told = json.dumps([old, new], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(salt + told.encode()).hexdigest()
