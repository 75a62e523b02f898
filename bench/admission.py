"""`python -m bench.admission [--patients N] [--rounds N] [--purpose P] [--json FILE]`: a whole
population admitted by sets, beside a bare `INSERT … SELECT` of the very rows that it wrote.

Product and floor in turn on one database, as the same role; what a round wrote is taken away
again. The population: 50 states and the capital, a tenth with a number of another state, 5 % with
hours of their own, half with a learned hour, 20 % with messages of the last week, 15 % who read
Spanish, some who said stop, died, or have no number.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import asyncpg
import uvloop
from sqlalchemy import select, text

from handbell.audit.service import AuditService
from handbell.channels.service import EnvironmentAccount, ensure_accounts
from handbell.channels.types import Baa, NewLine, Provider
from handbell.directory.tables import PatientRow
from handbell.entrypoints import embedded
from handbell.messages.populations.types import PopulationOrder
from handbell.messages.service import MessageService
from handbell.messages.tables import MessageRow
from handbell.migrations.service import migrate
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, urls_for
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.state_zones import ZONES_OF_STATE
from handbell.scheduling.types import Free

ORGANIZATION: Final = OrganizationId(1)
KEY: Final = "a key for measuring only"
NOW: Final = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
PURPOSES: Final = (Purpose.RX_REFILL.value, Purpose.CAMPAIGN_EDUCATION.value)
ORDER_KEY: Final = "admission"
LINES: Final = (
    (Provider.TWILIO, "+12025550100"),
    (Provider.SENDGRID, "care@practice.example.org"),
)

_PRACTICE: Final = """
INSERT INTO organizations (id, name, created_at) VALUES (1, 'Bench', '2026-01-01Z');
INSERT INTO organization_settings (organization_id) VALUES (1);
INSERT INTO subject_keys (organization_id, wrapped_key, kek_version, created_at)
VALUES (1, '', 1, '2026-01-01Z');
INSERT INTO providers (organization_id, name) SELECT 1, 'P' FROM generate_series(1, 50);
INSERT INTO preference_settings
    (organization_id, level, level_id, work_start, work_end, changed_at, changed_by)
SELECT 1, 'provider', id, '08:00', '16:00', '2026-01-01Z', 'bench' FROM providers;
CREATE SCHEMA bench;
CREATE TABLE bench.states (no int PRIMARY KEY, state text, zones text[]);
GRANT USAGE ON SCHEMA bench TO handbell_app;
"""
_PEOPLE: Final = (
    """
INSERT INTO patients (organization_id, subject_key_id, provider_id, state, deceased_at, created_at)
SELECT 1, 1, 1 + i % 50, state, CASE WHEN i % 100 = 7 THEN timestamptz '2026-06-01Z' END,
    '2026-01-01Z'
FROM generate_series(1, $1::int) i
JOIN bench.states ON no = abs(hashint4(i)) % (SELECT count(*) FROM bench.states)
""",
    """
INSERT INTO addresses (organization_id, channel, address_hash, wrong_number_at)
SELECT 1, one.channel, decode(md5(one.channel || p.id), 'hex'),
    CASE WHEN p.id % 100 = 9 THEN timestamptz '2026-06-01Z' END
FROM patients p, unnest('{sms,email}'::text[]) one (channel)
WHERE CASE one.channel WHEN 'sms' THEN p.id % 50 <> 3 ELSE p.id % 10 < 7 END
""",
    """
INSERT INTO contact_points
    (organization_id, patient_id, address_id, channel, address, country, zones, states, created_at)
SELECT 1, p.id, a.id, a.channel, '', CASE a.channel WHEN 'sms' THEN 'US' END,
    CASE a.channel WHEN 'sms' THEN s.zones ELSE '{}' END,
    CASE a.channel WHEN 'sms' THEN ARRAY[s.state, p.state] ELSE '{}' END, '2026-01-01Z'
FROM patients p
JOIN unnest('{sms,email}'::text[]) one (channel) ON true
JOIN addresses a
    ON a.channel = one.channel AND a.address_hash = decode(md5(one.channel || p.id), 'hex')
JOIN bench.states home ON home.state = p.state
JOIN bench.states s ON s.no = CASE WHEN p.id % 10 = 4
    THEN abs(hashint8(p.id * 31)) % (SELECT count(*) FROM bench.states) ELSE home.no END
""",
    """
INSERT INTO consent_entries
    (organization_id, address_id, no, kind, message_class, method, source, text_version, actor,
     at, recorded_at, hash)
SELECT 1, a.id, e.no, 'grant', e.class, e.method, 'bench', e.version, 'bench',
    '2026-01-01Z'::timestamptz + e.no * interval '1 day', '2026-01-01Z', ''
FROM addresses a
JOIN (VALUES (1, 'care', 'provided_at_registration', NULL),
    (2, 'billing_admin', 'web_form', '2026-01'), (3, 'marketing', 'web_form', '2026-01')
) e (no, class, method, version)
    ON e.no = 1 OR e.no = 2 AND a.id % 2 = 0 OR e.no = 3 AND a.id % 4 = 0
