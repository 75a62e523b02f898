"""How a command answers: as JSON, as names and values, or as a table of plain text."""

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import typer

Answer = TypeVar("Answer")
INSTANTS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Do the work of a command."""
    return asyncio.run(work)


def in_utc(at: datetime | None) -> datetime | None:
    """An instant that names no zone is meant in UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def print_answer(result: Mapping[str, Any], as_json: bool) -> None:  # noqa: FBT001
    """Print names and values, one on a line, or JSON."""
    if as_json:
        print(json.dumps(dict(result), default=str))
        return
    for name, value in result.items():
        print(f"{name.replace('_', ' ')}: {value}")


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print one row on a line, values between tabs, under the names of the columns."""
    print("\t".join(columns))
    for row in rows:
        print("\t".join("" if row[name] is None else str(row[name]) for name in columns))
