"""`python -m bench.resolution [--json FILE]`: preferences of one patient and of many.

Engine and floor in turn, call by call, on one database: the answers are compared first, then
the median of the rounds' ratios is shown; a round's ratio is that of its median calls. The
floors are one indexed SELECT through the same connections, and the four joins by hand, whose
rows are left as they are.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import asyncpg
import uvloop
from sqlalchemy import Row

from handbell.entrypoints import embedded
from handbell.migrations.service import migrate
from handbell.platform.db import Database, OrganizationId, urls_for
from handbell.preferences import resolving
from handbell.preferences.types import Preferences

ROUNDS: Final = 5
PATIENTS: Final = 20_000
PROVIDERS: Final = 50
BATCH: Final = 500
ORGANIZATION: Final = OrganizationId(1)
KEY: Final = "a key for measuring only"

_DATA: Final = f"""
INSERT INTO organizations (id, name, created_at) VALUES (1, 'Bench', '2026-01-01Z');
INSERT INTO subject_keys (organization_id, wrapped_key, kek_version, created_at)
VALUES (1, '', 1, '2026-01-01Z');
INSERT INTO providers (organization_id, name) SELECT 1, 'P' FROM generate_series(1, {PROVIDERS});
INSERT INTO patients (organization_id, subject_key_id, provider_id, created_at)
SELECT 1, 1, 1 + i % {PROVIDERS}, '2026-01-01Z' FROM generate_series(1, {PATIENTS}) i;
INSERT INTO preference_settings
    (organization_id, level, level_id, timezone, best_hour, changed_at, changed_by)
SELECT 1, 'patient', id, CASE WHEN id % 2 = 0 THEN 'America/Denver' END,
    CASE WHEN id % 5 = 0 THEN 9 END, '2026-01-01Z', 'bench' FROM patients;
INSERT INTO preference_settings
    (organization_id, level, level_id, work_start, work_end, changed_at, changed_by)
SELECT 1, 'provider', id, '08:00', '16:00', '2026-01-01Z', 'bench' FROM providers;
INSERT INTO preference_settings
    (organization_id, level, level_id, language, changed_at, changed_by)
VALUES (1, 'organization', 1, 'es', '2026-01-01Z', 'bench');
ANALYZE;
"""  # noqa: S608 - our own numbers
_ONE_SELECT: Final = """
SELECT * FROM preference_settings
WHERE organization_id = $1 AND level = 'patient' AND level_id = $2
"""
_SHOWN: Final = ("timezone", "language", "work_start", "best_hour", "allow_sms")
_FIELDS: Final = (
    *("timezone", "language", "quiet_start", "quiet_end", "work_start", "work_end", "best_hour"),
    *("allow_email", "allow_sms", "allow_whatsapp", "marketing_opt_in_email"),
    *("marketing_opt_in_sms", "marketing_opt_in_whatsapp", "channel_order", "pause_until"),
    "reading_level",
)
_BY_HAND: Final = (
    "SELECT p.id, "
    + ", ".join(
        f"coalesce(a.{field}, b.{field}, c.{field}, d.{field}) AS {field}" for field in _FIELDS
    )
    + """
FROM patients p
LEFT JOIN preference_settings a
    ON a.organization_id = $1 AND a.level = 'patient' AND a.level_id = p.id
LEFT JOIN preference_settings b
    ON b.organization_id = $1 AND b.level = 'provider' AND b.level_id = p.provider_id
LEFT JOIN preference_settings c
    ON c.organization_id = $1 AND c.level = 'organization' AND c.level_id = $1
LEFT JOIN preference_settings d
    ON d.organization_id IS NULL AND d.level = 'global' AND d.level_id = 0
