"""What a patient has consented to, address by address, with the entries that prove it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.consent import service as consent
from handbell.consent.types import ClassState, Entry, Verdict
from handbell.directory import service as directory
from handbell.patients import store
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.preferences.errors import PatientNotFound


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AddressProof:
    """One address that the patient has or had: what holds, and every decision about it.

    The ledger hangs on the address: whoever shares a number shares its decisions.
    """

    address_id: int
    channel: Channel
    address: str
    is_current: bool
    states: Mapping[MessageClass, ClassState]
    entries: Sequence[Entry]
    verdict: Verdict


class ConsentProofService:
    """Proof of consent for one patient; every look is in the audit log."""

    def __init__(self, db: Database, keys: KeyRing, audit: AuditService) -> None:
        self.db = db
        self.keys = keys
        self.audit = audit

    async def get(
        self, organization_id: OrganizationId, patient_id: int, *, actor: str, now: datetime
    ) -> list[AddressProof]:
        """The proofs, oldest address first. Raises `PatientNotFound`."""
        entry = AuditEntry(
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="consents.read",
            subject={"patient_ids": [patient_id]},
        )
        async with self.db.transaction(organization_id) as tx:
            keys = await directory.subject_keys_in(tx, self.keys, [patient_id])
            if patient_id not in keys:
                raise PatientNotFound("There is no such patient.", patient_id=patient_id)
            points = await store.all_points(tx, patient_id)
            ledgers = await consent.ledgers_in(tx, [point.address_id for point in points])
            verdicts = await consent.verify_in(tx, self.keys, ledgers)
            await self.audit.record(tx, entry)
        key = keys[patient_id]
        return [
            AddressProof(
                address_id=point.address_id,
                channel=Channel(point.channel),
                address=key.decrypt(point.address, context="contact_points.address"),
                is_current=point.is_current,
                states=consent.fold(ledgers[point.address_id]),
                entries=ledgers[point.address_id],
                verdict=verdicts[point.address_id],
            )
            for point in points
        ]
