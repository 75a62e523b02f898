"""What ends a hold: its term, which makes it an opt-out, or a person, who knows better."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.consent.types import Decision, Kind, Method
from handbell.delivery.service import DeliveryService
from handbell.directory import service as directory
from handbell.directory.types import HeldFor
from handbell.inbound import store
from handbell.inbound.errors import InboundMessageNotFound, NothingToUndo
from handbell.inbound.suppressing import replan_all_in
from handbell.platform.db import Database, OrganizationId


class HoldService:
    """Ends what replies have held."""

    def __init__(self, db: Database, audit: AuditService, delivery: DeliveryService) -> None:
        self._db = db
        self._audit = audit
        self._delivery = delivery

    async def end(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> None:
        """A doubtful opt-out that nobody has answered in its term counts as one. Safe to repeat;
        what was released meanwhile, or waits for another reason, stays as it is."""
        async with self._db.transaction(organization_id) as tx:
            address_ids = await directory.release_addresses_in(
                tx, args["address_ids"], HeldFor.POSSIBLE_OPT_OUT, by=now
            )
            told = await store.find_told(tx, args["inbound_message_id"])
            if not address_ids or told is None:
                return
            decision = Decision(
                kind=Kind.REVOKE,
                message_class=None,
                method=Method.KEYWORD,
                source=told.provider,
                actor="patient",
                at=now,
                evidence=told.provider_ref,
            )
            await self._delivery.opt_out_in(
                tx, organization_id, sorted(address_ids), decision, now=now
            )
        await self._delivery.settle(organization_id, sorted(address_ids))

    async def undo(
        self,
        organization_id: OrganizationId,
        inbound_message_id: int,
        *,
        actor: str,
        now: datetime,
    ) -> None:
        """Take back that a number is somebody else's, that the patient has died, or that it
        waits: a person knows better. Raises `InboundMessageNotFound`, `NothingToUndo`."""
        async with self._db.transaction(organization_id) as tx:
            told = await store.find_told(tx, inbound_message_id)
            if told is None:
                raise InboundMessageNotFound(inbound_message_id)
            if told.address_id is None:
                raise NothingToUndo
            changed = await directory.forget_told_in(tx, told.address_id)
            if not changed:
                raise NothingToUndo
            patients = await directory.patients_on_address_in(tx, told.address_id)
            await replan_all_in(tx, organization_id, tuple(patients), now=now)
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="reply.undone",
                subject={
                    "inbound_message_id": inbound_message_id,
                    "address_ids": sorted(changed),
                    "patient_ids": patients,
                },
            )
            await self._audit.record(tx, entry)
