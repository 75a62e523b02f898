"""Diagnoses as a record system codes them; the code alone is kept, never its words."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import and_, delete, func, not_, or_, tuple_
from sqlalchemy.dialects.postgresql import insert

from handbell.directory.tables import ConditionRow
from handbell.directory.types import Condition, Origin
from handbell.platform.db import OrganizationId, Tx

BEFORE_ALL = date.min


async def put_conditions(
    tx: Tx,
    organization_id: OrganizationId,
    origin: Origin,
    *,
    patient_id: int,
    conditions: Sequence[Condition],
    now: datetime,
) -> list[int]:
    """Take what one record of the source says, whole; give the ids of the rows that now say it.

    A patient has a row for each code. Of several records with the same code the one with the
    latest onset stands, whatever the order in which they come; an older statement of the same
    record changes nothing.
    """
    await _retract(tx, organization_id, origin, patient_id=patient_id, conditions=conditions)
    rows = [
        {
            "organization_id": organization_id,
            "patient_id": patient_id,
            "system": one.system,
            "code": one.code,
            "status": one.status.value,
            "onset_on": one.onset_on,
            "recorded_on": one.recorded_on,
            "source": origin.source,
            "external_id": origin.external_id,
            "told_at": origin.told_at,
            "changed_at": now,
        }
        for one in conditions
    ]
    statement = insert(ConditionRow).values(rows)
    new, held = statement.excluded, ConditionRow
    is_same_record = and_(held.source == new.source, held.external_id == new.external_id)
    is_newer = held.told_at <= new.told_at
    is_later = func.coalesce(held.onset_on, BEFORE_ALL) <= func.coalesce(new.onset_on, BEFORE_ALL)
    said = ("status", "onset_on", "recorded_on", "source", "external_id", "told_at", "changed_at")
    result = await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["patient_id", "system", "code"],
            set_={name: new[name] for name in said},
            where=or_(and_(is_same_record, is_newer), and_(not_(is_same_record), is_later)),
        ).returning(held.id)
    )
    return list(result.scalars())


async def _retract(
    tx: Tx,
    organization_id: OrganizationId,
    origin: Origin,
    *,
    patient_id: int,
    conditions: Sequence[Condition],
) -> None:
    """What the record said before and says no longer: another code, or another patient."""
    row = ConditionRow
    still_said = [(patient_id, one.system, one.code) for one in conditions]
    await tx.execute(
        delete(row).where(
            row.organization_id == organization_id,
            row.source == origin.source,
            row.external_id == origin.external_id,
            row.told_at <= origin.told_at,
            tuple_(row.patient_id, row.system, row.code).not_in(still_said),
        )
    )
