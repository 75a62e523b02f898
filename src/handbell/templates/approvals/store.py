"""Meta's approvals in the database: one row for each registered template."""

from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert

from handbell.platform.db import OrganizationId, Tx
from handbell.templates.approvals.types import Approval, ApprovalState
from handbell.templates.tables import WhatsAppApprovalRow


async def put(tx: Tx, organization_id: OrganizationId, approval: Approval) -> bool:
    """Keep what was said, unless something newer is known; say whether it was kept."""
    row = WhatsAppApprovalRow
    new = insert(row).values(
        organization_id=organization_id,
        name=approval.name,
        language=approval.language,
        state=approval.state,
        reason=approval.reason,
        category=approval.category,
        changed_at=approval.changed_at,
        changed_by=approval.changed_by,
    )
    told = ("state", "reason", "category", "changed_at", "changed_by")
    statement = new.on_conflict_do_update(
        constraint="uq_whatsapp_approvals_name",
        set_={name: new.excluded[name] for name in told},
        where=row.changed_at <= new.excluded.changed_at,
    ).returning(row.id)
    return (await tx.execute(statement)).scalar_one_or_none() is not None


async def put_pending(tx: Tx, organization_id: OrganizationId, approval: Approval) -> None:
    """Note a template that nothing is known of."""
    statement = insert(WhatsAppApprovalRow).values(
        organization_id=organization_id,
        name=approval.name,
        language=approval.language,
        state=ApprovalState.PENDING,
        category=approval.category,
        changed_at=approval.changed_at,
        changed_by=approval.changed_by,
    )
    await tx.execute(statement.on_conflict_do_nothing(constraint="uq_whatsapp_approvals_name"))


async def states(tx: Tx) -> dict[tuple[str, str], ApprovalState]:
    """Every known state of the organisation of the transaction."""
    row = WhatsAppApprovalRow
    found = await tx.execute(select(row.name, row.language, row.state))
    return {(one.name, one.language): ApprovalState(one.state) for one in found}


async def list_approvals(tx: Tx, *, limit: int, offset: int) -> tuple[list[Approval], int]:
    """A page of them, by name and language, and their number."""
    row = WhatsAppApprovalRow
    total = (await tx.execute(select(func.count()).select_from(row))).scalar_one()
    page = select(row.__table__).order_by(row.name, row.language).limit(limit).offset(offset)
    return [_to_approval(one) for one in await tx.execute(page)], total


def _to_approval(row: Row[Any]) -> Approval:
    return Approval(
        name=row.name,
        language=row.language,
        state=ApprovalState(row.state),
        reason=row.reason,
        category=row.category,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )
