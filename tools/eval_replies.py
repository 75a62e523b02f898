"""Measures the reading of patients' texts on the labelled corpus: `python -m tools.eval_replies`.

Recall is the share of the lines with a label that are read so, precision the share of the lines
read so that have the label. Prints both for each intent and source, and every miss. Exit code 1
below the bounds.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from handbell.entrypoints.parse_replies import name_of
from handbell.replies.policy import ReplyParser
from handbell.replies.types import Context, Effect, Intent, Reading

CORPUS: Final = Path("tests/replies/corpus")
SOURCES: Final = ("own", "other_hands")
OPTOUT: Final = name_of(Intent.STOP)
CONFIRM: Final = name_of(Intent.CONFIRM)
ALL: Final = "all"
LEAST_RECALL: Final = {OPTOUT: 1.0, CONFIRM: 0.95, ALL: 0.95}
LEAST_PRECISION: Final = {OPTOUT: 1.0, CONFIRM: 1.0}
_AS_EFFECT: Final = {
    Effect.OPTS_OUT: OPTOUT,
    Effect.WRONG_NUMBER: name_of(Intent.WRONG_NUMBER),
    Effect.DECEASED: name_of(Intent.DECEASED),
}
"""Two wishes in one text: the label may name either of them, both are acted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One text of the corpus with what a person says of it, and where it comes from."""

    id: str
    text: str
    lang: str
    channel: str
    context: Context
    intent: str
    why: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The figures of one label in one source; None where there is nothing to divide by."""

    source: str
    intent: str
    labelled: int
    read: int
    right: int

    @property
    def recall(self) -> float | None:
        return self.right / self.labelled if self.labelled else None

    @property
    def precision(self) -> float | None:
        return self.right / self.read if self.read else None

    @property
    def is_good(self) -> bool:
        recall, precision = self.recall, self.precision
        return (recall is None or recall >= LEAST_RECALL.get(self.intent, 0)) and (
            precision is None or precision >= LEAST_PRECISION.get(self.intent, 0)
        )


def read(folder: Path) -> list[Line]:
    """The whole corpus; raises where a line lacks a field or names an unknown context."""
    return [
        _line(json.loads(raw), source)
        for source in SOURCES
        for raw in (folder / f"{source}.jsonl").read_text("utf-8").splitlines()
    ]


def _line(told: dict[str, Any], source: str) -> Line:
    return Line(**{**told, "context": Context(told["context"])}, source=source)


def judged(lines: Iterable[Line]) -> list[tuple[Line, str, Reading]]:
    """Each line with the intent that counts: its label, where the reading says that too."""
    parser = ReplyParser()
    readings = [(line, parser.read(line.text, context=line.context)) for line in lines]
    return [(line, counted(line.intent, reading), reading) for line, reading in readings]


def counted(label: str, reading: Reading) -> str:
    """The intent of a reading that counts beside that label."""
    also = {_AS_EFFECT[effect] for effect in reading.effects if effect in _AS_EFFECT}
    return label if label in also else name_of(reading.intent)


def scores(judgements: list[tuple[Line, str, Reading]]) -> Iterator[Score]:
    """By source and intent, and over all intents of a source."""
    for source in SOURCES:
        pairs = [(line.intent, found) for line, found, _ in judgements if line.source == source]
        for intent in sorted({one for pair in pairs for one in pair}):
            yield Score(
                source=source,
                intent=intent,
                labelled=sum(label == intent for label, _ in pairs),
                read=sum(found == intent for _, found in pairs),
                right=sum(label == found == intent for label, found in pairs),
            )
        right = sum(label == found for label, found in pairs)
        yield Score(source=source, intent=ALL, labelled=len(pairs), read=len(pairs), right=right)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.eval_replies", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    as_json: bool = parser.parse_args(arguments).json
    judgements = judged(read(CORPUS))
    found = list(scores(judgements))
    is_good = all(score.is_good for score in found)
    print(_in_json(found, is_good=is_good) if as_json else _in_words(found, judgements))
    return 0 if is_good else 1


def _in_json(found: Iterable[Score], *, is_good: bool) -> str:
    rows = [{**asdict(one), "recall": one.recall, "precision": one.precision} for one in found]
    bounds = {"recall": LEAST_RECALL, "precision": LEAST_PRECISION}
    return json.dumps({"ok": is_good, "bounds": bounds, "scores": rows}, indent=2)


def _in_words(found: Iterable[Score], judgements: Iterable[tuple[Line, str, Reading]]) -> str:
    head = f"{'written by':12} {'intent':17} {'recall':>15} {'precision':>15}"
    misses = (_miss(*one) for one in judgements if one[0].intent != one[1])
    return "\n".join([head, *(_row(score) for score in found), *misses])


def _row(one: Score) -> str:
    recall, precision = _share(one.right, one.labelled), _share(one.right, one.read)
    return f"{one.source:12} {one.intent:17} {recall:>15} {precision:>15}"


def _miss(line: Line, found: str, reading: Reading) -> str:
    told = f"is {line.intent}, read as {found} by {reading.rule}"
    return f"{line.id} {line.context}: {line.text!r} {told}"


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} {part / whole:.3f}" if whole else "-"


if __name__ == "__main__":
    sys.exit(main())