""",
    """
INSERT INTO suppressions (organization_id, channel, address_hash, since)
SELECT 1, channel, address_hash, '2026-06-01Z' FROM addresses WHERE id % 33 = 5
""",
    """
INSERT INTO preference_settings
    (organization_id, level, level_id, language, timezone, best_hour, quiet_start, quiet_end,
     marketing_opt_in_sms, channel_order, changed_at, changed_by)
SELECT 1, 'patient', p.id,
    CASE WHEN p.id % 20 < 3 THEN 'es' END, CASE WHEN p.id % 5 = 1 THEN s.zones[1] END,
    CASE WHEN p.id % 2 = 0 THEN abs(hashint8(p.id)) % 24 END,
    CASE WHEN p.id % 20 = 11
        THEN time '20:00' + (abs(hashint8(p.id * 7)) % 6) * interval '30 min' END,
    CASE WHEN p.id % 20 = 11
        THEN time '06:00' + (abs(hashint8(p.id * 11)) % 6) * interval '30 min' END,
    CASE WHEN p.id % 4 = 0 THEN true END,
    CASE WHEN p.id % 10 = 6 THEN '{email,sms}'::text[] END, '2026-01-01Z', 'bench'
FROM patients p JOIN bench.states s ON s.state = p.state
""",
    """
INSERT INTO messages
    (organization_id, order_key, ordered_by, patient_id, is_address_named, channel, purpose,
     message_class, lane, anchor, lifecycle, progress, reasons, preference_levels, decided_at,
     created_at, changed_at, sent_at)
SELECT 1, 'earlier:' || p.id || ':' || no, 'bench', p.id, false, 'sms', 'appt_reminder', 'care',
    'care', '{"kind": "free"}', 'accepted', 'delivered', '{}', '{}', '2026-11-20Z',
    '2026-11-20Z', '2026-11-20Z',
    timestamptz '2026-12-01 17:00Z' - (abs(hashint8(p.id * 13 + no)) % 600000) * interval '1 s'
FROM patients p, generate_series(1, 2) no WHERE p.id % 5 = 2 AND (no = 1 OR p.id % 3 = 0)
""",
)
_WRITTEN: Final = "starts_with(order_key, 'admission:')"
_COLUMNS: Final = ", ".join(
    column.name for column in MessageRow.__table__.c if column.name != "id"
)
_ENTRY: Final = "organization_id, at, actor, action, subject, leaf, mac, xid"
_KEEP: Final = f"""
DROP TABLE IF EXISTS bench.messages, bench.entries;
CREATE TABLE bench.messages AS SELECT {_COLUMNS} FROM messages WHERE {_WRITTEN};
CREATE TABLE bench.entries AS SELECT {_ENTRY} FROM audit_entries WHERE actor = 'bench';
GRANT SELECT ON ALL TABLES IN SCHEMA bench TO handbell_app;
"""  # noqa: S608 - our own names
_FLOOR: Final = (
    f"INSERT INTO messages ({_COLUMNS}) SELECT {_COLUMNS} FROM bench.messages",  # noqa: S608
    f"INSERT INTO audit_entries ({_ENTRY}) SELECT {_ENTRY} FROM bench.entries",  # noqa: S608
)
_CLEAR: Final = (
    f"DELETE FROM messages WHERE {_WRITTEN}",  # noqa: S608
    "DELETE FROM audit_entries WHERE actor = 'bench'",
    "VACUUM ANALYZE messages",
    "VACUUM ANALYZE audit_entries",
    "CHECKPOINT",
)


class RowsDiffer(Exception):
    """Raised when product and floor did not write the same rows: the ratio would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """One run of the product. `memory_mb` is what the process held after each chunk."""

    seconds: float
    by_sets: int
    one_by_one: int
    shapes: int
    memory_mb: tuple[int, ...]


