"""Stops delivery and lets it go on, so that nothing is lost: what waits is a row."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from sqlalchemy import text

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.channels.errors import LineNotFound
from handbell.channels.service import find_line_in
from handbell.channels.types import Pause, PauseScope
from handbell.delivery.pauses import store
from handbell.delivery.pauses.errors import PauseEndsInThePast, PauseNotFound
from handbell.delivery.pauses.types import Covered, NewPause
from handbell.platform import outbox
from handbell.platform.clock import Clock
from handbell.platform.db import Database, OrganizationId, Tx

LOOK_SECONDS: Final = 0.1


class PauseService:
    """Pauses and resumes delivery. An organisation's own are made under its rows' protection; a
    pause of all organisations is the operator's. Each act is in the audit log."""

    def __init__(self, db: Database, audit: AuditService, clock: Clock) -> None:
        self.db = db
        self.audit = audit
        self.clock = clock

    async def pause(self, new: NewPause, *, actor: str, now: datetime) -> Pause:
        """Stop what the scope covers. What workers have not claimed goes back; what they have is
        finished. Raises `LineNotFound`, `PauseEndsInThePast`."""
        if new.until is not None and new.until <= now:
            raise PauseEndsInThePast
        async with self._transaction(new.scope.organization_id) as tx:
            scope = await _with_line(tx, new.scope)
            made = await store.add(tx, replace(new, scope=scope), actor=actor, now=now)
            if scope.line_id is None:
                await store.take_back(tx, scope)
            await self._record(tx, made, actor=actor, action="delivery.paused", now=now)
        return made

    async def resume(
        self,
        organization_id: OrganizationId | None,
        pause_id: int,
        *,
        actor: str,
        now: datetime,
    ) -> Pause:
        """End a pause; ending it twice is fine. Without an organisation any pause. Raises
        `PauseNotFound`."""
        async with self._transaction(organization_id) as tx:
            found = await _get(tx, organization_id, pause_id)
            ended = await store.end(tx, pause_id, actor=actor, now=now)
            if ended is None:
                return found
            if ended.scope.line_id is not None:
                await store.let_go(tx, ended.scope, now=now)
            await self._record(tx, ended, actor=actor, action="delivery.resumed", now=now)
            await outbox.wake(tx)
        return ended

    async def get(self, organization_id: OrganizationId, pause_id: int) -> tuple[Pause, Covered]:
        """A pause of the organisation, with the messages that it covers. Raises
        `PauseNotFound`."""
        now = await self.clock.now()
        async with self._transaction(organization_id) as tx:
            found = await _get(tx, organization_id, pause_id)
            return found, await store.covered(tx, found.scope, now=now)

    async def list(
        self, organization_id: OrganizationId | None, *, limit: int, offset: int
    ) -> tuple[list[Pause], int]:
        """A page of the organisation's pauses with those of all, the newest first; without an
        organisation of every pause."""
        async with self._transaction(organization_id) as tx:
            return await store.list_newest(tx, limit=limit, offset=offset)

    async def drained(self, pause: Pause, *, patience: timedelta) -> Covered:
        """Wait until nothing that the pause covers is on its way any more, or patience ends; say
        what then is."""
        give_up = monotonic() + patience.total_seconds()
        while True:
            now = await self.clock.now()
            async with self._transaction(pause.scope.organization_id) as tx:
                found = await store.covered(tx, pause.scope, now=now)
            if not found.in_flight or monotonic() >= give_up:
                return found
            await asyncio.sleep(LOOK_SECONDS)

    def _transaction(
        self, organization_id: OrganizationId | None
    ) -> AbstractAsyncContextManager[Tx]:
        """The organisation's own, which sees its pauses and those of all; else the engine's."""
        if organization_id is None:
            return self.db.engine_transaction()
        return self.db.transaction(organization_id)

    async def _record(
        self, tx: Tx, pause: Pause, *, actor: str, action: str, now: datetime
    ) -> None:
        """A pause of all organisations stands in the log of each."""
        entries = [
            AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action=action,
                subject={"pause_id": pause.id, **dict(_narrowed(pause.scope))},
            )
            for organization_id in await _organizations(tx, pause.scope)
        ]
        await self.audit.record_many(tx, entries)


def _narrowed(scope: PauseScope) -> Iterator[tuple[str, int | str]]:
    for name in ("lane", "channel", "line_id"):
        value = getattr(scope, name)
        if value is not None:
            yield name, value


async def _organizations(tx: Tx, scope: PauseScope) -> list[OrganizationId]:
    if scope.organization_id is not None:
        return [scope.organization_id]
    ids = (await tx.execute(text("SELECT id FROM organizations ORDER BY id"))).scalars()
    return [OrganizationId(one) for one in ids]


async def _with_line(tx: Tx, scope: PauseScope) -> PauseScope:
    """A line's pause also says whose it is and on which channel."""
    if scope.line_id is None:
        return scope
    line = await find_line_in(tx, scope.line_id)
    is_theirs = line is not None and scope.organization_id in {None, line.organization_id}
    if line is None or not is_theirs or scope.channel not in {None, line.channel}:
        raise LineNotFound(scope.line_id)
    return replace(scope, organization_id=line.organization_id, channel=line.channel)


async def _get(tx: Tx, organization_id: OrganizationId | None, pause_id: int) -> Pause:
    found = await store.find(tx, pause_id)
    if found is None or organization_id not in {None, found.scope.organization_id}:
        raise PauseNotFound(pause_id)
    return found
