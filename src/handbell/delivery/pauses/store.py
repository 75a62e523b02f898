"""The rows of pauses, and the messages that they cover."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, insert, select, text, update

from handbell.channels.service import line_for, lines_in, to_pause

# allow public-files: delivery makes and ends the pauses that `channels` reads
from handbell.channels.tables import PauseRow
from handbell.channels.types import Pause, PauseScope
from handbell.delivery.pauses.types import Covered, NewPause
from handbell.delivery.types import HELD_AGAIN
from handbell.platform.db import OrganizationId, Tx

_SCOPE: Final = """(CAST(:organization_id AS bigint) IS NULL OR organization_id = :organization_id)
    AND (lane = :lane OR (CAST(:lane AS text) IS NULL AND lane <> 'urgent'))
    AND (CAST(:channel AS text) IS NULL OR channel = :channel)"""
_TAKE_BACK: Final = f"""
UPDATE messages SET lifecycle = 'scheduled', leased_until = NULL
FROM (
    SELECT id FROM messages WHERE lifecycle = 'queued' AND {_SCOPE}
    FOR NO KEY UPDATE SKIP LOCKED
) AS unclaimed
WHERE messages.id = unclaimed.id
"""  # noqa: S608 - constants of ours only
_COVERED: Final = f"""
SELECT CASE WHEN :by_line THEN address_id END AS address_id,
    count(*) FILTER (WHERE lifecycle <> 'scheduled') AS in_flight,
    count(*) FILTER (WHERE lifecycle = 'scheduled') AS waiting
FROM messages
WHERE {_SCOPE} AND (lifecycle IN ('queued', 'sending')
    OR (lifecycle = 'scheduled' AND scheduled_at <= :now)
    OR (lifecycle = 'scheduled' AND scheduled_at <= :soon AND reasons = '{{held}}'))
GROUP BY 1
"""  # noqa: S608
_LET_GO: Final = f"""
UPDATE messages SET scheduled_at = :now, reasons = '{{}}'
WHERE lifecycle = 'scheduled' AND scheduled_at > :now AND scheduled_at <= :soon
    AND reasons = '{{held}}' AND {_SCOPE}
"""  # noqa: S608


async def add(tx: Tx, new: NewPause, *, actor: str, now: datetime) -> Pause:
    statement = (
        insert(PauseRow)
        .values(
            organization_id=new.scope.organization_id,
            lane=new.scope.lane,
            channel=new.scope.channel,
            line_id=new.scope.line_id,
            new_orders=new.new_orders,
            reason=new.reason,
            paused_by=actor,
            paused_at=now,
            until_at=new.until,
        )
        .returning(PauseRow.__table__)
    )
    return to_pause((await tx.execute(statement)).one())


async def end(tx: Tx, pause_id: int, *, actor: str, now: datetime) -> Pause | None:
    """End it; None where it had ended."""
    statement = (
        update(PauseRow)
        .where(PauseRow.id == pause_id, PauseRow.ended_at.is_(None))
        .values(ended_at=now, ended_by=actor)
        .returning(PauseRow.__table__)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else to_pause(row)


async def find(tx: Tx, pause_id: int) -> Pause | None:
    statement = select(PauseRow.__table__).where(PauseRow.id == pause_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else to_pause(row)


async def list_newest(tx: Tx, *, limit: int, offset: int) -> tuple[list[Pause], int]:
    """A page of what the transaction may see, and how many there are."""
    total = await tx.scalar(select(func.count()).select_from(PauseRow))
    statement = select(PauseRow.__table__).order_by(PauseRow.id.desc())
    found = await tx.execute(statement.limit(limit).offset(offset))
    return [to_pause(one) for one in found], total or 0


async def take_back(tx: Tx, scope: PauseScope) -> None:
    """Let what was leased wait again, unless somebody is claiming it: he looks for himself."""
    await tx.execute(text(_TAKE_BACK), _params(scope))


async def let_go(tx: Tx, scope: PauseScope, *, now: datetime) -> None:
    """Let what was put back because of its line be due at once."""
    await tx.execute(text(_LET_GO), {**_params(scope), "now": now, "soon": now + HELD_AGAIN})


async def covered(tx: Tx, scope: PauseScope, *, now: datetime) -> Covered:
    """How many messages the pause covers that are on their way, and that wait. Which of them
    leave from a line is found out address by address."""
    is_by_line = scope.line_id is not None
    params = {**_params(scope), "now": now, "soon": now + HELD_AGAIN, "by_line": is_by_line}
    rows = (await tx.execute(text(_COVERED), params)).all()
    if scope.organization_id is not None and scope.line_id is not None:
        addresses = {row.address_id for row in rows} - {None}
        own = await _of_line(tx, scope, scope.organization_id, addresses)
        rows = [row for row in rows if row.address_id in own]
    return Covered(
        in_flight=sum(row.in_flight for row in rows), waiting=sum(row.waiting for row in rows)
    )


async def _of_line(
    tx: Tx, scope: PauseScope, organization_id: OrganizationId, addresses: set[int]
) -> set[int]:
    lines = await lines_in(tx, organization_id)
    channel = scope.channel
    if channel is None:
        return set()
    leaves_from = {one: line_for(lines, channel, one) for one in addresses}
    return {one for one, line in leaves_from.items() if line and line.id == scope.line_id}


def _params(scope: PauseScope) -> Mapping[str, Any]:
    return {
        "organization_id": scope.organization_id,
        "lane": scope.lane,
        "channel": scope.channel,
    }
