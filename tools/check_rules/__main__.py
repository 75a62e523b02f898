"""`python -m tools.check_rules`: the rules of sending times against an oracle, and faults in them.

First random and directed cases are asked of product and oracle, and the words of replies of the
parser; then every mutant of words, rule tables and policies must differ somewhere. Exit code 1
if a case differs or a mutant survives.
"""

import argparse
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path
from time import monotonic
from typing import Final

from tools.check_rules.cases import Answer, Case
from tools.check_rules.code_mutants import code_mutants
from tools.check_rules.compare import differences, with_answers
from tools.check_rules.directed import directed_cases
from tools.check_rules.keyword_mutants import keyword_mutants, misread, questions
from tools.check_rules.mutants import Fate, Mutant, run
from tools.check_rules.product import Product
from tools.check_rules.randomly import random_cases
from tools.check_rules.table_mutants import table_mutants

CASES: Final = 100_000
CHUNK: Final = 2_500
BESIDE_DIRECTED: Final = 1_500
"""Random cases that mutants are asked besides the directed ones."""
SHOWN: Final = 5


@dataclass(slots=True)
class Tally:
    """What was found; `fates` counts mutants."""

    cases: int = 0
    differing: list[str] = field(default_factory=list)
    fates: Counter[Fate] = field(default_factory=Counter)
    survivors: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.differing or self.survivors)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.check_rules", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="random cases")
    parser.add_argument("--seed", type=int, default=1, help="of the random cases")
    parser.add_argument("--only", default="", help="mutants whose name holds this text")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    began, tally = monotonic(), Tally()
    _compare(tally, cases=asked.cases, seed=asked.seed)
    if not tally.differing:
        _mutate(tally, seed=asked.seed, only=asked.only)
    _tell(tally, seconds=monotonic() - began, json_file=asked.json)
    return 0 if tally.is_good else 1


def _compare(tally: Tally, *, cases: int, seed: int) -> None:
    """Ask in chunks, each with a seed of its own, on all cores."""
    directed = list(directed_cases())
    tally.cases += len(directed) + len(questions())
    tally.differing += misread()
    tally.differing += [str(one) for one in differences(Product(), with_answers(directed))]
    sizes = [min(CHUNK, cases - start) for start in range(0, cases, CHUNK)]
    chunks = [(size, seed, no) for no, size in enumerate(sizes)]
    with Pool(os.cpu_count()) as pool:
        for size, found in pool.imap_unordered(_compare_chunk, chunks):
            tally.cases += size
            tally.differing += found
            print(f"{tally.cases} cases, {len(tally.differing)} differences", flush=True)


def _compare_chunk(chunk: tuple[int, int, int]) -> tuple[int, list[str]]:
    size, seed, no = chunk
    ordered = sorted(random_cases(size, seed=seed, no=no), key=lambda case: case.now)
    return size, [str(one) for one in differences(Product(), with_answers(ordered))]


def _mutate(tally: Tally, *, seed: int, only: str) -> None:
    some = sorted(random_cases(BESIDE_DIRECTED, seed=seed), key=lambda case: case.now)
    asked = list(with_answers([*directed_cases(), *some]))
    random.Random(seed).shuffle(asked)  # noqa: S311 - an order, no secret
    wanted = (mutant for mutant in _mutants(asked) if only in mutant.name)
    for mutant, fate in run(wanted, jobs=os.cpu_count() or 1):
        tally.fates[fate] += 1
        if fate is Fate.SURVIVED:
            tally.survivors.append(mutant.name)
        print(f"{fate}: {mutant.name}", flush=True)


def _mutants(asked: list[tuple[Case, Answer]]) -> Iterator[Mutant]:
    def differs_near(name: str) -> bool:
        first = sorted(asked, key=lambda one: one[0].near != name)
        return next(differences(Product(), first), None) is not None

    def differs(product: Product) -> bool:
        return next(differences(product, asked), None) is not None

    yield from keyword_mutants()
    yield from table_mutants(differs_near)
    yield from code_mutants(differs)


def _tell(tally: Tally, *, seconds: float, json_file: Path | None) -> None:
    for one in tally.differing[:SHOWN]:
        print(one)
    equivalent = tally.fates[Fate.EQUIVALENT]
    mutants = tally.fates.total() - equivalent
    figures = {
        "cases": tally.cases,
        "differences": len(tally.differing),
        "mutants": mutants,
        "caught": mutants - len(tally.survivors),
        "equivalent": equivalent,
        "survivors": tally.survivors,
        "seconds": round(seconds, 1),
    }
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    print(
        f"check-rules: {tally.cases} cases, {len(tally.differing)} differences; "
        f"{mutants} mutants, {figures['caught']} caught, {len(tally.survivors)} survive, "
        f"{equivalent} more proven no fault; {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
