"""The measure of the filter: what it counts, and that it fails below its bounds."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools import eval_phi

LINE: dict[str, Any] = {
    "id": "1",
    "text": "Your chemo",
    "lang": "en",
    "channel": "sms",
    "ceiling": 1,
    "level": 3,
    "leak": True,
    "why": "procedure",
}


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    monkeypatch.setattr(eval_phi, "CORPUS", folder)
    return folder


def write(folder: Path, own: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    for name, lines in (("own", own), ("other_hands", other), ("second_hands", [])):
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text)


def test_what_is_right_passes_and_leaves_no_miss(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(corpus, [LINE], [LINE | {"id": "2"}])
    assert eval_phi.main(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert [(one["source"], one["lines"], one["recall"]) for one in told["scores"]] == [
        ("own", 1, 1.0),
        ("other_hands", 1, 1.0),
        ("all", 2, 1.0),
    ]
    assert (corpus / "misses.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("text", "level", "kind"),
    [("Bring a friend", 3, "missed_l3"), ("Your chemo", 0, "false_leak")],
)
def test_a_wrong_line_is_written_down_and_fails(
    corpus: Path, capsys: pytest.CaptureFixture[str], text: str, level: int, kind: str
) -> None:
    wrong = LINE | {"text": text, "level": level, "leak": level > 1}
    write(corpus, [], [wrong])
    assert eval_phi.main([]) == 1
    assert "other_hands" in capsys.readouterr().out
    (miss,) = map(json.loads, (corpus / "misses.jsonl").read_text().splitlines())
    assert (miss["kind"], miss["id"], miss["level"]) == (kind, "1", level)


def test_a_label_that_contradicts_itself_is_refused(corpus: Path) -> None:
    write(corpus, [LINE | {"leak": False}], [])
    with pytest.raises(ValueError, match="1: the leak"):
        eval_phi.main([])
