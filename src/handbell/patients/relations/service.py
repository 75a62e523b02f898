"""Adds and ends guardians and caregivers; every act and look is recorded.

Who is told is a person of their own: own key, own addresses, own consent and opt-out.
"""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.directory import service as directory
from handbell.patients import store as patients
from handbell.patients.relations import store
from handbell.patients.relations.errors import (
    InvalidRelation,
    NotAMinor,
    PermissionMissing,
    RelationNotFound,
    RelationStands,
)
from handbell.patients.relations.types import (
    ContactPerson,
    Kind,
    NewRelation,
    Permission,
    RelationView,
    adult_on,
)
from handbell.patients.service import PatientService
from handbell.patients.types import SaidContacts
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences import service as preferences
from handbell.preferences.errors import PatientNotFound
from handbell.preferences.types import Level, LevelChange


class RelationService:
    """Who is told in the place of one patient at a time."""

    def __init__(
        self, db: Database, keys: KeyRing, patients: PatientService, audit: AuditService
    ) -> None:
        self.db = db
        self.keys = keys
        self.patients = patients
        self.audit = audit

    async def page(
        self,
        organization_id: OrganizationId,
        patient_id: int,
        *,
        actor: str,
        limit: int,
        offset: int,
        now: datetime,
    ) -> tuple[list[RelationView], int]:
        """A page, newest first, with the number of all. Raises `PatientNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            await self._check(tx, patient_id)
            rows, total = await store.page(tx, patient_id, limit=limit, offset=offset)
            views = [await self._view(tx, row) for row in rows]
            shown = [patient_id, *sorted({one.related_id for one in views})]
            await self.audit.record(
                tx, _entry(organization_id, shown, "relations.read", actor=actor, now=now)
            )
        return views, total

    async def add(
        self,
        organization_id: OrganizationId,
        patient_id: int,
        new: NewRelation,
        *,
        actor: str,
        now: datetime,
    ) -> RelationView:
        """From now on tell this person in the patient's place.

        Raises `PatientNotFound`, `InvalidRelation`, `NotAMinor`, `PermissionMissing`,
        `RelationStands`, `InvalidAddress` or `InvalidPreference`; then nothing changed.
        """
        async with self.db.transaction(organization_id) as tx:
            await self._check(tx, patient_id)
            terms = await self._terms(tx, organization_id, patient_id, new, now=now)
            related_id = await self._related(
                tx, organization_id, patient_id, new, actor=actor, now=now
            )
            relation_id = await store.put(
                tx,
                organization_id,
                {
                    "patient_id": patient_id,
                    "related_id": related_id,
                    "kind": new.kind,
                    "until_on": new.until_on,
                    "created_at": now,
                    "created_by": actor,
                    **terms,
                },
            )
            if relation_id is None:
                raise RelationStands
            who = [patient_id, related_id]
            entry = _entry(organization_id, who, "relation.added", actor=actor, now=now)
            await self.audit.record(tx, entry)
            row = await store.find(tx, patient_id, relation_id)
            if row is None:
                raise RelationNotFound(relation_id)
            return await self._view(tx, row)

    async def end(
        self,
        organization_id: OrganizationId,
        patient_id: int,
        relation_id: int,
        *,
        actor: str,
        now: datetime,
    ) -> None:
        """Tell the patient again; twice is fine. Raises `PatientNotFound`, `RelationNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            await self._check(tx, patient_id)
            row = await store.find(tx, patient_id, relation_id)
            if row is None:
                raise RelationNotFound(relation_id)
            if await store.end(tx, relation_id, actor=actor, now=now):
                who = [patient_id, row.related_id]
                entry = _entry(organization_id, who, "relation.ended", actor=actor, now=now)
                await self.audit.record(tx, entry)

    async def _check(self, tx: Tx, patient_id: int) -> None:
        if not await store.is_a_patient(tx, patient_id):
            raise PatientNotFound("There is no such patient.", patient_id=patient_id)

    async def _terms(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        patient_id: int,
        new: NewRelation,
        *,
        now: datetime,
    ) -> dict[str, Any]:
        """A guardian's last day, or a caregiver's permission."""
        if new.kind is Kind.GUARDIAN:
            held = await preferences.resolve_many_in(tx, organization_id, [patient_id])
            today = now.astimezone(ZoneInfo(held[patient_id].timezone)).date()
            of_age = await self._adult_on(tx, patient_id)
            if of_age is None or today >= of_age:
                raise NotAMinor
            return {"adult_on": of_age}
        if new.permission is None:
            raise PermissionMissing
        return {
            "permitted_at": new.permission.at,
            "permission_text": new.permission.text_version,
            "permission_evidence": new.permission.evidence,
        }

    async def _adult_on(self, tx: Tx, patient_id: int) -> date | None:
        sealed = await store.birth_date(tx, patient_id)
        if sealed is None:
            return None
        key = await directory.subject_key_in(tx, self.keys, patient_id)
        return adult_on(date.fromisoformat(key.decrypt(sealed, context="patients.birth_date")))

    async def _related(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        patient_id: int,
        new: NewRelation,
        *,
        actor: str,
        now: datetime,
    ) -> int:
        if (new.related_patient_id is None) == (new.contact is None):
            raise InvalidRelation("Name a patient or a contact person.", field="contact")
        if new.contact is not None:
            return await self._create(tx, organization_id, new.contact, actor=actor, now=now)
        related_id = new.related_patient_id
        if related_id == patient_id or related_id is None:
            raise InvalidRelation("Name somebody else.", field="related_patient_id")
        await self._check(tx, related_id)
        return related_id

    async def _create(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        person: ContactPerson,
        *,
        actor: str,
        now: datetime,
    ) -> int:
        """Make a person of their own. Their addresses are consent for care, as at registration."""
        person_id = await patients.create(tx, organization_id, self.keys, now=now)
        key = await directory.subject_key_in(tx, self.keys, person_id)
        names = {"first_name": person.first_name, "last_name": person.last_name}
        sealed = {
            name: key.encrypt(text, context=f"patients.{name}")
            for name, text in names.items()
            if text
        }
        await store.name_contact(tx, person_id, sealed)
        await preferences.create_inherited(tx, organization_id, person_id, now=now)
        if person.language is not None:
            said = LevelChange(
                level=Level.PATIENT,
                level_id=person_id,
                fields={"language": person.language},
                actor=actor,
            )
            await preferences.change_in(tx, organization_id, said, now=now)
        contacts = SaidContacts(patient_id=person_id, values=person.addresses, source=actor)
        await self.patients.set_contacts_in(tx, organization_id, contacts, now=now)
        return person_id

    async def _view(self, tx: Tx, row: Row[Any]) -> RelationView:
        keys = await directory.subject_keys_in(tx, self.keys, [row.related_id])
        key = keys.get(row.related_id)
        points = await patients.shown_points(tx, row.related_id) if key else {}
        return RelationView(
            id=row.id,
            kind=Kind(row.kind),
            related_id=row.related_id,
            is_contact=row.is_contact,
            first_name=_opened(key, row.first_name, "first_name"),
            last_name=_opened(key, row.last_name, "last_name"),
            addresses={
                Channel(channel): key.decrypt(address, context="contact_points.address")
                for channel, (_, address) in points.items()
                if key
            },
            adult_on=row.adult_on,
            until_on=row.until_on,
            permission=_permission(row),
            created_at=row.created_at,
            created_by=row.created_by,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
        )


def _opened(key: SubjectKey | None, sealed: bytes | None, name: str) -> str | None:
    return key.decrypt(sealed, context=f"patients.{name}") if key and sealed else None


def _permission(row: Row[Any]) -> Permission | None:
    if row.permitted_at is None:
        return None
    return Permission(
        text_version=row.permission_text, at=row.permitted_at, evidence=row.permission_evidence
    )


def _entry(
    organization_id: OrganizationId,
    patient_ids: list[int],
    action: str,
    *,
    actor: str,
    now: datetime,
) -> AuditEntry:
    return AuditEntry(
        organization_id=organization_id,
        at=now,
        actor=actor,
        action=action,
        subject={"patient_ids": patient_ids},
    )
