"""The measure of the reading of patients' texts: its bounds hold, and it can fail."""

import json
from pathlib import Path

import pytest

from tools import eval_replies


@pytest.mark.requirement("R5.1", "R5.2", "R5.3", "R5.7")
def test_the_corpus_is_read_within_the_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    assert eval_replies.main(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bounds"]["recall"]["optout"] == 1.0
    labelled = {one["source"]: one["labelled"] for one in told["scores"] if one["intent"] == "all"}
    assert labelled["own"] >= 250
    assert labelled["other_hands"] == 220


def test_a_missed_opt_out_is_told_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {
        "id": "1",
        "text": "what do I bring",
        "lang": "en",
        "channel": "sms",
        "context": "one_open_visit",
        "intent": "optout",
        "why": "",
    }
    (tmp_path / "own.jsonl").write_text(json.dumps(line), "utf-8")
    (tmp_path / "other_hands.jsonl").write_text("", "utf-8")
    monkeypatch.setattr(eval_replies, "CORPUS", tmp_path)
    assert eval_replies.main([]) == 1
    assert "'what do I bring' is optout, read as staff by None" in capsys.readouterr().out
