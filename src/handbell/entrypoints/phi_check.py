"""`handbell phi-check`: judges texts line by line, as the filter judges what is sent."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final, TextIO

from handbell.entrypoints.json_lines import LineRefused, answer_lines, answer_stream, read_line

# allow public-files: the service loads the database, which this command does without
from handbell.templates.levels import DisclosureLevel

# allow public-files: the service loads the database, which this command does without
from handbell.templates.phi import Verdict, classify

_FIELDS: Final = ("id", "text", "lang", "channel", "ceiling")


def check_stream(source: Iterable[bytes], target: TextIO, *, now: datetime) -> bool:
    """Answer line by line; say whether any line could be judged, or there was none at all."""
    return answer_stream(source, target, partial(_answer, now=now))


def check_lines(lines: Iterable[bytes], *, now: datetime) -> Iterator[dict[str, Any]]:
    """Answer each line that is not blank, in order; one that cannot be judged gets an error."""
    return answer_lines(lines, partial(_answer, now=now))


def _answer(line: bytes, *, now: datetime) -> dict[str, Any]:
    told = read_line(line, _FIELDS, texts=("text", "lang", "channel", "sender"))
    ceiling = _ceiling(told)
    verdict = classify(told["text"], language=told["lang"], now=now, known=_sender(told))
    return _judged(told["id"], verdict, ceiling)


def _judged(line_id: object, verdict: Verdict, ceiling: DisclosureLevel) -> dict[str, Any]:
    return {
        "id": line_id,
        "level": int(verdict.level),
        "leak": verdict.is_leak(ceiling),
        "reasons": list(verdict.reasons),
    }


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
