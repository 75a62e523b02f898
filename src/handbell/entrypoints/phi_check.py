"""`handbell phi-check`: judges texts line by line, as the filter judges what is sent."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, TextIO

from handbell.platform.vocabulary import Channel

# allow public-files: the service loads the database, which this command does without
from handbell.templates.levels import DisclosureLevel

# allow public-files: the service loads the database, which this command does without
from handbell.templates.phi import Verdict, classify

_FIELDS: Final = ("id", "text", "lang", "channel", "ceiling")


class LineRefused(ValueError):
    """Raised for a line that cannot be judged. `code` says why; it never holds the text."""

    def __init__(self, code: str, line_id: object = None) -> None:
        self.code = code
        self.line_id = line_id if isinstance(line_id, str | int) else None
        super().__init__(code)


def check_stream(source: Iterable[bytes], target: TextIO, *, now: datetime) -> bool:
    """Answer line by line; say whether any line could be judged, or there was none at all."""
    judged = refused = 0
    for answer in check_lines(source, now=now):
        print(json.dumps(answer), file=target, flush=True)
        refused += "error" in answer
        judged += "error" not in answer
    return judged > 0 or refused == 0


def check_lines(lines: Iterable[bytes], *, now: datetime) -> Iterator[dict[str, Any]]:
    """Answer each line that is not blank, in order; one that cannot be judged gets an error."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _answer(line, number, now=now)


def _answer(line: bytes, number: int, *, now: datetime) -> dict[str, Any]:
    try:
        told = _read(line)
        ceiling = _ceiling(told)
    except LineRefused as why:
        return {"id": why.line_id, "line": number, "error": why.code}
    verdict = classify(told["text"], language=told["lang"], now=now, known=_sender(told))
    return _judged(told["id"], verdict, ceiling)


def _judged(line_id: object, verdict: Verdict, ceiling: DisclosureLevel) -> dict[str, Any]:
    return {
        "id": line_id,
        "level": int(verdict.level),
        "leak": verdict.is_leak(ceiling),
        "reasons": list(verdict.reasons),
    }


def _read(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        raise LineRefused("not_json") from None
    if not isinstance(told, dict):
        raise LineRefused("not_an_object")
    if any(name not in told for name in _FIELDS):
        raise LineRefused("field_missing", told.get("id"))
    texts = (told["text"], told["lang"], told["channel"], told.get("sender", ""))
    if not all(isinstance(one, str) for one in texts):
        raise LineRefused("field_invalid", told["id"])
    if told["channel"] not in set(Channel):
        raise LineRefused("channel_unknown", told["id"])
    return told


def _ceiling(told: dict[str, Any]) -> DisclosureLevel:
    """A number from 0 to 3, or its name: `1` and `"L1"` are the same."""
    named = {one.name: one for one in DisclosureLevel}
    ceiling = told["ceiling"]
    if isinstance(ceiling, str) and ceiling in named:
        return named[ceiling]
    if (
        isinstance(ceiling, int)
        and not isinstance(ceiling, bool)
        and ceiling in set(named.values())
    ):
        return DisclosureLevel(ceiling)
    raise LineRefused("ceiling_invalid", told["id"])


def _sender(told: dict[str, Any]) -> tuple[str, ...]:
    return (told["sender"],) if told.get("sender") else ()
