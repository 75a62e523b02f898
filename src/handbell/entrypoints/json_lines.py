"""Commands that answer JSON objects line by line: one that cannot be used gets an error."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TextIO

from handbell.platform.vocabulary import Channel


class LineRefused(ValueError):
    """Raised for a line that cannot be used. `code` says why; it never holds the text."""

    def __init__(self, code: str, line_id: object = None) -> None:
        self.code = code
        self.line_id = line_id if isinstance(line_id, str | int) else None
        super().__init__(code)


Answer = Callable[[bytes], dict[str, Any]]
"""What is said of one line. Raises `LineRefused`."""


def answer_stream(source: Iterable[bytes], target: TextIO, answer: Answer) -> bool:
    """Answer line by line; say whether any line could be used, or there was none at all."""
    used = refused = 0
    for told in answer_lines(source, answer):
        print(json.dumps(told), file=target, flush=True)
        refused += "error" in told
        used += "error" not in told
    return used > 0 or refused == 0


def answer_lines(lines: Iterable[bytes], answer: Answer) -> Iterator[dict[str, Any]]:
    """Answer each line that is not blank, in order."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield answer(line)
            except LineRefused as why:
                yield {"id": why.line_id, "line": number, "error": why.code}


def read_line(line: bytes, fields: Sequence[str], *, texts: Sequence[str]) -> dict[str, Any]:
    """The object of a line, with all its fields, the `texts` strings and its channel known.

    Raises `LineRefused`.
    """
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        raise LineRefused("not_json") from None
    if not isinstance(told, dict):
        raise LineRefused("not_an_object")
    if any(name not in told for name in fields):
        raise LineRefused("field_missing", told.get("id"))
    if not all(isinstance(told.get(name, ""), str) for name in texts):
        raise LineRefused("field_invalid", told["id"])
    if told["channel"] not in set(Channel):
        raise LineRefused("channel_unknown", told["id"])
    return told
