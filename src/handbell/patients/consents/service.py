"""What a patient has consented to, address by address, with the entries that prove it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.consent import service as consent
from handbell.consent.types import ClassState, Deadline, Entry, RiskState, Verdict, Wording
from handbell.directory import service as directory
from handbell.messages.service import SentMessage, sent_to_in
from handbell.organizations.service import organization_in
from handbell.patients import store
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.preferences import service as preferences
from handbell.preferences.errors import PatientNotFound
from handbell.preferences.types import DEFAULTS, Level


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AddressProof:
    """One address that the patient has or had: what holds, and every decision about it.

    The ledger hangs on the address: whoever shares a number shares its decisions. `deadlines`
    go by the number of the revocation, `wordings` by version; `sent` is what this patient was
    sent there.
    """

    address_id: int
    channel: Channel
    address: str
    is_current: bool
    states: Mapping[MessageClass, ClassState]
    risk: RiskState | None
    entries: Sequence[Entry]
    verdict: Verdict
    deadlines: Mapping[int, Deadline]
    wordings: Mapping[str, Wording]
    sent: Sequence[SentMessage]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Proof:
    """The proof for one patient, as it stood at `made_at`. `zone` is the organisation's."""

    patient_id: int
    first_name: str | None
    organization_name: str
    made_at: datetime
    zone: str
    addresses: Sequence[AddressProof]


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
