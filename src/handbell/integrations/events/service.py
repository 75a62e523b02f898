"""Judges and applies each event alone: one bad event never costs another its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson
from pydantic import ValidationError

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.directory.types import Origin
from handbell.integrations.events import apply
from handbell.integrations.events.apply import Applied, Left, Told
from handbell.integrations.events.envelope import Envelope
from handbell.integrations.events.payloads import (
    PAYLOADS,
    AppointmentData,
    LocationData,
    MergeData,
    PatientData,
    Payload,
    ProviderData,
    SlotsData,
)
from handbell.patients.service import PatientService
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.errors import HandbellError

NUL: Final = b"\\u0000"
"""The one character of JSON that the database cannot store."""
_TAKE_ID: Final = """
INSERT INTO event_ids (organization_id, source, event_id, received_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING id
"""


class EventStatus(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    STALE = "stale"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """What became of one event. `code` and `field` say why it was rejected; `internal_id` is our
    id of the thing; `reasons` name what was left out of an accepted one."""

    event_id: str | None
    status: EventStatus
    code: str | None = None
    field: str | None = None
    internal_id: int | None = None
    reasons: tuple[Left, ...] = ()


class EventService:
    """Takes events of one organisation's sources; a repeated event changes nothing."""

    def __init__(self, db: Database, patients: PatientService, audit: AuditService) -> None:
        self.db = db
        self.patients = patients
        self.audit = audit

    async def take_all(
        self, organization_id: OrganizationId, events: Sequence[Any], *, actor: str, now: datetime
    ) -> list[EventResult]:
        """Take a batch in its order; each event has a transaction and a result of its own.

        `actor` is who sent it, for the audit log: a key's prefix or a user's id.
        """
        return [await self.take(organization_id, one, actor=actor, now=now) for one in events]

    async def take(
        self, organization_id: OrganizationId, event: Any, *, actor: str, now: datetime
    ) -> EventResult:
        """Take one event, as parsed from JSON."""
        event_id = _event_id(event)
        if NUL in orjson.dumps(event):
            return _rejected(event_id, code="nul_character", field=None)
        try:
            envelope = Envelope.model_validate(event)
        except ValidationError as invalid:
            return _invalid(event_id, invalid, prefix="")
        payload_type = PAYLOADS.get(envelope.type)
        if payload_type is None:
            return _rejected(event_id, code="unknown_type", field="type")
        try:
            data = payload_type.model_validate(envelope.data)
            return await self._apply_once(organization_id, envelope, data, actor=actor, now=now)
        except ValidationError as invalid:
            return _invalid(event_id, invalid, prefix="data.")
        except HandbellError as refused:
            field = refused.details.get("field")
            return _rejected(event_id, code=refused.code, field=f"data.{field}" if field else None)

    async def _apply_once(
        self,
        organization_id: OrganizationId,
        envelope: Envelope,
        data: Payload,
        *,
        actor: str,
        now: datetime,
    ) -> EventResult:
        """A rejected event leaves no trace, so that it may be sent again once its cause is
        mended."""
        async with self.db.transaction(organization_id) as tx:
            if not await _is_first(tx, organization_id, envelope, now=now):
                return EventResult(event_id=envelope.id, status=EventStatus.DUPLICATE)
            told = Told(
                tx=tx,
                organization_id=organization_id,
                type=envelope.type,
                origin=_origin(envelope, data, now=now),
                now=now,
            )
            applied = await self._apply(told, data)
            await self.audit.record(tx, _entry(told, applied, actor=actor))
        return EventResult(
            event_id=envelope.id,
            status=EventStatus.STALE if applied.is_stale else EventStatus.ACCEPTED,
            internal_id=applied.id,
            reasons=applied.reasons,
        )

    async def _apply(self, told: Told, data: Payload) -> Applied:
        match data:
            case LocationData():
                return await apply.apply_location(told, data)
            case ProviderData():
                return await apply.apply_provider(told, data)
            case SlotsData():
                return await apply.apply_slots(told, data)
            case PatientData():
                return await apply.apply_patient(told, data, self.patients)
            case MergeData():
                return await apply.apply_merge(told, data, self.patients)
            case AppointmentData():
                return await apply.apply_appointment(told, data)
            case _:
                raise AssertionError(type(data))


def _entry(told: Told, applied: Applied, *, actor: str) -> AuditEntry:
    """What the log keeps of an event: who told it, of which kind, about which id of ours."""
    verdict = EventStatus.STALE if applied.is_stale else EventStatus.ACCEPTED
    return AuditEntry(
        organization_id=told.organization_id,
        at=told.now,
        actor=actor,
        action=f"events.{verdict}",
        subject={"type": told.type, "id": applied.id},
    )


async def _is_first(
    tx: Tx, organization_id: OrganizationId, envelope: Envelope, *, now: datetime
) -> bool:
    told = (organization_id, envelope.source, envelope.id, now)
    return (await tx.exec_driver_sql(_TAKE_ID, told)).one_or_none() is not None


def _origin(envelope: Envelope, data: Payload, *, now: datetime) -> Origin:
    """`data.id` names the thing; every type we take has one."""
    external_id: str = data.id  # type: ignore[attr-defined]
    version = data.version if data.version is not None else envelope.version
    return Origin(
        source=envelope.source,
        external_id=external_id,
        version=version,
        told_at=envelope.told_at(now),
    )


def _event_id(event: Any) -> str | None:
    name = event.get("id") if isinstance(event, dict) else None
    return name if isinstance(name, str) else None


def _invalid(event_id: str | None, invalid: ValidationError, *, prefix: str) -> EventResult:
    first = invalid.errors(include_input=False, include_url=False, include_context=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    return _rejected(event_id, code=f"invalid_{first['type']}", field=f"{prefix}{path}")


def _rejected(event_id: str | None, *, code: str, field: str | None) -> EventResult:
    return EventResult(event_id=event_id, status=EventStatus.REJECTED, code=code, field=field)
