"""How one patient is reached, read and changed by the staff's hand; every look is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.directory import service as directory
from handbell.messages import service as messages
from handbell.messages.types import Activity
from handbell.patients import store
from handbell.patients.service import PatientService
from handbell.patients.types import SaidContacts
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences import service as preferences
from handbell.preferences.errors import PatientNotFound
from handbell.preferences.types import Level, LevelChange, Preferences


class Activities(Protocol):
    """Tells when something last happened between us and a patient."""

    async def activity_of(self, organization_id: OrganizationId, patient_id: int) -> Activity: ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PatientContext:
    """What holds for a patient now. An address is absent where the channel has none."""

    patient_id: int
    preferences: Preferences
    addresses: Mapping[Channel, str]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ContextChange:
    """The fields that are spoken of; None gives one back to inheritance, or takes the address
    away."""

    settings: Mapping[str, Any]
    addresses: Mapping[Channel, str | None]
    names: tuple[str, ...]


class PatientContextService:
    """The staff's view of a patient's preferences and addresses."""

    def __init__(
        self, db: Database, keys: KeyRing, patients: PatientService, audit: AuditService
    ) -> None:
        self.db = db
        self.keys = keys
        self.patients = patients
        self.audit = audit

    async def get(
        self, organization_id: OrganizationId, patient_id: int, *, actor: str, now: datetime
    ) -> PatientContext:
        """Give the context and record the read, or raise `PatientNotFound`."""
        entry = AuditEntry(
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="patients.context_read",
            subject={"patient_ids": [patient_id]},
        )
        async with self.db.transaction(organization_id) as tx:
            context = await self._context(tx, organization_id, patient_id)
            await self.audit.record(tx, entry)
        return context

    async def change(
        self,
        organization_id: OrganizationId,
        patient_id: int,
        change: ContextChange,
        *,
        actor: str,
        now: datetime,
    ) -> PatientContext:
        """Write what is said at the patient's own level, and record the names of the fields.

        Raises `PatientNotFound`, `InvalidPreference` or `InvalidAddress`; then nothing changed.
        """
        contacts = SaidContacts(patient_id=patient_id, values=change.addresses, source=actor)
        async with self.db.transaction(organization_id) as tx:
            if not await store.lock(tx, patient_id):
                raise _not_found(patient_id)
            said = LevelChange(
                level=Level.PATIENT,
                level_id=patient_id,
                fields=change.settings,
                actor=actor,
            )
            changed = await preferences.change_in(tx, organization_id, said, now=now)
            await self.patients.set_contacts_in(tx, organization_id, contacts, now=now)
            await messages.replan_later_in(tx, organization_id, patient_id, now=now)
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="preferences.changed",
                subject={
                    "patient_ids": [patient_id],
                    "fields": ",".join(change.names),
                    **preferences.told(changed),
                },
            )
            await self.audit.record(tx, entry)
            return await self._context(tx, organization_id, patient_id)

    async def _context(
        self, tx: Tx, organization_id: OrganizationId, patient_id: int
    ) -> PatientContext:
        held = await preferences.resolve_many_in(tx, organization_id, [patient_id])
        keys = await directory.subject_keys_in(tx, self.keys, [patient_id])
        if patient_id not in held or patient_id not in keys:
            raise _not_found(patient_id)
        key = keys[patient_id]
        points = await store.shown_points(tx, patient_id)
        return PatientContext(
            patient_id=patient_id,
            preferences=held[patient_id],
            addresses={
                channel: key.decrypt(address, context="contact_points.address")
                for channel, (_, address) in points.items()
            },
        )


def _not_found(patient_id: int) -> PatientNotFound:
    return PatientNotFound("There is no such patient.", patient_id=patient_id)
