"""Blackouts as operators keep them. The gate reads them at admission and at sending."""

from collections.abc import Iterable
from datetime import datetime

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.organizations import service as organizations
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.scheduling.blackouts import policy, store
from handbell.scheduling.blackouts.errors import BlackoutHoldsEverywhere, BlackoutNotFound
from handbell.scheduling.blackouts.types import BlackoutDraft, BlackoutView

read_told = store.read_told
told = store.told
with_blackouts = policy.with_blackouts


class BlackoutService:
    """An organisation's blackouts, and those of the whole installation. Changes are audited."""

    def __init__(self, db: Database, audit: AuditService) -> None:
        self.db = db
        self.audit = audit

    async def enter(
        self, organization_id: OrganizationId, draft: BlackoutDraft, *, actor: str, now: datetime
    ) -> BlackoutView:
        """From now on nothing of the kind leaves in that window, whenever it was planned."""
        async with self.db.transaction(organization_id) as tx:
            view = await store.add(tx, organization_id, draft, actor=actor, now=now)
            await self._record(tx, "entered", [organization_id], view, actor=actor, now=now)
        return view

    async def get(self, organization_id: OrganizationId, blackout_id: int) -> BlackoutView:
        """One of the organisation's or of the installation's. Raises `BlackoutNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            return await _get(tx, blackout_id)

    async def list(
        self, organization_id: OrganizationId, *, limit: int, offset: int
    ) -> tuple[list[BlackoutView], int]:
        """A page of all that hold for the organisation, the latest first, and their number."""
        async with self.db.transaction(organization_id) as tx:
            return await store.page(tx, organization_id, limit=limit, offset=offset)

    async def change(
        self,
        organization_id: OrganizationId,
        blackout_id: int,
        draft: BlackoutDraft,
        *,
        actor: str,
        now: datetime,
    ) -> BlackoutView:
        """Write it anew. Raises `BlackoutNotFound`, `BlackoutHoldsEverywhere`."""
        async with self.db.transaction(organization_id) as tx:
            await _own(tx, blackout_id)
            view = await store.change(tx, blackout_id, draft, now=now)
            if view is None:
                raise BlackoutNotFound(blackout_id)
            await self._record(tx, "changed", [organization_id], view, actor=actor, now=now)
        return view

    async def remove(
        self, organization_id: OrganizationId, blackout_id: int, *, actor: str, now: datetime
    ) -> None:
        """Take it away. Raises `BlackoutNotFound`, `BlackoutHoldsEverywhere`."""
        async with self.db.transaction(organization_id) as tx:
            await _own(tx, blackout_id)
            view = await store.remove(tx, blackout_id)
            if view is None:
                raise BlackoutNotFound(blackout_id)
            await self._record(tx, "removed", [organization_id], view, actor=actor, now=now)

    async def enter_everywhere(
        self, draft: BlackoutDraft, *, actor: str, now: datetime
    ) -> BlackoutView:
        """The same for every organisation; each finds it in its own audit log."""
        async with self.db.engine_transaction() as tx:
            view = await store.add(tx, None, draft, actor=actor, now=now)
            everybody = await organizations.ids_in(tx)
            await self._record(tx, "entered", everybody, view, actor=actor, now=now)
        return view

    async def remove_everywhere(self, blackout_id: int, *, actor: str, now: datetime) -> None:
        """Take one away that holds everywhere. Raises `BlackoutNotFound`."""
        async with self.db.engine_transaction() as tx:
            found = await _get(tx, blackout_id)
            if not found.is_everywhere or await store.remove(tx, blackout_id) is None:
                raise BlackoutNotFound(blackout_id)
            everybody = await organizations.ids_in(tx)
            await self._record(tx, "removed", everybody, found, actor=actor, now=now)

    async def _record(
        self,
        tx: Tx,
        verdict: str,
        organization_ids: Iterable[int],
        view: BlackoutView,
        *,
        actor: str,
        now: datetime,
    ) -> None:
        entries = [
            AuditEntry(
                organization_id=OrganizationId(organization_id),
                at=now,
                actor=actor,
                action=f"blackout.{verdict}",
                subject=_subject(view),
            )
            for organization_id in organization_ids
        ]
        await self.audit.record_many(tx, entries)


async def _get(tx: Tx, blackout_id: int) -> BlackoutView:
    found = await store.find(tx, blackout_id)
    if found is None:
        raise BlackoutNotFound(blackout_id)
    return found


async def _own(tx: Tx, blackout_id: int) -> None:
    if (await _get(tx, blackout_id)).is_everywhere:
        raise BlackoutHoldsEverywhere(blackout_id)


def _subject(view: BlackoutView) -> dict[str, int | str]:
    """What it held back, so that the log tells it after the row is gone."""
    one = view.blackout
    narrowed = {
        "state": one.state,
        "country": one.country,
        "channel": one.channel,
        "message_class": one.message_class,
    }
    return {
        "blackout_id": one.id,
        "starts_at": one.starts_at.isoformat(),
        "ends_at": one.ends_at.isoformat(),
        **{name: str(value) for name, value in narrowed.items() if value is not None},
    }
