"""What a patient has consented to, address by address, with the entries that prove it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.consent import service as consent
from handbell.consent.types import Deadline, Entry
from handbell.directory import service as directory
from handbell.messages.service import sent_to_in
from handbell.organizations.service import organization_in
from handbell.patients import store
from handbell.patients.consents import html
from handbell.patients.consents.schemas import AddressProofOut
from handbell.patients.consents.types import AddressProof, Proof
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences import service as preferences
from handbell.preferences.errors import PatientNotFound
from handbell.preferences.types import DEFAULTS, Level

as_page = html.render


def as_data(proof: Proof) -> list[dict[str, Any]]:
    """The proof as its JSON says it, address by address."""
    return [AddressProofOut.of(one).model_dump(mode="json") for one in proof.addresses]


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
        proof = await self.prove(organization_id, patient_id, actor=actor, now=now)
        return list(proof.addresses)

    async def prove(
        self, organization_id: OrganizationId, patient_id: int, *, actor: str, now: datetime
    ) -> Proof:
        """Everything on one page: decisions, words, deadlines, verification, and what was sent.

        Raises `PatientNotFound`, also for one that was erased.
        """
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
            zone = await _zone(tx, organization_id)
            proof = Proof(
                patient_id=patient_id,
                first_name=await directory.first_name_in(tx, self.keys, patient_id),
                organization_name=(await organization_in(tx, organization_id)).name,
                made_at=now,
                zone=zone,
                addresses=await self._addresses(tx, patient_id, keys[patient_id], zone=zone),
            )
            await self.audit.record(tx, entry)
        return proof

    async def _addresses(
        self, tx: Tx, patient_id: int, key: SubjectKey, *, zone: str
    ) -> list[AddressProof]:
        points = await store.all_points(tx, patient_id)
        ledgers = await consent.ledgers_in(tx, [point.address_id for point in points])
        verdicts = await consent.verify_in(tx, self.keys, ledgers)
        wordings = await consent.wordings_in(tx, _versions(ledgers))
        sent = await sent_to_in(tx, patient_id)
        return [
            AddressProof(
                address_id=point.address_id,
                channel=Channel(point.channel),
                address=key.decrypt(point.address, context="contact_points.address"),
                is_current=point.is_current,
                states=consent.fold(ledgers[point.address_id]),
                risk=consent.risk_of(ledgers[point.address_id]),
                entries=ledgers[point.address_id],
                verdict=verdicts[point.address_id],
                deadlines=_deadlines(ledgers[point.address_id], Channel(point.channel), zone=zone),
                wordings=wordings,
                sent=[one for one in sent if one.address_id == point.address_id],
            )
            for point in points
        ]


async def _zone(tx: Tx, organization_id: OrganizationId) -> str:
    """The zone in which the organisation counts its days."""
    said = await preferences.settings_in(tx, organization_id, Level.ORGANIZATION, organization_id)
    return said.timezone or str(DEFAULTS.timezone)


def _versions(ledgers: Mapping[int, Sequence[Entry]]) -> set[str]:
    named = (entry.decision.text_version for entries in ledgers.values() for entry in entries)
    return {version for version in named if version}


def _deadlines(entries: Sequence[Entry], channel: Channel, *, zone: str) -> dict[int, Deadline]:
    rules = consent.current_rules()
    counted = (
        (entry.no, consent.deadline_of(entry, channel, rules, zone=zone)) for entry in entries
    )
    return {no: deadline for no, deadline in counted if deadline is not None}