WHERE p.organization_id = $1 AND p.id = ANY($2::bigint[])
"""
)


class AnswersDiffer(Exception):
    """Raised when engine and floor do not say the same: their speed would mean nothing."""


class Scenarios:
    """Engine and floor of both scenarios, on one database."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.ids = list(range(1, PATIENTS + 1))

    async def compare(self) -> None:
        """Hold the answers of both statements against the floor's. Raises `AnswersDiffer`."""
        for no in range(PATIENTS // BATCH):
            by_hand = {row.id: row for row in await self.many_by_hand(no)}
            resolved = await self.many(no)
            if resolved.keys() != by_hand.keys():
                raise AnswersDiffer
            for patient_id, held in resolved.items():
                row = by_hand[patient_id]
                if any(getattr(held, field) != getattr(row, field) for field in _SHOWN):
                    raise AnswersDiffer
        first = await self.many(0)
        for patient_id, held in first.items():
            if await self._one(patient_id) != held:
                raise AnswersDiffer

    async def _one(self, patient_id: int) -> Preferences | None:
        return await resolving.resolve_one(self.db.direct, ORGANIZATION, patient_id)

    async def one(self, no: int) -> None:
        await self._one(1 + no % PATIENTS)

    async def one_select(self, no: int) -> None:
        await self.db.direct.rows(_ONE_SELECT, ORGANIZATION, 1 + no % PATIENTS)

    async def many(self, no: int) -> dict[int, Preferences]:
        async with self.db.transaction(ORGANIZATION) as tx:
            return await resolving.resolve_many(tx, ORGANIZATION, self._batch(no))

    async def many_by_hand(self, no: int) -> list[Row[Any]]:
        async with self.db.transaction(ORGANIZATION) as tx:
            found = await tx.exec_driver_sql(_BY_HAND, (ORGANIZATION, self._batch(no)))
            return list(found.all())

    def _batch(self, no: int) -> list[int]:
        start = no % (PATIENTS // BATCH) * BATCH
        return self.ids[start : start + BATCH]


async def _seconds(work: Callable[[int], Awaitable[object]], no: int) -> float:
    began = perf_counter()
    await work(no)
    return perf_counter() - began


async def _measure(url: str) -> list[dict[str, Any]]:
    await migrate(url, encryption_key=KEY)
    owner = await asyncpg.connect(url)
    await owner.execute(_DATA)
    await owner.close()
    db = Database.open(urls_for(url, KEY))
    scenarios = Scenarios(db)
    await scenarios.compare()
    found = [
        await _in_turn("one patient", scenarios.one, scenarios.one_select, 400, 1),
        await _in_turn("many patients", scenarios.many, scenarios.many_by_hand, 20, BATCH),
    ]
    await db.close()
    return found


async def _in_turn(
    name: str,
    engine: Callable[[int], Awaitable[object]],
    floor: Callable[[int], Awaitable[object]],
    calls: int,
    patients: int,
) -> dict[str, Any]:
    """A round to warm up, then five: A B A B, call by call."""
    rounds = []
    for _ in range(ROUNDS + 1):
        times = [(await _seconds(engine, no), await _seconds(floor, no)) for no in range(calls)]
        rounds.append((median(one for one, _ in times), median(two for _, two in times)))
    del rounds[0]
    return {
        "scenario": name,
        "patients_a_call": patients,
        "engine_us": round(median(one for one, _ in rounds) * 1e6),
        "floor_us": round(median(two for _, two in rounds) * 1e6),
        "ratio": round(median(one / two for one, two in rounds), 2),
        "ratios": [round(one / two, 2) for one, two in rounds],
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.resolution", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    json_file: Path | None = parser.parse_args().json
    load = os.getloadavg()[0]
    home = Path(tempfile.mkdtemp(prefix="handbell-bench-"))
    server = embedded.start_postgres(home, durable=False)
    try:
        found = uvloop.run(_measure(server.database_url))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    for one in found:
        sys.stdout.write(
            f"{one['scenario']}: {one['engine_us']} us a call, floor {one['floor_us']} us,"
            f" ratio {one['ratio']} of {one['ratios']}\n"
        )
    if json_file is not None:
        figures = {
            "cpus": os.cpu_count(),
            "load_before": round(load, 2),
            "python": platform.python_version(),
            "scenarios": found,
        }
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
