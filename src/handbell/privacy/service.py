"""Erases patients: the key goes, and with it every text; what the law wants kept stays.

Kept are the consent ledger, the audit log and the suppressions: none holds more of a patient
than keyed hashes and ids.
"""

from collections.abc import Sequence
from datetime import datetime

from handbell.audit.types import AuditEntry
from handbell.consent import service as consent
from handbell.consent.types import ClassState, Decision, Kind, Method
from handbell.delivery.service import DeliveryService
from handbell.directory import service as directory
from handbell.messages.service import withdraw
from handbell.messages.tables import MessageRow
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import MessageClass
from handbell.preferences.errors import PatientNotFound
from handbell.privacy import callbacks, store
from handbell.privacy.types import Erasure, ErasureReason


class PrivacyService:
    """What patients may ask of their data."""

    def __init__(self, db: Database, keys: KeyRing, delivery: DeliveryService) -> None:
        self.db = db
        self.keys = keys
        self.delivery = delivery

    async def erase(
        self,
        organization_id: OrganizationId,
        patient_id: int,
        reason: ErasureReason,
        *,
        actor: str,
        now: datetime,
    ) -> Erasure:
        """Erase a patient, and whoever was merged into them, for good.

        What is planned is cancelled, what is in flight is waited for (at most ten seconds). Once
        erased, a patient stays so: repeating it gives the first erasure. Raises
        `PatientNotFound`.
        """
        asked = Erasure(patient_id=patient_id, reason=reason, erased_by=actor, erased_at=now)
        async with self.db.transaction(organization_id) as tx:
            if earlier := await store.find(tx, patient_id):
                return earlier
            _, address_ids = await self._still(tx, patient_id, now=now)
        await self.delivery.settle(organization_id, address_ids)
        async with self.db.transaction(organization_id) as tx:
            if earlier := await store.find(tx, patient_id):
                return earlier
            return await self._erase_in(tx, organization_id, asked)

    async def list_erasures(self, organization_id: OrganizationId) -> list[Erasure]:
        """Everybody who was erased: what is kept outside the database and replayed after a
        restore."""
        async with self.db.transaction(organization_id) as tx:
            return await store.list_all(tx)

    async def replay(
        self, organization_id: OrganizationId, erasures: Sequence[Erasure], *, now: datetime
    ) -> int:
        """Erase again whom a restored backup brought back; say how many there were.

        Run it before traffic. Patients that the backup does not know are passed over.
        """
        again = 0
        for one in erasures:
            async with self.db.transaction(organization_id) as tx:
                is_back = (
                    await store.find(tx, one.patient_id) is None
                    and await directory.subject_keys_in(tx, self.keys, [one.patient_id]) != {}
                )
            if is_back:
                again += 1
                await self.erase(
                    organization_id, one.patient_id, one.reason, actor=one.erased_by, now=now
                )
        return again

    async def _still(
        self, tx: Tx, patient_id: int, *, now: datetime
    ) -> tuple[list[int], list[int]]:
        """Cancel what is pending; give the patients and the addresses that are held now."""
        patient_ids = await store.lock_family(tx, patient_id)
        if patient_id not in patient_ids:
            raise PatientNotFound("There is no such patient.", patient_id=patient_id)
        addresses = await store.lock_addresses(tx, patient_ids)
        await withdraw(
            tx,
            MessageRow.patient_id.in_(patient_ids),
            becomes=Lifecycle.CANCELLED,
            reason=Reason.WITHDRAWN,
            now=now,
        )
        return patient_ids, [address_id for address_id, _ in addresses]

    async def _erase_in(self, tx: Tx, organization_id: OrganizationId, asked: Erasure) -> Erasure:
        now = asked.erased_at
        patient_ids, address_ids = await self._still(tx, asked.patient_id, now=now)
        shared = await store.shared_addresses(tx, address_ids, patient_ids)
        for address_id in address_ids:
            if address_id not in shared:
                await self._take_back(tx, organization_id, address_id, asked)
        addresses = await self._addresses(tx, patient_ids)
        wiped = await callbacks.wipe(tx, self.keys, addresses)
        await store.erase(tx, patient_ids, now=now)
        await store.put(tx, organization_id, [asked])
        entry = AuditEntry(
            organization_id=organization_id,
            at=now,
            actor=asked.erased_by,
            action="patient.erased",
            subject={"patient_ids": patient_ids, "reason": asked.reason, "callbacks": wiped},
        )
        await self.delivery.messages.audit.record(tx, entry)
        return asked

    async def _addresses(self, tx: Tx, patient_ids: Sequence[int]) -> list[str]:
        keys = await directory.subject_keys_in(tx, self.keys, patient_ids)
        return [
            keys[row.patient_id].decrypt(row.address, context="contact_points.address")
            for row in await store.contacts_of(tx, patient_ids)
            if row.patient_id in keys
        ]

    async def _take_back(
        self, tx: Tx, organization_id: OrganizationId, address_id: int, asked: Erasure
    ) -> None:
        """End what was consented to beyond care: who gets the number next did not agree to it.

        Care needs no ending: nothing is sent before the address is given at a registration
        again, and that is consent for care.
        """
        states = (await consent.states_in(tx, [address_id]))[address_id]
        for message_class in _beyond_care(states):
            decision = Decision(
                kind=Kind.REVOKE,
                message_class=message_class,
                method=Method.ERASURE,
                source="privacy",
                actor=asked.erased_by,
                at=asked.erased_at,
            )
            await consent.record(
                tx,
                organization_id,
                address_id,
                decision,
                keys=self.keys,
                now=asked.erased_at,
            )


def _beyond_care(states: dict[MessageClass, ClassState]) -> list[MessageClass]:
    return [one for one, state in states.items() if state.granted and one is not MessageClass.CARE]
