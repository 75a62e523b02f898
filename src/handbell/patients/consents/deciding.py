"""Consent given, taken back, and given again, as somebody reports it of a patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.consent import service as consent
from handbell.consent.types import Agreement, Decision, Entry, Kind, Wording
from handbell.delivery.service import DeliveryService
from handbell.directory import service as directory
from handbell.patients import store
from handbell.patients.consents.errors import NoSuchAddress
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences.errors import PatientNotFound


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Said:
    """A decision and where it holds: at one address of the channel, or at all that the patient
    has there."""

    channel: Channel
    address: str | None
    decision: Decision
    agreement: Agreement | None = None


class PatientConsentService:
    """Writes patients' decisions; each change is in the audit log."""

    def __init__(
        self, db: Database, keys: KeyRing, audit: AuditService, delivery: DeliveryService
    ) -> None:
        self.db = db
        self.keys = keys
        self.audit = audit
        self.delivery = delivery

    async def decide(
        self,
        organization_id: OrganizationId,
        patient_id: int,
        said: Said,
        *,
        now: datetime,
    ) -> list[Entry]:
        """Record the decision at each address; repeating it changes nothing.

        A revocation ends what is queued and waits for what is in flight. Raises
        `PatientNotFound`, `NoSuchAddress`, `InvalidAddress`, `WrittenConsentIncomplete`,
        `GrantNeedsClass`, `NeedsText` or `DecisionInTheFuture`; then nothing is written.
        """
        is_revocation = said.decision.kind is Kind.REVOKE
        async with self.db.transaction(organization_id) as tx:
            address_ids = await self._addresses(tx, patient_id, said)
            if is_revocation:
                await self.delivery.opt_out_in(
                    tx, organization_id, address_ids, said.decision, now=now
                )
            entries = [
                await consent.record(
                    tx,
                    organization_id,
                    address_id,
                    said.decision,
                    keys=self.keys,
                    agreement=said.agreement,
                    now=now,
                )
                for address_id in address_ids
            ]
            await self.audit.record(
                tx, _entry(organization_id, patient_id, address_ids, said, now=now)
            )
        if is_revocation:
            await self.delivery.settle(organization_id, address_ids)
        return entries

    async def publish_wording(
        self, organization_id: OrganizationId, wording: Wording, *, actor: str, now: datetime
    ) -> Wording:
        """Publish the words of a version. Raises `WordingDiffers`."""
        told = replace(wording, created_at=now, created_by=actor)
        async with self.db.transaction(organization_id) as tx:
            stands = await consent.publish_wording_in(tx, organization_id, told)
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="consent_wording.published",
                subject={"version": wording.version},
            )
            await self.audit.record(tx, entry)
        return stands

    async def list_wordings(
        self, organization_id: OrganizationId, *, limit: int, offset: int
    ) -> tuple[list[Wording], int]:
        """A page of the published wordings, oldest first, and how many there are."""
        async with self.db.transaction(organization_id) as tx:
            return await consent.list_wordings_in(tx, limit=limit, offset=offset)

    async def _addresses(self, tx: Tx, patient_id: int, said: Said) -> list[int]:
        """The addresses that are meant, in the order in which they are locked. What is taken
        back is taken back at addresses that are no longer current too."""
        if not await store.lock(tx, patient_id):
            raise PatientNotFound("There is no such patient.", patient_id=patient_id)
        is_revocation = said.decision.kind is Kind.REVOKE
        points = await store.all_points(tx, patient_id)
        found = {
            point.address_id
            for point in points
            if point.channel == said.channel and (point.is_current or is_revocation)
        }
        if said.address is not None:
            found &= await self._named(tx, said.channel, said.address)
        if not found:
            raise NoSuchAddress(said.channel)
        return sorted(found)

    async def _named(self, tx: Tx, channel: Channel, told: str) -> set[int]:
        address = directory.canonical_address(channel, told)
        return await store.addresses_of_hash(
            tx, channel, self.keys.address_hash(channel, address.value)
        )


def _entry(
    organization_id: OrganizationId,
    patient_id: int,
    address_ids: Sequence[int],
    said: Said,
    *,
    now: datetime,
) -> AuditEntry:
    subject: dict[str, int | str | Sequence[int]] = {
        "patient_ids": [patient_id],
        "address_ids": list(address_ids),
        "kind": said.decision.kind,
        "method": said.decision.method,
    }
    if said.decision.message_class is not None:
        subject["message_class"] = said.decision.message_class
    return AuditEntry(
        organization_id=organization_id,
        at=now,
        actor=said.decision.actor,
        action="consent.decided",
        subject=subject,
    )
