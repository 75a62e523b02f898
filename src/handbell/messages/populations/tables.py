"""The temporary tables of one chunk; they go with its transaction.

A *shape* is what one half of the gate looks at, as JSON, without ids, addresses and instants:
patients of one shape get one answer. `halves` names what stands in each.
"""

from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import CreateTable

from handbell.platform.tables import Instant

_SCRATCH: Final = MetaData()


def _scratch(name: str, *columns: Column[Any]) -> Table:
    return Table(
        f"population_{name}",
        _SCRATCH,
        *columns,
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )


IDS: Final = _scratch("ids", Column("patient_id", BigInteger))
CONTACTS: Final = _scratch(
    "contacts",
    Column("id", BigInteger),
    Column("patient_id", BigInteger),
    Column("channel", Text),
    Column("address_id", BigInteger),
    Column("country", Text),
    Column("zones", Text),
    Column("states", Text),
)
PERSONAL: Final = _scratch("personal", Column("patient_id", BigInteger))
PEOPLE: Final = _scratch(
    "people",
    Column("patient_id", BigInteger),
    Column("person", JSON),
    Column("hours", JSON),
    Column("sent_at", JSONB),
    Column("profile", Text),
)
CANDIDATES: Final = _scratch(
    "candidates",
    Column("patient_id", BigInteger),
    Column("channel", Text),
    Column("contact_point_id", BigInteger),
    Column("address_id", BigInteger),
    Column("country", Text),
    Column("shape", Text),
)
PROFILES: Final = _scratch(
    "profiles",
    Column("shape", Text),
    Column("wanted", Integer),
    Column("levels", JSONB),
)
VERDICTS: Final = _scratch(
    "verdicts",
    Column("shape", Text),
    Column("verdict", Integer),
    Column("standing", Integer),
    Column("part_id", BigInteger),
    Column("version_id", BigInteger),
    Column("consent_entry_no", Integer),
)
STANDINGS: Final = _scratch(
    "standings",
    Column("patient_id", BigInteger),
    Column("wanted", Integer),
    Column("standing", Integer),
    Column("levels", JSONB),
)
CHOICES: Final = _scratch(
    "choices",
    Column("wanted", Integer),
    Column("standing", Integer),
    Column("channel", Text),
)
CHOSEN: Final = _scratch(
    "chosen",
    Column("patient_id", BigInteger),
    Column("contact_point_id", BigInteger),
    Column("address_id", BigInteger),
    Column("channel", Text),
    Column("verdict", Integer),
    Column("part_id", BigInteger),
    Column("version_id", BigInteger),
    Column("consent_entry_no", Integer),
    Column("levels", JSONB),
    Column("sent_at", JSONB),
    Column("shape", Text),
)
TIMINGS: Final = _scratch(
    "timings",
    Column("shape", Text),
    Column("timing", Integer),
    Column("part_id", BigInteger),
    Column("own_facts", JSONB),
)
DECISIONS: Final = _scratch(
    "decisions",
    Column("verdict", Integer),
    Column("timing", Integer),
    Column("is_personal", Boolean),
    Column("lifecycle", Text),
    Column("scheduled_at", Instant),
    Column("planned_at", Instant),
    Column("reasons", ARRAY(Text)),
    Column("answer", JSONB),
)

CREATE: Final = tuple(CreateTable(table) for table in _SCRATCH.sorted_tables)
