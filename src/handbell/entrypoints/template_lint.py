"""`handbell template lint`: judges files of texts as publishing does, without a database."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from handbell.platform.errors import InvalidError

# allow public-files: the service loads the database, which this command does without
from handbell.templates import library

# allow public-files: the service loads the database, which this command does without
from handbell.templates.lint import Limits, lint

# allow public-files: the service loads the database, which this command does without
from handbell.templates.policy import channel_ceiling
from handbell.templates.types import TemplatePair

MAX_SEGMENTS: Final = 3
"""What an organisation starts with."""


class TemplateFileUnreadable(InvalidError):
    """The file is not there, no YAML, or has another form than the library's."""

    code = "template_file_unreadable"


def lint_file(path: Path, *, now: datetime) -> dict[str, Any]:
    """Judge the texts of one file in the form of the packaged ones. Raises
    `TemplateFileUnreadable`."""
    try:
        pairs = library.read(path.read_text("utf-8"))
    except (OSError, ValueError) as why:
        raise TemplateFileUnreadable(f"{path} cannot be read as a file of texts.") from why
    return _judged(pairs, now=now)


def lint_library(*, now: datetime) -> dict[str, Any]:
    """Judge every packaged text."""
    return _judged(library.load(), now=now)


def in_words(report: dict[str, Any]) -> dict[str, Any]:
    """The same for a person: one line for each finding."""
    lines = [
        f"{one['template']}, {one['part']}{_at(one)}: {one['rule']}: {one['message']}"
        for one in report["findings"]
    ]
    return {"texts": report["texts"], "findings": "\n  ".join(["", *lines]) if lines else "none"}


def _judged(pairs: Iterable[TemplatePair], *, now: datetime) -> dict[str, Any]:
    pairs = tuple(pairs)
    findings = [finding for pair in pairs for finding in _findings(pair, now=now)]
    return {"texts": len(pairs), "findings": findings}


def _findings(pair: TemplatePair, *, now: datetime) -> list[dict[str, object]]:
    full = pair.full
    limits = Limits(ceiling=channel_ceiling(full.channel), max_segments=MAX_SEGMENTS)
    name = f"{full.purpose}, {full.channel}, {full.language}"
    return [{"template": name, **one.to_details()} for one in lint(pair, limits=limits, now=now)]


def _at(one: dict[str, Any]) -> str:
    return f" {one['line']}:{one['column']}" if one["line"] is not None else ""
