"""`handbell import`: files into the database, in a process of its own."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from handbell.entrypoints.operations import opened
from handbell.platform.db import OrganizationId
from handbell.platform.errors import InvalidError
from handbell.platform.settings import Settings

Written = Callable[[Mapping[str, Any]], None]


class SourceMissing(InvalidError):
    """The name of the record system is empty or too long."""

    code = "source_missing"


class RejectsNotWritable(InvalidError):
    """The file for what was not used cannot be written."""

    code = "rejects_not_writable"


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirImport:
    """What to import for whom; `rejects` is a file that gets a line for each thing not used."""

    path: Path
    org: int
    source: str
    rejects: Path | None = None


async def import_fhir(settings: Settings, wanted: FhirImport) -> dict[str, Any]:
    """Import, and report what became of everything."""
    from handbell.integrations.fhir.service import FhirImportService

    if not 0 < len(wanted.source) <= 255:  # noqa: PLR2004 - as sources of events
        raise SourceMissing("The source needs a name of 255 characters at most.")
    begun = perf_counter()
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(wanted.org))
        service = FhirImportService(rt.db, rt.keys, rt.events.patients, rt.audit)
        with _rejects(wanted.rejects) as rejects, _progress() as progress:
            report = await service.run(
                organization.id,
                wanted.path,
                source=wanted.source,
                now=await rt.clock.now(),
                rejects=rejects,
                progress=progress,
            )
    return {
        "organization_id": wanted.org,
        "source": wanted.source,
        **report.as_dict(),
        "seconds": round(perf_counter() - begun, 1),
    }


def has_resources(report: Mapping[str, Any]) -> bool:
    """Whether anything at all could be read."""
    used = report["resources"].values()
    outcomes = (count for one in used for name, count in one.items() if name != "reasons")
    return any(outcomes) or bool(report["not_used_yet"])


def in_words(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report for a person: a line for each type that occurred, with its reasons."""
    lines: dict[str, Any] = {"files": report["files"]}
    for name, counts in report["resources"].items():
        said = {outcome: n for outcome, n in counts.items() if outcome != "reasons" and n}
        if said:
            lines[name] = _listed(said) + (
                f" ({_listed(counts['reasons'])})" if counts["reasons"] else ""
            )
    if report["not_used_yet"]:
        lines["not used yet"] = _listed(report["not_used_yet"])
    if report["unreadable"]:
        lines["unreadable"] = _listed(report["unreadable"])
    return {**lines, "seconds": report["seconds"]}


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items())


@contextmanager
def _rejects(path: Path | None) -> Iterator[Written]:
    """Where the lines about what was not used go; nowhere without a path."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as why:
        raise RejectsNotWritable("The file for rejects cannot be written.") from why
    with file:
        yield lambda line: print(json.dumps(line), file=file)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal; a log or a pipe gets none."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Importing", total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield told
