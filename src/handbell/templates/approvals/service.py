"""Keeps what Meta says of registered templates: by webhook, or as a person has read it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.channels.service import on_environment
from handbell.channels.types import Provider, TemplateStatus
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.templates.approvals import store
from handbell.templates.approvals.types import Approval, Approvals, ApprovalState
from handbell.templates.types import TemplatePair, WhatsAppForm

__all__ = ["ApprovalService", "Approvals", "approvals_in", "forms_of", "note_pending_in"]

META: Final = "whatsapp"
"""Who says what a webhook says."""
MOST_TEMPLATES: Final = 10_000
"""More than Meta lets an account have."""


async def approvals_in(tx: Tx) -> Approvals:
    """What is known of the organisation's registered templates."""
    return Approvals(await store.states(tx))


async def note_pending_in(
    tx: Tx, organization_id: OrganizationId, pair: TemplatePair, *, actor: str, now: datetime
) -> None:
    """Note a text that is published and has yet to be registered with Meta."""
    for form in forms_of([pair]):
        await store.put_pending(tx, organization_id, _approval(form, actor=actor, now=now))


def forms_of(pairs: Iterable[TemplatePair]) -> list[WhatsAppForm]:
    """The registrations of some texts and their siblings."""
    bodies = (body for pair in pairs for body in (pair.full, pair.generic))
    return [body.whatsapp for body in bodies if body is not None and body.whatsapp is not None]


def _approval(form: WhatsAppForm, *, actor: str, now: datetime) -> Approval:
    return Approval(
        name=form.name,
        language=form.language,
        state=ApprovalState.PENDING,
        category=form.category.value.lower(),
        changed_at=now,
        changed_by=actor,
    )


def _told(one: TemplateStatus, *, now: datetime) -> Approval:
    return Approval(
        name=one.name,
        language=one.language,
        state=ApprovalState(one.state),
        reason=one.reason,
        category=one.category,
        changed_at=one.occurred_at or now,
        changed_by=META,
    )


class ApprovalService:
    """The approvals of one organisation at a time."""

    def __init__(self, db: Database, audit: AuditService) -> None:
        self.db = db
        self.audit = audit

    async def list(
        self, organization_id: OrganizationId, *, limit: int, offset: int
    ) -> tuple[list[Approval], int]:
        """A page of approvals and the number of all."""
        async with self.db.transaction(organization_id) as tx:
            return await store.list_approvals(tx, limit=limit, offset=offset)

    async def record(self, organization_id: OrganizationId, approval: Approval) -> None:
        """Keep what a person has read at Meta's."""
        async with self.db.transaction(organization_id) as tx:
            await self._keep(tx, organization_id, approval)

    async def take(self, told: Sequence[TemplateStatus], *, now: datetime) -> None:
        """Keep what Meta says of the environment's account, for all who send through it, in any
        order and repetition: the newest stands."""
        if not told:
            return
        async with self.db.engine_transaction() as tx:
            organizations = await on_environment(tx, Provider.WHATSAPP)
        for organization_id in organizations:
            async with self.db.transaction(organization_id) as tx:
                for one in told:
                    await self._keep(tx, organization_id, _told(one, now=now))

    async def share(self, organization_id: OrganizationId, *, borrower: OrganizationId) -> None:
        """Let the borrower of an account know what is known of its templates."""
        async with self.db.transaction(organization_id) as tx:
            known, _ = await store.list_approvals(tx, limit=MOST_TEMPLATES, offset=0)
        async with self.db.transaction(borrower) as tx:
            for approval in known:
                await self._keep(tx, borrower, approval)

    async def approve_all(
        self,
        organization_id: OrganizationId,
        pairs: Iterable[TemplatePair],
        *,
        actor: str,
        now: datetime,
    ) -> None:
        """Take every registration of the texts as approved: for a pretended Meta."""
        async with self.db.transaction(organization_id) as tx:
            for form in forms_of(pairs):
                approval = _approval(form, actor=actor, now=now)
                await store.put(
                    tx, organization_id, replace(approval, state=ApprovalState.APPROVED)
                )

    async def _keep(self, tx: Tx, organization_id: OrganizationId, approval: Approval) -> None:
        if not await store.put(tx, organization_id, approval):
            return
        entry = AuditEntry(
            organization_id=organization_id,
            at=approval.changed_at,
            actor=approval.changed_by,
            action="template.approval_changed",
            subject={
                "name": approval.name,
                "language": approval.language,
                "state": approval.state.value,
            },
        )
        await self.audit.record(tx, entry)
