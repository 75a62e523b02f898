"""Runs the project's own checks: `python -m tools.lint`. Exits with 1 when one finds something."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools import requirement_table
from tools.lints import log_events, public_files, sql_time, transactions
from tools.lints.source import Finding, Source, read_package

ROOT: Final = Path(__file__).resolve().parent.parent
RULES: Final = (transactions.check, sql_time.check, log_events.check, public_files.check)


def lint(source: Source) -> Iterator[Finding]:
    for rule in RULES:
        yield from rule(source)


def main() -> int:
    package = ROOT / "src/handbell"
    says = [f"src/handbell/{found}" for file in read_package(package) for found in lint(file)]
    says += [f"docs/requirements.md: {fault}" for fault in requirement_table.check(ROOT)]
    for line in says:
        print(line)
    print(f"own checks: {len(says)} finding(s)")
    return 1 if says else 0


if __name__ == "__main__":
    sys.exit(main())
