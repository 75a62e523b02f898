"""Imports FHIR files: what needs others comes after them, each batch is one transaction."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.integrations.fhir import apply, store
from handbell.integrations.fhir.apply import Import, Step
from handbell.integrations.fhir.reading import find_files, read
from handbell.integrations.fhir.report import Rejects, Report
from handbell.integrations.fhir.resources import Resource, read_as
from handbell.integrations.fhir.store import Name
from handbell.integrations.fhir.types import (
    PASSES,
    USED,
    Found,
    Known,
    Outcome,
    Reason,
    Result,
    Unreadable,
)
from handbell.patients.service import PatientService
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.errors import HandbellError

__all__ = ["FhirImportService", "Progress", "Rejects"]

BATCH: Final = 25
"""A batch holds the locks on its addresses until it commits, and a STOP waits for them: it is
kept to a fraction of a second."""

ACTOR: Final = "import"

Progress = Callable[[int, int], None]
"""Hears how many resources of how many are done."""

Holding = tuple[Path, str, frozenset[str]]
"""A file, what the report calls it, and the used types that it holds."""


class FhirImportService:
    """Imports files for one organisation. A repeated import changes nothing."""

    def __init__(
        self, db: Database, keys: KeyRing, patients: PatientService, audit: AuditService
    ) -> None:
        self.db = db
        self.keys = keys
        self.patients = patients
        self.audit = audit

    async def run(
        self,
        organization_id: OrganizationId,
        path: Path,
        *,
        source: str,
        now: datetime,
        rejects: Rejects = lambda _: None,
        progress: Progress = lambda _done, _total: None,
    ) -> Report:
        """Import a file, or every file below a folder; the report says what became of it.

        What was committed stays if the database fails midway, and the import may be repeated.
        Raises `PathNotFound` and `NothingToImport`.
        """
        run = Import(organization_id=organization_id, source=source, now=now)
        report = Report(rejects)
        holdings, total = _survey(path, run, report)
        done = 0
        for wanted in PASSES:
            for batch in _batches(holdings, frozenset(wanted)):
                await self._take(run, batch, report)
                done += len(batch)
                progress(done, total)
        return report

    async def _take(self, run: Import, batch: Sequence[Found], report: Report) -> None:
        """A batch that fails is taken one by one, so that only the bad one is left out."""
        try:
            results = await self._take_together(run, batch)
        except (HandbellError, DBAPIError):
            results = [await self._take_alone(run, one) for one in batch]
        for found, result in zip(batch, results, strict=True):
            report.add(found, result)

    async def _take_alone(self, run: Import, found: Found) -> Result:
        try:
            return (await self._take_together(run, [found]))[0]
        except HandbellError as refused:
            return apply.skipped(refused.code)
        except DBAPIError as failed:
            if failed.connection_invalidated:
                raise
            return apply.skipped(Reason.REFUSED_BY_DATABASE)

    async def _take_together(self, run: Import, batch: Sequence[Found]) -> list[Result]:
        named = [(found, self._name(found)) for found in batch]
        names = [name for _, name in named if name]
        results: list[Result] = []
        taken: list[tuple[Name, Result]] = []
        async with self.db.transaction(run.organization_id) as tx:
            known = await store.find_known(tx, run.organization_id, run.source, names)
            for found, name in named:
                if name is None:
                    results.append(apply.skipped(Reason.NO_ID))
                    continue
                step = Step(
                    tx=tx,
                    run=run,
                    patients=self.patients,
                    keys=self.keys,
                    found=found,
                    external_id=name[1],
                    known=known.get(name),
                )
                result = await apply.take(step)
                results.append(result)
                if _is_news(result):
                    taken.append((name, result))
                    known[name] = _extended(known.get(name), result)
            await store.remember(tx, run.organization_id, run.source, taken, now=run.now)
            await self.audit.record_many(tx, _entries(run, batch, results))
        return results

    def _name(self, found: Found) -> Name | None:
        """The source's id; without one a resource goes by its first identifier, as a digest,
        because it may be a number that nobody else should see."""
        if found.id is not None:
            return found.type, found.id
        identifiers = read_as(Resource, found.body)[0].identifier
        first = next((one for one in identifiers if one.value), None)
        if first is None:
            return None
        token = self.keys.address_hash("fhir", f"{first.system or ''}|{first.value}")
        return found.type, f"identifier:{token.hex()[:32]}"


def _is_news(result: Result) -> bool:
    """Also what the directory held already: then it is the memory that lacks it."""
    return result.digest is not None and not (
        result.outcome is Outcome.UNCHANGED and result.internal_id is None
    )


def _extended(known: Known | None, result: Result) -> Known:
    earlier = known.digests if known else ()
    added = (result.digest,) if result.digest else ()
    return Known(digests=(*earlier, *added), reasons=result.reasons)


def _survey(path: Path, run: Import, report: Report) -> tuple[list[Holding], int]:
    """Read everything once: what each file holds, what is not used and what is unreadable."""
    holdings: list[Holding] = []
    total = 0
    for file in find_files(path):
        name = file.name if file == path else str(file.relative_to(path))
        held: set[str] = set()
        report.files += 1
        for item in read(file, name=name):
            if isinstance(item, Unreadable):
                report.add_unreadable(item)
            elif item.type in USED:
                held.add(item.type)
                total += 1
                run.identifiers.learn_need(item)
            else:
                report.not_used_yet[item.type] += 1
        holdings.append((file, name, frozenset(held)))
    return holdings, total


def _batches(holdings: Sequence[Holding], wanted: frozenset[str]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    for found in _wanted(holdings, wanted):
        batch.append(found)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _wanted(holdings: Sequence[Holding], wanted: frozenset[str]) -> Iterator[Found]:
    for file, name, held in holdings:
        if held & wanted:
            for item in read(file, name=name):
                if isinstance(item, Found) and item.type in wanted:
                    yield item


def _entries(run: Import, batch: Sequence[Found], results: Sequence[Result]) -> list[AuditEntry]:
    """One entry for the batch, with our ids of what was written; none if nothing was."""
    written = [
        (found.type, result)
        for found, result in zip(batch, results, strict=True)
        if result.outcome in {Outcome.CREATED, Outcome.UPDATED}
    ]
    if not written:
        return []
    subject: dict[str, Any] = {
        str(outcome): sum(result.outcome is outcome for _, result in written)
        for outcome in (Outcome.CREATED, Outcome.UPDATED)
    }
    for name, result in written:
        if result.internal_id is not None:
            subject.setdefault(name, []).append(result.internal_id)
    return [
        AuditEntry(
            organization_id=run.organization_id,
            at=run.now,
            actor=ACTOR,
            action="fhir.imported",
            subject=subject,
        )
    ]
