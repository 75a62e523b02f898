"""Measures the filter of rendered texts on the labelled corpus: `python -m tools.eval_phi`.

Recall is the share of the lines labelled L3 that the filter puts at L3. Precision is the share
of the lines it calls a leak that are labelled one. Exit code 1 below the bounds.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from handbell.templates.levels import DisclosureLevel
from handbell.templates.phi import Verdict, classify

CORPUS: Final = Path("tests/templates/phi_corpus")
SOURCES: Final = ("own", "other_hands", "second_hands")
LEAST_RECALL: Final = 0.99
LEAST_PRECISION: Final = 0.95
NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
"""The day the corpus is written for: visits lie around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One text of the corpus with what a person says of it, and where it comes from."""

    id: str
    text: str
    lang: str
    channel: str
    ceiling: DisclosureLevel
    level: DisclosureLevel
    leak: bool
    why: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A line of which the filter says something else than its label."""

    kind: str
    source: str
    id: str
    lang: str
    channel: str
    text: str
    why: str
    level: int
    found_level: int
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The figures of some lines; None where there is nothing to divide by."""

    source: str
    lang: str
    channel: str
    lines: int
    labelled_l3: int
    found_l3: int
    called_leaks: int
    true_leaks: int

    @property
    def recall(self) -> float | None:
        return self.found_l3 / self.labelled_l3 if self.labelled_l3 else None

    @property
    def precision(self) -> float | None:
        return self.true_leaks / self.called_leaks if self.called_leaks else None

    @property
    def is_good(self) -> bool:
        recall, precision = self.recall, self.precision
        return (recall is None or recall >= LEAST_RECALL) and (
            precision is None or precision >= LEAST_PRECISION
        )


def read(folder: Path) -> list[Line]:
    """The whole corpus; raises where a line lacks a field or contradicts itself."""
    return [
        _line(json.loads(raw), source)
        for source in SOURCES
        for raw in (folder / f"{source}.jsonl").read_text("utf-8").splitlines()
    ]


def _line(told: dict[str, Any], source: str) -> Line:
    ceiling, level = DisclosureLevel(told["ceiling"]), DisclosureLevel(told["level"])
    if told["leak"] is not (level > ceiling):
        raise ValueError(f"{told['id']}: the leak does not follow from level and ceiling.")
    return Line(**{**told, "ceiling": ceiling, "level": level}, source=source)


def judged(lines: Iterable[Line]) -> list[tuple[Line, Verdict]]:
    return [(line, classify(line.text, language=line.lang, now=NOW)) for line in lines]


def scores(judgements: Iterable[tuple[Line, Verdict]]) -> list[Score]:
    """By language and channel: each source by itself, then all lines together."""
    groups: dict[tuple[str, str, str], list[tuple[Line, Verdict]]] = defaultdict(list)
    for line, verdict in judgements:
        for source in (line.source, "all"):
            groups[source, line.lang, line.channel].append((line, verdict))
    order = (*SOURCES, "all")
    keys = sorted(groups, key=lambda key: (order.index(key[0]), *key[1:]))
    return [_score(key, groups[key]) for key in keys]


def _score(key: tuple[str, str, str], judgements: list[tuple[Line, Verdict]]) -> Score:
    l3 = [verdict for line, verdict in judgements if line.level is DisclosureLevel.L3]
    called = [line for line, verdict in judgements if verdict.is_leak(line.ceiling)]
    source, lang, channel = key
    return Score(
        source=source,
        lang=lang,
        channel=channel,
        lines=len(judgements),
        labelled_l3=len(l3),
        found_l3=sum(verdict.level is DisclosureLevel.L3 for verdict in l3),
        called_leaks=len(called),
        true_leaks=sum(line.leak for line in called),
    )


def misses(judgements: Iterable[tuple[Line, Verdict]]) -> Iterator[Miss]:
    """Every line whose L3 was not seen, or of which a leak was said or unsaid wrongly."""
    for line, verdict in judgements:
        kind = _kind(line, verdict)
        if kind is not None:
            yield Miss(
                kind=kind,
                source=line.source,
                id=line.id,
                lang=line.lang,
                channel=line.channel,
                text=line.text,
                why=line.why,
                level=line.level,
                found_level=verdict.level,
                found=verdict.reasons,
            )


def _kind(line: Line, verdict: Verdict) -> str | None:
    if line.level is DisclosureLevel.L3 and verdict.level is not DisclosureLevel.L3:
        return "missed_l3"
    is_leak = verdict.is_leak(line.ceiling)
    if is_leak is line.leak:
        return None
    return "false_leak" if is_leak else "missed_leak"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.eval_phi", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    as_json: bool = parser.parse_args(arguments).json
    judgements = judged(read(CORPUS))
    found = scores(judgements)
    write_misses(misses(judgements), CORPUS / "misses.jsonl")
    is_good = all(score.is_good for score in found if score.source == "all")
    print(_in_json(found, is_good=is_good) if as_json else _in_words(found))
    return 0 if is_good else 1


def write_misses(found: Iterable[Miss], path: Path) -> None:
    lines = (json.dumps(asdict(miss), ensure_ascii=False) for miss in found)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _in_json(found: Iterable[Score], *, is_good: bool) -> str:
    rows = [{**asdict(one), "recall": one.recall, "precision": one.precision} for one in found]
    bounds = {"recall": LEAST_RECALL, "precision": LEAST_PRECISION}
    return json.dumps({"ok": is_good, "bounds": bounds, "scores": rows}, indent=2)


def _in_words(found: Iterable[Score]) -> str:
    head = f"{'written by':12} {'':3}{'':9} {'lines':>5} {'recall L3':>17} {'precision':>17}"
    return "\n".join([head, *(_row(score) for score in found)])


def _row(one: Score) -> str:
    recall = _share(one.found_l3, one.labelled_l3)
    precision = _share(one.true_leaks, one.called_leaks)
    return (
        f"{one.source:12} {one.lang:3}{one.channel:9} {one.lines:5} {recall:>17} {precision:>17}"
    )


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} {part / whole:.3f}" if whole else "-"


if __name__ == "__main__":
    sys.exit(main())
