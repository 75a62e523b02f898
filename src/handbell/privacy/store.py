"""What of a patient goes, table by table, and what stays: ledger, audit log, suppressions.

The names of the tables stand here together, because erasing is whole or it is nothing; a test
walks every column of every table and finds what was forgotten.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert

from handbell.directory.tables import AddressRow, ContactPointRow, PatientRow
from handbell.platform.db import OrganizationId, Tx
from handbell.privacy.tables import ErasureRow
from handbell.privacy.types import Erasure, ErasureReason

ERASURES: Final = ErasureRow.__table__
_FORGET_IMPORTS: Final = """
DELETE FROM fhir_resources f USING (
    SELECT source, external_id FROM external_ids
    WHERE kind = 'patient' AND internal_id = ANY(:ids) OR kind = 'appointment' AND internal_id IN
        (SELECT id FROM appointments WHERE patient_id = ANY(:ids))
    UNION SELECT source, external_id FROM conditions WHERE patient_id = ANY(:ids)
) known
WHERE f.source = known.source
    AND right(known.external_id, length(f.external_id)) = f.external_id
"""
"""What an import remembers is keyed by the source's own id, with a prefix or without."""
_STATEMENTS: Final = (
    _FORGET_IMPORTS,
    """DELETE FROM external_ids WHERE kind = 'patient' AND internal_id = ANY(:ids)
    OR kind = 'appointment' AND internal_id IN
        (SELECT id FROM appointments WHERE patient_id = ANY(:ids))""",
    """UPDATE message_attempts SET body = '' WHERE message_id IN
        (SELECT id FROM messages WHERE patient_id = ANY(:ids))""",
    """UPDATE messages SET variables = NULL, contact_point_id = NULL, address_id = NULL
    WHERE patient_id = ANY(:ids)""",
    """UPDATE messages SET contact_point_id = NULL, address_id = NULL WHERE contact_point_id IN
        (SELECT id FROM contact_points WHERE patient_id = ANY(:ids))""",
    "UPDATE inbound_messages SET body = '' WHERE patient_id = ANY(:ids)",
    """UPDATE staff_tasks SET note = NULL, closed_at = coalesce(closed_at, :at)
    WHERE patient_id = ANY(:ids)""",
    "DELETE FROM action_links WHERE patient_id = ANY(:ids)",
    "DELETE FROM appointments WHERE patient_id = ANY(:ids)",
    "DELETE FROM conditions WHERE patient_id = ANY(:ids)",
    "DELETE FROM preference_settings WHERE level = 'patient' AND level_id = ANY(:ids)",
    "DELETE FROM preference_changes WHERE level = 'patient' AND level_id = ANY(:ids)",
    "DELETE FROM contact_restrictions WHERE patient_id = ANY(:ids)",
    "DELETE FROM patient_relations WHERE patient_id = ANY(:ids) OR related_id = ANY(:ids)",
    "DELETE FROM contact_points WHERE patient_id = ANY(:ids)",
)
_EMPTY_PATIENTS: Final = """
UPDATE patients SET subject_key_id = NULL, provider_id = NULL, first_name = NULL,
    last_name = NULL, birth_date = NULL, address_line = NULL, city = NULL, state = NULL,
    postal_code = NULL, country = NULL, deceased_at = NULL, erased_at = :at
WHERE id = ANY(:ids)
"""


async def lock_family(tx: Tx, patient_id: int) -> list[int]:
    """The patient and those who were merged into them, held until the transaction ends."""
    one_of = (PatientRow.id == patient_id) | (PatientRow.merged_into_id == patient_id)
    statement = select(PatientRow.id).where(one_of).order_by(PatientRow.id)
    return list((await tx.execute(statement.with_for_update())).scalars())


async def lock_addresses(tx: Tx, patient_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Ids and channels of every address of the patients; no worker claims for them meanwhile."""
    theirs = select(ContactPointRow.address_id).where(ContactPointRow.patient_id.in_(patient_ids))
    statement = (
        select(AddressRow.id, AddressRow.channel)
        .where(AddressRow.id.in_(theirs))
        .order_by(AddressRow.id)
        .with_for_update(key_share=True)
    )
    return [(row.id, row.channel) for row in await tx.execute(statement)]


async def contacts_of(tx: Tx, patient_ids: Sequence[int]) -> Sequence[Row[int, bytes]]:
    """`patient_id` and the encrypted `address` of every contact point."""
    statement = select(ContactPointRow.patient_id, ContactPointRow.address)
    return (await tx.execute(statement.where(ContactPointRow.patient_id.in_(patient_ids)))).all()


async def shared_addresses(
    tx: Tx, address_ids: Sequence[int], patient_ids: Sequence[int]
) -> set[int]:
    """Those of the addresses by which somebody else is reached as well."""
    statement = select(ContactPointRow.address_id).where(
        ContactPointRow.address_id.in_(address_ids),
        ContactPointRow.patient_id.not_in(patient_ids),
        ContactPointRow.is_current,
    )
    return set((await tx.execute(statement)).scalars())


async def erase(tx: Tx, patient_ids: Sequence[int], *, now: datetime) -> None:
    """Delete the keys, and all that they encrypted or that tells of the patients."""
    bound = {"ids": list(patient_ids), "at": now}
    for statement in _STATEMENTS:
        await tx.execute(text(statement), bound)
    keys = select(PatientRow.subject_key_id).where(
        PatientRow.id.in_(patient_ids), PatientRow.subject_key_id.is_not(None)
    )
    key_ids = list((await tx.execute(keys)).scalars())
    await tx.execute(text(_EMPTY_PATIENTS), bound)
    await tx.execute(text("DELETE FROM subject_keys WHERE id = ANY(:ids)"), {"ids": key_ids})


async def put(tx: Tx, organization_id: OrganizationId, erasures: Iterable[Erasure]) -> None:
    """Write down who was erased; the first time stands."""
    for one in erasures:
        await tx.execute(
            insert(ErasureRow)
            .values(
                organization_id=organization_id,
                patient_id=one.patient_id,
                reason=one.reason,
                erased_by=one.erased_by,
                erased_at=one.erased_at,
            )
            .on_conflict_do_nothing(index_elements=["organization_id", "patient_id"])
        )


async def find(tx: Tx, patient_id: int) -> Erasure | None:
    """The erasure of a patient."""
    row = (
        await tx.execute(select(ERASURES).where(ERASURES.c.patient_id == patient_id))
    ).one_or_none()
    return _to_erasure(row) if row else None


async def list_all(tx: Tx) -> list[Erasure]:
    """Every erasure of the organisation, oldest first."""
    return [_to_erasure(row) for row in await tx.execute(select(ERASURES).order_by(ERASURES.c.id))]


def _to_erasure(row: Row[Any]) -> Erasure:
    return Erasure(
        patient_id=row.patient_id,
        reason=ErasureReason(row.reason),
        erased_by=row.erased_by,
        erased_at=row.erased_at,
    )
