"""Attempts as leaves of the audit log: every send is an entry, without a second row (R7.1)."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry, Leaf
from handbell.messages.tables import MessageAttemptRow
from handbell.platform.db import OrganizationId, Tx


def attempt_entry(
    organization_id: OrganizationId, values: dict[str, Any] | RowMapping
) -> AuditEntry:
    """What is sealed of an attempt: the row as it was inserted, the text by its digest."""
    started_at: datetime = values["started_at"]
    return AuditEntry(
        organization_id=organization_id,
        at=started_at,
        actor="worker",
        action="message.sent",
        subject={
            "message_id": values["message_id"],
            "no": values["no"],
            "token": values["token"],
            "address_id": values["address_id"],
            "body_sha256": values["body_digest"].hex(),
        },
    )


class AttemptSource:
    """Implements audit's `LeafSource` over `message_attempts`."""

    name = "message_attempts"

    def __init__(self, audit: AuditService) -> None:
        self._audit = audit

    async def leaves(self, tx: Tx, *, xid_from: int, xid_to: int | None) -> AsyncIterator[Leaf]:
        statement = (
            select(MessageAttemptRow.__table__)
            .where(MessageAttemptRow.xid >= xid_from)
            .order_by(MessageAttemptRow.xid, MessageAttemptRow.id)
        )
        if xid_to is not None:
            statement = statement.where(MessageAttemptRow.xid < xid_to)
        async for row in (await tx.stream(statement)).mappings():
            entry = attempt_entry(OrganizationId(row["organization_id"]), row)
            yield Leaf(
                source=self.name,
                id=row["id"],
                organization_id=row["organization_id"],
                digest=row["leaf"],
                is_genuine=self._audit.is_genuine(entry, leaf=row["leaf"], mac=row["mac"]),
            )