class Bench:
    """One database with a population, and the two ways to fill it."""

    def __init__(self, db: Database, owner: asyncpg.Connection, order: PopulationOrder) -> None:
        self._db = db
        self._owner = owner
        self._order = order
        keys = KeyRing(encryption_key=KEY, lookup_key=KEY)
        self._messages = MessageService(
            db, keys, AuditService(db, keys), public_url="https://m.example.org"
        )

    async def admit(self) -> Admitted:
        """The product: facts, gate, receipts, messages, refusals in the audit log."""
        began, by_sets, one_by_one, shapes = perf_counter(), 0, 0, 0
        memory: list[int] = []
        population = select(PatientRow.id)
        async for done in self._messages.admit_population(
            ORGANIZATION, population, self._order, now=NOW
        ):
            by_sets, one_by_one = by_sets + done.by_sets, one_by_one + done.one_by_one
            shapes += done.shapes
            memory.append(_memory_mb())
        return Admitted(
            seconds=perf_counter() - began,
            by_sets=by_sets,
            one_by_one=one_by_one,
            shapes=shapes,
            memory_mb=tuple(memory),
        )

    async def insert(self) -> float:
        """The floor: the same rows into the same tables, in one statement each."""
        began = perf_counter()
        async with self._db.transaction(ORGANIZATION) as tx:
            await tx.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in _FLOOR:
                await tx.execute(text(statement))
        return perf_counter() - began

    async def keep(self) -> None:
        """Put what the product wrote aside."""
        await self._owner.execute(_KEEP)

    async def compare(self) -> None:
        """Raises `RowsDiffer` unless the messages are those that were put aside."""
        digest = f"""
            SELECT md5(string_agg(md5(kept::text), '' ORDER BY order_key))
            FROM (SELECT {_COLUMNS} FROM {{}} WHERE {_WRITTEN}) kept
        """  # noqa: S608 - our own names
        ours = await self._owner.fetchval(digest.format("messages"))
        if ours is None or ours != await self._owner.fetchval(digest.format("bench.messages")):
            raise RowsDiffer

    async def clear(self) -> None:
        """Leave the tables as they were."""
        await self._owner.execute("SET session_replication_role = replica")
        for statement in _CLEAR:
            await self._owner.execute(statement)

    async def parts(self) -> int:
        count: int = await self._owner.fetchval("SELECT count(*) FROM receipt_parts")
        return count

    async def answers(self) -> dict[str, int]:
        rows = await self._owner.fetch(
            "SELECT lifecycle, count(*) FROM bench.messages GROUP BY lifecycle"
        )
        return {row["lifecycle"]: row["count"] for row in rows}


def _memory_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


async def _populate(owner: asyncpg.Connection, patients: int) -> None:
    await owner.execute(_PRACTICE)
    states = [(no, state, list(zones)) for no, (state, zones) in enumerate(ZONES_OF_STATE.items())]
    await owner.copy_records_to_table("states", schema_name="bench", records=states)
    await owner.execute(_PEOPLE[0], patients)
    for statement in _PEOPLE[1:]:
        await owner.execute("ANALYZE")
        await owner.execute(statement)
    await owner.execute("VACUUM ANALYZE")


async def _measure(url: str, order: PopulationOrder, *, patients: int, rounds: int) -> Any:
    await migrate(url, encryption_key=KEY)
    owner = await asyncpg.connect(url, command_timeout=3600)
    await _populate(owner, patients)
    db = Database.open(urls_for(url, KEY))
    async with db.engine_transaction() as tx:
        accounts = [
            EnvironmentAccount(
                provider=provider,
                reference=f"{provider}-account",
                baa=Baa.NOT_REQUIRED,
                lines=(NewLine(address=line),),
            )
            for provider, line in LINES
        ]
        await ensure_accounts(tx, ORGANIZATION, accounts, now=NOW)
    bench = Bench(db, owner, order)
    found = [await _round(bench) for _ in range(rounds)]
    answers, parts = await bench.answers(), await bench.parts()
    await db.close()
    await owner.close()
    last = found[-1][0]
    return {
        "patients": patients,
        "purpose": order.purpose.value,
        "answers": answers,
        "by_sets": last.by_sets,
        "one_by_one": last.one_by_one,
        "shapes": last.shapes,
        "parts": parts,
        "memory_mb": last.memory_mb,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "seconds": [round(admitted.seconds, 2) for admitted, _ in found],
        "floor_seconds": [round(seconds, 2) for _, seconds in found],
        "ratio": round(median(admitted.seconds / seconds for admitted, seconds in found), 2),
    }


async def _round(bench: Bench) -> tuple[Admitted, float]:
    admitted = await bench.admit()
    await bench.keep()
    await bench.clear()
    seconds = await bench.insert()
    await bench.compare()
    await bench.clear()
    return admitted, seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.admission", description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="product and floor so often (3)")
    parser.add_argument("--purpose", choices=PURPOSES, default=PURPOSES[0], help="what is told")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    told = parser.parse_args()
    order = PopulationOrder(
        purpose=Purpose(told.purpose), anchor=Free(), order_key=ORDER_KEY, ordered_by="bench"
    )
    load = os.getloadavg()[0]
    home = Path(tempfile.mkdtemp(prefix="handbell-bench-"))
    server = embedded.start_postgres(home)
    try:
        found = uvloop.run(
            _measure(server.database_url, order, patients=told.patients, rounds=told.rounds)
        )
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    figures = {
        "cpus": os.cpu_count(),
        "load_before": round(load, 2),
        "python": platform.python_version(),
        **found,
    }
    shown = json.dumps(figures, indent=2)
    sys.stdout.write(shown + "\n")
    if told.json is not None:
        told.json.parent.mkdir(parents=True, exist_ok=True)
        told.json.write_text(shown + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
