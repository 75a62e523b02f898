"""`handbell parse-replies`: an answer for each line, an error for each that is none, no server."""

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from handbell.entrypoints.parse_replies import parse_stream

GOOD = {
    "id": "a",
    "text": "STOP. I can't come",
    "lang": "en",
    "channel": "sms",
    "context": "one_open_visit",
}


def answers(*lines: str) -> tuple[bool, list[dict[str, Any]]]:
    target = io.StringIO()
    usable = parse_stream([f"{line}\n".encode() for line in lines], target)
    return usable, [json.loads(line) for line in target.getvalue().splitlines()]


@pytest.mark.requirement("R5.3")
def test_a_line_is_answered_with_what_it_means_and_by_which_rule() -> None:
    usable, (first, second) = answers(
        json.dumps(GOOD), json.dumps(GOOD | {"id": 2, "text": "YES", "context": "opted_out"})
    )
    assert usable
    assert first == {
        "id": "a",
        "intent": "optout",
        "effects": ["may_concern_visit"],
        "confidence": "high",
        "rule": "optout.word.en",
    }
    assert (second["id"], second["intent"]) == (2, "staff")


@pytest.mark.parametrize(
    ("line", "line_id", "code"),
    [
        ("{", None, "not_json"),
        ("[1]", None, "not_an_object"),
        (json.dumps({"id": "x", "text": "secret"}), "x", "field_missing"),
        (json.dumps(GOOD | {"text": None}), "a", "field_invalid"),
        (json.dumps(GOOD | {"channel": "fax"}), "a", "channel_unknown"),
        (json.dumps(GOOD | {"context": "other"}), "a", "context_unknown"),
        (json.dumps(GOOD | {"id": {"no": 1}, "context": "?"}), None, "context_unknown"),
    ],
)
def test_a_line_that_is_none_gets_an_error_and_the_next_is_answered(
    line: str, line_id: str | None, code: str
) -> None:
    usable, (first, second) = answers(line, json.dumps(GOOD))
    assert usable
    assert first == {"id": line_id, "line": 1, "error": code}
    assert second["intent"] == "optout"


def test_input_without_a_single_usable_line_is_a_failure_and_none_at_all_is_not() -> None:
    assert answers("{")[0] is False
    assert answers("")[0] is True


def test_the_command_reads_and_writes_and_loads_no_database() -> None:
    code = (
        "import sys; from handbell.entrypoints.parse_replies import parse_stream;"
        "parse_stream(sys.stdin.buffer, sys.stdout);"
        "assert 'sqlalchemy' not in sys.modules"
    )
    command = [sys.executable, "-c", code]
    told = json.dumps(GOOD)
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["intent"] == "optout"
