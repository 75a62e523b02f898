"""`handbell parse-replies`: reads patients' texts, line by line, as when they come."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, TextIO

from handbell.platform.vocabulary import Channel
from handbell.replies.policy import ReplyParser
from handbell.replies.types import Context, Effect, Intent, Reading

_FIELDS: Final = ("id", "text", "lang", "channel", "context")
_NAMES: Final = {
    Intent.STOP: "optout",  # codespell:ignore
    Intent.START: "optin",
    Intent.OTHER: "staff",
    Intent.HOLD: "hold_and_clarify",
    Intent.NOTHING: "none",
}
"""The names of the regulation's reference, where ours differ: ours are stored."""
_EFFECTS: Final = {Effect.OPTS_OUT: _NAMES[Intent.STOP]}


class LineRefused(ValueError):
    """Raised for a line that cannot be read. `code` says why; it never holds the text."""

    def __init__(self, code: str, line_id: object = None) -> None:
        self.code = code
        self.line_id = line_id if isinstance(line_id, str | int) else None
        super().__init__(code)


def parse_stream(source: Iterable[bytes], target: TextIO) -> bool:
    """Answer line by line; say whether any line could be read, or there was none at all."""
    read = refused = 0
    for answer in parse_lines(source):
        print(json.dumps(answer), file=target)
        refused += "error" in answer
        read += "error" not in answer
    return read > 0 or refused == 0


def parse_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Answer each line that is not blank, in order; one that cannot be read gets an error."""
    parser = ReplyParser()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _answer(parser, line, number)


def name_of(intent: Intent) -> str:
    return _NAMES.get(intent, intent.value)


def _answer(parser: ReplyParser, line: bytes, number: int) -> dict[str, Any]:
    try:
        told = _read(line)
    except LineRefused as why:
        return {"id": why.line_id, "line": number, "error": why.code}
    return _told(told["id"], parser.read(told["text"], context=Context(told["context"])))


def _told(line_id: object, reading: Reading) -> dict[str, Any]:
    return {
        "id": line_id,
        "intent": name_of(reading.intent),
        "effects": sorted(_EFFECTS.get(effect, effect.value) for effect in reading.effects),
        "confidence": reading.confidence.value,
        "rule": reading.rule,
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
    if not all(isinstance(told[name], str) for name in _FIELDS[1:]):
        raise LineRefused("field_invalid", told["id"])
    if told["channel"] not in set(Channel):
        raise LineRefused("channel_unknown", told["id"])
    if told["context"] not in set(Context):
        raise LineRefused("context_unknown", told["id"])
    return told
