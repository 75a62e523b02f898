"""What a run has done so far, in a file, so that one that was ended goes on."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class State:
    """`booked` counts visits that the API has acknowledged, in their order; `stops` has the
    instant by which the product acknowledged the STOP of an address."""

    size: str
    seed: int
    home: str
    zone: str
    spent_seconds: float = 0
    booked: int = 0
    killed: list[str] = field(default_factory=list)
    stops: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    """Requests that got no answer and were sent again."""

    def save(self, path: Path) -> None:
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)


def load(path: Path) -> State | None:
    """The run that the file tells of; None where there is none."""
    return State(**json.loads(path.read_text())) if path.exists() else None
