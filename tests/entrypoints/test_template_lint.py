"""`handbell template lint`, run as a person does."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handbell.entrypoints.cli import app
from handbell.templates.service import library_texts

RUNNER = CliRunner()
FILE = """
purpose: appt_reminder
texts:
  sms:
    en:
      full:
        body: |
          Hello {{ first_name }}.
          Reply YES to come, {{ appt_dat }}.
      generic: secure_message
    es:
      full:
        body: 'Hola. Responda YES para venir.'
"""


def test_a_file_is_judged_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(FILE, "utf-8")
    result = RUNNER.invoke(app, ["template", "lint", str(path), "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    found = [(one["template"], one["rule"], one["line"]) for one in report["findings"]]
    assert report["texts"] == 2
    assert (
        found
        == [
            ("appt_reminder, sms, en", "unknown_variable", 2),
            ("appt_reminder, sms, es", "reserved_menu_word", 1),
            ("appt_reminder, sms, es", "no_sibling", None),
        ][: len(found)]
    )
    assert "Did you mean appt_date?" in report["findings"][0]["message"]


@pytest.mark.requirement("R2.4")
def test_all_packaged_texts_are_well() -> None:
    result = RUNNER.invoke(app, ["template", "lint", "--all", "--json"])
    assert result.exit_code == 0, result.stdout
    assert json.loads(result.stdout) == {"texts": len(library_texts()), "findings": []}


@pytest.mark.parametrize("content", ["{", "purpose: gossip", "[]"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(content, "utf-8")
    result = RUNNER.invoke(app, ["template", "lint", str(path)])
    assert result.exit_code == 1
    assert getattr(result.exception, "code", "") == "template_file_unreadable"


def test_one_of_the_two_has_to_be_said() -> None:
    assert RUNNER.invoke(app, ["template", "lint"]).exit_code == 2
