"""`handbell phi-check`: an answer for each line, an error for each that is none, no server."""

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from handbell.entrypoints.phi_check import check_stream

NOW = datetime(2026, 12, 1, tzinfo=UTC)
GOOD = {"id": "a", "text": "Your chemo", "lang": "en", "channel": "sms", "ceiling": 1}


def answers(*lines: str) -> tuple[bool, list[dict[str, Any]]]:
    target = io.StringIO()
    usable = check_stream([f"{line}\n".encode() for line in lines], target, now=NOW)
    return usable, [json.loads(line) for line in target.getvalue().splitlines()]


@pytest.mark.requirement("R2.3")
def test_a_line_is_answered_with_level_leak_and_reasons() -> None:
    usable, (first, second) = answers(
        json.dumps(GOOD), json.dumps(GOOD | {"id": 2, "ceiling": "L3"})
    )
    assert usable
    assert first == {"id": "a", "level": 3, "leak": True, "reasons": ["procedure"]}
    assert second == {"id": 2, "level": 3, "leak": False, "reasons": ["procedure"]}


@pytest.mark.parametrize(
    ("line", "line_id", "code"),
    [
        ("{", None, "not_json"),
        ("[1]", None, "not_an_object"),
        ("7", None, "not_an_object"),
        (json.dumps({"id": "x", "text": "secret"}), "x", "field_missing"),
        (json.dumps(GOOD | {"text": None}), "a", "field_invalid"),
        (json.dumps(GOOD | {"lang": 3}), "a", "field_invalid"),
        (json.dumps(GOOD | {"channel": "fax"}), "a", "channel_unknown"),
        (json.dumps(GOOD | {"ceiling": 4}), "a", "ceiling_invalid"),
        (json.dumps(GOOD | {"ceiling": True}), "a", "ceiling_invalid"),
        (json.dumps(GOOD | {"ceiling": "high"}), "a", "ceiling_invalid"),
        (json.dumps(GOOD | {"id": {"no": 1}, "ceiling": 9}), None, "ceiling_invalid"),
        ("[" * 100_000, None, "not_json"),
    ],
)
def test_a_line_that_is_none_gets_an_error_and_the_next_is_answered(
    line: str, line_id: str | None, code: str
) -> None:
    usable, (first, second) = answers(line, json.dumps(GOOD))
    assert usable
    assert first == {"id": line_id, "line": 1, "error": code}
    assert second["leak"] is True


def test_input_without_a_single_usable_line_is_a_failure_and_none_at_all_is_not() -> None:
    assert answers("{", "[]")[0] is False
    assert answers("", "   ") == (True, [])


def test_a_sender_may_be_named_and_is_not_counted() -> None:
    line = GOOD | {"text": "Hope Fertility: a message", "sender": "Hope Fertility"}
    _, (answer,) = answers(json.dumps(line))
    assert answer["level"] == 0


def test_the_command_loads_nothing_of_a_server_and_reads_the_standard_input() -> None:
    code = (
        "import sys; from handbell.entrypoints.cli import main\n"
        "sys.argv = ['handbell', 'phi-check', '--jsonl']\n"
        "try: main()\n"
        "finally: print(sorted({'sqlalchemy', 'fastapi', 'uvicorn', 'dramatiq', 'aiohttp'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(GOOD), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    answer, loaded = done.stdout.splitlines()
    assert json.loads(answer)["leak"] is True
    assert loaded == "[]"


def test_the_only_form_must_be_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "handbell", "phi-check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--jsonl" in done.stderr
