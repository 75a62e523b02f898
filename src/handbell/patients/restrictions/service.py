"""Sets and lifts restrictions by the staff's hand; every act and look is recorded.

A practice must accommodate a reasonable request to be reached by other means or at another
place (45 CFR 164.522(b)). Nothing goes before it, not even an emergency.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.directory import service as directory
from handbell.patients import store as patients
from handbell.patients.restrictions import store
from handbell.patients.restrictions.errors import RestrictionNotFound
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.preferences.errors import PatientNotFound

OF_A_NUMBER: Final = (Channel.SMS, Channel.WHATSAPP)
"""Where a number may ring: it is restricted on both."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Restriction:
    """A way in which the patient is never to be reached. No address: the whole channel."""

    id: int
    channel: Channel
    address: str | None
    set_at: datetime
    set_by: str
    lifted_at: datetime | None
    lifted_by: str | None


class RestrictionService:
    """The restrictions of one patient at a time."""

    def __init__(self, db: Database, keys: KeyRing, audit: AuditService) -> None:
        self.db = db
        self.keys = keys
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
    ) -> tuple[list[Restriction], int]:
        """A page, newest first, with the number of all. Raises `PatientNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            key = await self._key(tx, patient_id)
            rows, total = await store.page(tx, patient_id, limit=limit, offset=offset)
            read = _entry(organization_id, patient_id, "restrictions.read", actor=actor, now=now)
            await self.audit.record(tx, read)
        return [_to_restriction(row, key) for row in rows], total

    async def restrict(
        self,
        organization_id: OrganizationId,
        patient_id: int,
        way: tuple[Channel, str | None],
        *,
        actor: str,
        now: datetime,
    ) -> list[Restriction]:
        """Never use the channel, or the one address on it, from now on; twice is fine.

        A number is restricted for SMS and WhatsApp together. Raises `PatientNotFound` or
        `InvalidAddress`.
        """
        async with self.db.transaction(organization_id) as tx:
            key = await self._key(tx, patient_id)
            ways = await self._ways(tx, organization_id, patient_id, way)
            for one, address_id, canonical in ways:
                values = {
                    "patient_id": patient_id,
                    "channel": one,
                    "address_id": address_id,
                    "address": canonical and key.encrypt(canonical, context=store.SEALED_AS),
                }
                await store.put(tx, organization_id, values, actor=actor, now=now)
            rows = await store.open_ones(
                tx,
                patient_id,
                tuple(one for one, _, _ in ways),
                tuple(address_id for _, address_id, _ in ways),
            )
            entry = _entry(
                organization_id,
                patient_id,
                "restriction.set",
                actor=actor,
                now=now,
                restriction_ids=[row.id for row in rows],
            )
            await self.audit.record(tx, entry)
        return [_to_restriction(row, key) for row in rows]

    async def lift(
        self,
        organization_id: OrganizationId,
        patient_id: int,
        restriction_id: int,
        *,
        actor: str,
        now: datetime,
    ) -> None:
        """Let the way be used again; twice is fine. Raises `PatientNotFound`,
        `RestrictionNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            await self._key(tx, patient_id)
            found = await store.find(tx, patient_id, restriction_id)
            if found is None:
                raise RestrictionNotFound(restriction_id)
            if found.lifted_at is not None:
                return
            await store.lift(tx, restriction_id, actor=actor, now=now)
            entry = _entry(
                organization_id,
                patient_id,
                "restriction.lifted",
                actor=actor,
                now=now,
                restriction_ids=[restriction_id],
            )
            await self.audit.record(tx, entry)

    async def _ways(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        patient_id: int,
        way: tuple[Channel, str | None],
    ) -> list[tuple[Channel, int | None, str | None]]:
        channel, told = way
        if told is None:
            return [(channel, None, None)]
        home = await patients.residence(tx, patient_id)
        value = directory.canonical_address(channel, told, region=home.country).value
        channels = (channel,) if channel is Channel.EMAIL else OF_A_NUMBER
        return [
            (
                one,
                await directory.ensure_address(
                    tx, organization_id, one, self.keys.address_hash(one, value)
                ),
                value,
            )
            for one in channels
        ]

    async def _key(self, tx: Tx, patient_id: int) -> SubjectKey:
        keys = await directory.subject_keys_in(tx, self.keys, [patient_id])
        if patient_id not in keys:
            raise PatientNotFound("There is no such patient.", patient_id=patient_id)
        return keys[patient_id]


def _entry(
    organization_id: OrganizationId,
    patient_id: int,
    action: str,
    *,
    actor: str,
    now: datetime,
    **more: list[int],
) -> AuditEntry:
    return AuditEntry(
        organization_id=organization_id,
        at=now,
        actor=actor,
        action=action,
        subject={"patient_ids": [patient_id], **more},
    )


def _to_restriction(row: Row[Any], key: SubjectKey) -> Restriction:
    return Restriction(
        id=row.id,
        channel=Channel(row.channel),
        address=key.decrypt(row.address, context=store.SEALED_AS) if row.address else None,
        set_at=row.set_at,
        set_by=row.set_by,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )
