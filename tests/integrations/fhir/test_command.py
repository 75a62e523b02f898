"""`handbell import fhir` as an operator calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handbell.entrypoints import cli

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Lovelace"}]}
Run = Callable[..., int]


@pytest.fixture
def run(owner_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a fresh database with one organisation, and gives its exit code."""
    monkeypatch.setenv("HANDBELL_DATABASE_URL", owner_url)
    monkeypatch.setenv("HANDBELL_ENCRYPTION_KEY", "a key for tests only")
    monkeypatch.setenv("HANDBELL_LOOKUP_KEY", "a look-up key for tests only")

    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["handbell", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    assert run("organization", "create", "--name", "Riverside") == 0
    return run


def test_it_reports_in_json_and_writes_the_rejects(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, rejects = tmp_path / "p.ndjson", tmp_path / "rejects.ndjson"
    path.write_text(json.dumps(PATIENT) + "\n{")
    capsys.readouterr()
    assert run("import", "fhir", str(path), "--json", "--rejects", str(rejects)) == 0
    said = capsys.readouterr()
    report: dict[str, Any] = json.loads(said.out)
    assert report["resources"]["Patient"]["created"] == 1
    assert report["unreadable"] == {"not_json": 1}
    assert said.err == ""
    lines = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert lines[0] == {
        "file": "p.ndjson",
        "line": 2,
        "resourceType": None,
        "id": None,
        "reason": "not_json",
        "outcome": "skipped",
    }
    assert "Lovelace" not in rejects.read_text()
    assert run("import", "fhir", str(path)) == 0
    assert "Patient: 1 unchanged (1 no_usable_contact, 1 unknown_zone)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["nowhere"], "path_not_found"),
        (["."], "nothing_to_import"),
        (["p.json", "--org", "99"], "organization_not_found"),
        (["p.json", "--rejects", "no/such/folder"], "rejects_not_writable"),
        (["p.json", "--source", ""], "source_missing"),
    ],
)
def test_what_is_in_the_way_is_said_in_one_sentence(
    run: Run,
    options: list[str],
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if options[0] == "p.json":
        Path("p.json").write_text(json.dumps(PATIENT))
    assert run("import", "fhir", *options) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{code}: ")
    assert len(said.splitlines()) == 1


def test_a_file_without_any_resource_ends_in_an_error_code_and_says_why(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "garbage.json"
    path.write_bytes(bytes(range(256)))
    assert run("import", "fhir", str(path)) == 1
    assert "unreadable: 1 not_json" in capsys.readouterr().out
