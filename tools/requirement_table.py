"""Holds docs/requirements.md against the tests that name a requirement, and the files it names."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LAST: Final = {1: 7, 2: 6, 3: 7, 4: 10, 5: 7, 6: 11, 7: 12, 8: 7, 9: 8, 10: 7, 11: 7}
"""The last requirement of each chapter."""
NUMBERS: Final = tuple(f"R{c}.{n}" for c, last in LAST.items() for n in range(1, last + 1))
ROW: Final = re.compile(r"^\| (R\d+\.\d+) \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)
PATH: Final = re.compile(r"`([^`]+)`")
NOT_YET: Final = "not yet"
STATES: Final = frozenset({"built", "in part", NOT_YET})

Named = Mapping[str, frozenset[str]]
"""Requirement number → the test files whose markers name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement: its state, and the code and test files that show it."""

    number: str
    state: str
    code: tuple[str, ...]
    tests: tuple[str, ...]


def parse_table(text: str) -> tuple[Row, ...]:
    return tuple(
        Row(
            number=number,
            state=state.strip(),
            code=tuple(PATH.findall(code)),
            tests=tuple(PATH.findall(tests)),
        )
        for number, _, state, code, tests in ROW.findall(text)
    )


def numbers_named(test_source: str) -> Iterator[str]:
    """The numbers that `requirement` markers of one test file name."""
    for node in ast.walk(ast.parse(test_source)):
        match node:
            case ast.Call(func=ast.Attribute(attr="requirement"), args=arguments):
                yield from (str(a.value) for a in arguments if isinstance(a, ast.Constant))


def read_markers(root: Path) -> dict[str, frozenset[str]]:
    named: dict[str, set[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        for number in numbers_named(path.read_text()):
            named.setdefault(number, set()).add(path.relative_to(root).as_posix())
    return {number: frozenset(files) for number, files in named.items()}


def check(root: Path, *, expected: tuple[str, ...] = NUMBERS) -> Iterator[str]:
    """Say everything that is untrue in the table, in sentences."""
    rows = parse_table((root / "docs/requirements.md").read_text())
    named = read_markers(root)
    listed = [row.number for row in rows]
    yield from (f"{n} is missing from the table" for n in expected if n not in listed)
    yield from (f"{n} stands in the table twice" for n in set(listed) if listed.count(n) > 1)
    for number in sorted(set(named) - set(listed)):
        yield f"{', '.join(sorted(named[number]))} names {number}, which the table lacks"
    for row in rows:
        yield from _check_row(row, root, named)


def _check_row(row: Row, root: Path, named: Named) -> Iterator[str]:
    if row.state not in STATES:
        yield f"{row.number} has no known state: {row.state!r}"
    for path in (*row.code, *row.tests):
        if not (root / path).exists():
            yield f"{row.number} names {path}, which does not exist"
    if row.state == NOT_YET:
        return
    if not (row.code and row.tests):
        yield f"{row.number} is {row.state} but names no code or no test"
    for path in row.tests:
        if path not in named.get(row.number, frozenset()):
            yield f"{row.number} names {path}, where no test is marked with it"
