"""`handbell parse-replies`: reads patients' texts, line by line, as when they come."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final, TextIO

from handbell.entrypoints.json_lines import LineRefused, answer_lines, answer_stream, read_line
from handbell.replies.policy import ReplyParser
from handbell.replies.types import Context, Effect, Intent, Reading

_FIELDS: Final = ("id", "text", "lang", "channel", "context")
_NAMES: Final = {
    Intent.STOP: "optout",
    Intent.START: "optin",
    Intent.OTHER: "staff",
    Intent.HOLD: "hold_and_clarify",
    Intent.NOTHING: "none",
}
"""The names of the regulation's reference, where ours differ: ours are stored."""
_EFFECTS: Final = {Effect.OPTS_OUT: _NAMES[Intent.STOP]}


def parse_stream(source: Iterable[bytes], target: TextIO) -> bool:
    """Answer line by line; say whether any line could be read, or there was none at all."""
    return answer_stream(source, target, partial(_answer, ReplyParser()))


def parse_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Answer each line that is not blank, in order; one that cannot be read gets an error."""
    return answer_lines(lines, partial(_answer, ReplyParser()))


def name_of(intent: Intent) -> str:
    return _NAMES.get(intent, intent.value)


def _answer(parser: ReplyParser, line: bytes) -> dict[str, Any]:
    told = read_line(line, _FIELDS, texts=_FIELDS[1:])
    if told["context"] not in set(Context):
        raise LineRefused("context_unknown", told["id"])
    return _told(told["id"], parser.read(told["text"], context=Context(told["context"])))


def _told(line_id: object, reading: Reading) -> dict[str, Any]:
    return {
        "id": line_id,
        "intent": name_of(reading.intent),
        "effects": sorted(_EFFECTS.get(effect, effect.value) for effect in reading.effects),
        "confidence": reading.confidence.value,
        "rule": reading.rule,
    }
