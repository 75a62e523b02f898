"""Callbacks that were given up: who operates the product sees them and has them tried again."""

from datetime import datetime

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.platform import outbox
from handbell.platform.db import Database, OrganizationId
from handbell.webhooks import store
from handbell.webhooks.errors import DeadWebhookNotFound
from handbell.webhooks.types import DeadWebhook


class DeadWebhookService:
    """The dead letters of the webhooks. Nothing of them is deleted."""

    def __init__(self, db: Database, audit: AuditService) -> None:
        self._db = db
        self._audit = audit

    async def list_dead(
        self, organization_id: OrganizationId, *, limit: int, offset: int
    ) -> tuple[list[DeadWebhook], int]:
        """A page of what was given up, newest first, and how many there are."""
        async with self._db.transaction(organization_id) as tx:
            return await store.list_dead(tx, limit=limit, offset=offset)

    async def replay(
        self, organization_id: OrganizationId, delivery_id: int, *, actor: str, now: datetime
    ) -> None:
        """Let it be applied again, with as many attempts as a new one. Raises
        `DeadWebhookNotFound`."""
        async with self._db.transaction(organization_id) as tx:
            if not await store.revive(tx, delivery_id):
                raise DeadWebhookNotFound(delivery_id)
            args = {"delivery_id": delivery_id}
            await outbox.add(tx, organization_id, store.APPLY_TOPIC, args, now=now)
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="webhook.replayed",
                subject=args,
            )
            await self._audit.record(tx, entry)
