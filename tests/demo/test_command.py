"""`handbell demo` itself: real processes, real HTTP, stepped time."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "handbell", "demo")
STRAY = {"HANDBELL_TWILIO_BASE_URL": "https://twilio.invalid", "HANDBELL_DATABASE_URL": "nowhere"}


def test_a_small_practice_is_played_and_nobody_is_wronged(tmp_path: Path) -> None:
    figures_file = tmp_path / "out.json"
    options = ("--patients", "12", "--days", "2", "--seed", "3", "--json", str(figures_file))
    done = subprocess.run(
        [*COMMAND, *options],
        env=os.environ | STRAY,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Day 2 " in done.stdout
    figures: dict[str, Any] = json.loads(figures_file.read_text())
    messages = figures["messages"]
    ends = sum(messages["sent"].values()) + sum(messages["refused"].values())
    ends += sum(messages[name] for name in ("cancelled", "expired", "failed"))
    assert messages["planned"] == ends > 20
    assert (messages["unknown"], messages["pending"]) == (0, 0)
    assert set(figures["violations"].values()) == {0}
    assert figures["replies"]["confirm"] >= figures["appointments_confirmed"] >= 1
    assert (figures["patients"], figures["simulated_days"]) == (12, 2)


def test_a_signal_ends_it_with_a_sentence() -> None:
    with subprocess.Popen(
        [*COMMAND, "--patients", "50"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert "50 patients" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "stopped: The demo was stopped before its end." in errors
    assert "Traceback" not in errors


def test_more_patients_than_there_are_numbers_are_refused_at_once() -> None:
    done = subprocess.run(
        [*COMMAND, "--patients", "1000000"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("world_too_large:")
