"""Fills in a template with a real patient's data. Nothing is sent: only the gate lets out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.messages import content
from handbell.messages.errors import AppointmentNotFound
from handbell.messages.showing import LINKS
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.preferences.errors import PatientNotFound
from handbell.templates.service import Preview, TemplateService, preview, prices_in


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOrder:
    """Which template with whose data. `variables` are the caller's own, as in an order."""

    template_id: int
    patient_id: int
    appointment_id: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


class PreviewService:
    """Shows drafts and published texts as a patient would read them."""

    def __init__(
        self,
        db: Database,
        keys: KeyRing,
        audit: AuditService,
        templates: TemplateService,
        *,
        public_url: str,
    ) -> None:
        self.db = db
        self.keys = keys
        self.audit = audit
        self.templates = templates
        self.public_url = public_url

    async def preview(
        self, organization_id: OrganizationId, order: PreviewOrder, *, actor: str, now: datetime
    ) -> Preview:
        """Fill in the draft, or what is published, and its sibling; links only show their place.

        The read is in the audit log. Raises `TemplateNotFound`, `PatientNotFound`,
        `AppointmentNotFound`, and what `templates.render` raises.
        """
        template = await self.templates.get(organization_id, order.template_id)
        shown = dict.fromkeys(LINKS, f"{self.public_url}/l/...")
        async with self.db.transaction(organization_id) as tx:
            material = await content.find_material_of(
                tx,
                self.keys,
                template.pair.full,
                patient_id=order.patient_id,
                appointment_id=order.appointment_id,
                now=now,
            )
            if material is None:
                raise _unknown(order)
            own = replace(material, variables=order.variables)
            made = preview(
                template.pair,
                lambda body: content.compose(own, body, shown),
                await prices_in(tx),
                now=now,
            )
            await self.audit.record(tx, _read(organization_id, order, actor=actor, now=now))
        return made


def _unknown(order: PreviewOrder) -> PatientNotFound | AppointmentNotFound:
    if order.appointment_id is not None:
        return AppointmentNotFound(order.appointment_id)
    return PatientNotFound("There is no such patient.", patient_id=order.patient_id)


def _read(
    organization_id: OrganizationId, order: PreviewOrder, *, actor: str, now: datetime
) -> AuditEntry:
    return AuditEntry(
        organization_id=organization_id,
        at=now,
        actor=actor,
        action="template.previewed",
        subject={"template_id": order.template_id, "patient_id": order.patient_id},
    )
