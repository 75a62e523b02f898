"""Many patients of one organisation with a due or later message each, made set-wise.

They are copies of one patient who was registered through the API and of one message that the
gate admitted, each with an address of its own, so that the gate lets every one of them leave.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from bench.world import NotAsExpected
from handbell.entrypoints.bootstrap import Runtime
from handbell.messages.types import SendOrder
from handbell.platform import outbox
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.types import At

FIRST_ID: Final = 10_000_000
"""Copies have ids from here on; whoever copies twice leaves room between."""

_COPY: Final = """
INSERT INTO {table} OVERRIDING SYSTEM VALUE
SELECT made.* FROM {table} model, generate_series(1, $2::int) AS nth(n),
    LATERAL jsonb_populate_record(model, jsonb_build_object({changed})) AS made
WHERE model.{key} = $1 {which}
"""
_NEW: Final = "nth.n + $3::bigint"
_COPIES: Final = (
    ("patients", "id", "patient_id", {"id": _NEW}),
    (
        *("addresses", "id", "address_id"),
        {
            "id": _NEW,
            "address_hash": f"'\\x' || encode(sha256(('crowd ' || {_NEW})::bytea), 'hex')",
        },
    ),
    (
        *("contact_points", "id", "contact_point_id"),
        {"id": _NEW, "patient_id": _NEW, "address_id": _NEW},
    ),
    (
        *("consent_entries", "address_id", "address_id"),
        {"id": "$3::bigint * 10 + model.no * $2 + nth.n", "address_id": _NEW},
    ),
    ("preference_settings", "level_id", "patient_id", {"id": _NEW, "level_id": _NEW}),
    (
        *("messages", "id", "id"),
        {
            "id": _NEW,
            "patient_id": _NEW,
            "address_id": _NEW,
            "contact_point_id": _NEW,
            "order_key": f"'crowd ' || {_NEW}",
        },
    ),
)
"""What is copied, from the row of which column of the model message, and what is new in it."""
_RELEASE: Final = """
UPDATE messages SET scheduled_at = $1
WHERE id > $2 AND id <= $2 + $3 AND lifecycle = 'scheduled'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The copies of one organisation: `count` messages with ids above `first_id`."""

    connection: asyncpg.Connection
    first_id: int
    count: int

    async def release(self, *, now: datetime, skip: int = 0, count: int | None = None) -> None:
        """Make so many of them due, and wake the dispatcher as a commit would."""
        async with self.connection.transaction():
            wanted = self.count if count is None else count
            await self.connection.execute(_RELEASE, now, self.first_id + skip, wanted)
            await self.connection.execute(f"NOTIFY {outbox.WAKE}")


async def gather(
    runtime: Runtime,
    connection: asyncpg.Connection,
    organization_id: OrganizationId,
    patient_id: int,
    *,
    count: int,
    first_id: int = FIRST_ID,
) -> Crowd:
    """Admit a marketing message to the patient for tomorrow, and copy both `count` times."""
    now = await runtime.clock.now()
    order = SendOrder(
        patient_id=patient_id,
        purpose=Purpose.CAMPAIGN_EDUCATION,
        anchor=At(now + timedelta(days=1)),
        order_key=f"model {first_id}",
        ordered_by="bench",
    )
    admitted = await runtime.messages.admit(organization_id, order, now=now)
    model = await connection.fetchrow(
        "SELECT id, patient_id, address_id, contact_point_id FROM messages WHERE id = $1",
        admitted.message_id,
    )
    if model is None or admitted.scheduled_at is None:
        raise NotAsExpected("The gate refused the marketing message.")
    async with connection.transaction():
        await _copy(connection, dict(model), count, first_id)
    await connection.execute("DELETE FROM messages WHERE id = $1", admitted.message_id)
    await connection.execute("ANALYZE")
    return Crowd(connection=connection, first_id=first_id, count=count)


async def _copy(
    connection: asyncpg.Connection, model: dict[str, Any], count: int, first_id: int
) -> None:
    for table, key, named, new in _COPIES:
        changed = ", ".join(f"'{column}', {value}" for column, value in new.items())
        which = "AND model.level = 'patient'" if table == "preference_settings" else ""
        statement = _COPY.format(table=table, key=key, changed=changed, which=which)
        await connection.execute(statement, model[named], count, first_id)
