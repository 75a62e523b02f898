"""What was received, in a file that outlives the process: one JSON object a line."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from handbell.platform.vocabulary import Channel
from handbell.sandbox.types import Received


class Record:
    """Appends each message as it is taken, before it is answered."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def add(self, message: Received) -> None:
        self._file.write(json.dumps(asdict(message), default=str) + "\n")

    def close(self) -> None:
        self._file.close()


def load(path: Path) -> list[Received]:
    """What an earlier process received; a line that was cut short is left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        told |= {"at": datetime.fromisoformat(told["at"]), "channel": Channel(told["channel"])}
        found.append(Received(**told))
    return found
