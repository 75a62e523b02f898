"""The temporary tables of one chunk; they go with its transaction.

A *shape* is what one half of the gate looks at, as JSON, without ids, addresses and instants:
patients of one shape get one answer. `halves` names what stands in each. Shapes are long: the
tables compare their digests, and Python asks for the text of each different one.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Computed, Integer, MetaData, Table, Text, Uuid
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


def _digested(name: str) -> tuple[Column[Any], Column[Any]]:
    """A text and its digest."""
    digest = Computed(f"CAST(md5({name}) AS uuid)", persisted=True)
    return Column(name, Text), Column(f"{name}_digest", Uuid, digest)


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
    *_digested("person"),
    *_digested("hours"),
    *_digested("profile"),
    Column("sent_at", JSONB),
)
LEDGERS: Final = _scratch("ledgers", Column("address_id", BigInteger), *_digested("ledger"))
CANDIDATES: Final = _scratch(
    "candidates",
    Column("patient_id", BigInteger),
    Column("channel", Text),
    Column("contact_point_id", BigInteger),
    Column("address_id", BigInteger),
    Column("country", Text),
    Column("is_wrong_number", Boolean),
    Column("is_suppressed", Boolean),
    Column("shape", Uuid),
)
PROFILES: Final = _scratch(
    "profiles",
    Column("shape", Uuid),
    Column("wanted", Integer),
    Column("levels", JSONB),
)
VERDICTS: Final = _scratch(
    "verdicts",
    Column("shape", Uuid),
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
    Column("country", Text),
    Column("verdict", Integer),
    Column("part_id", BigInteger),
    Column("version_id", BigInteger),
    Column("consent_entry_no", Integer),
    Column("levels", JSONB),
    Column("sent_at", JSONB),
    Column("binding", JSONB),
    Column("shape", Uuid),
)
TIMINGS: Final = _scratch(
    "timings",
    Column("shape", Uuid),
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
