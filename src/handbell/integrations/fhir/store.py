"""The memory of earlier imports."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert

from handbell.integrations.fhir.tables import FhirResourceRow
from handbell.integrations.fhir.types import Known, Result
from handbell.platform.db import OrganizationId, Tx

Name = tuple[str, str]
"""Type and the source's id of a resource."""


async def find_known(
    tx: Tx, organization_id: OrganizationId, source: str, names: Collection[Name]
) -> dict[Name, Known]:
    row = FhirResourceRow
    statement = select(row.resource_type, row.external_id, row.digests, row.reasons).where(
        row.organization_id == organization_id,
        row.source == source,
        row.resource_type.in_({name for name, _ in names}),
        row.external_id.in_({external_id for _, external_id in names}),
    )
    return {
        (one.resource_type, one.external_id): Known(
            digests=tuple(one.digests), reasons=tuple(one.reasons)
        )
        for one in await tx.execute(statement)
    }


async def remember(
    tx: Tx,
    organization_id: OrganizationId,
    source: str,
    taken: Sequence[tuple[Name, Result]],
    *,
    now: datetime,
) -> None:
    """Keep the digests; those of an earlier import make room for the new one's."""
    rows = [
        {
            "organization_id": organization_id,
            "source": source,
            "resource_type": name,
            "external_id": external_id,
            "digests": [result.digest],
            "reasons": list(result.reasons),
            "imported_at": now,
        }
        for (name, external_id), result in taken
    ]
    if not rows:
        return
    statement = insert(FhirResourceRow)
    new, held = statement.excluded, FhirResourceRow
    is_same_import = held.imported_at == new.imported_at
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id", "source", "resource_type", "external_id"],
            set_={
                "digests": case(
                    (is_same_import, func.array_cat(held.digests, new.digests)),
                    else_=new.digests,
                ),
                "reasons": new.reasons,
                "imported_at": new.imported_at,
            },
        ),
        rows,
    )
