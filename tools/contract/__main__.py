"""`python -m tools.contract [--json]`: clients, SDKs and sandbox against the providers' documents.

Needs the reference folder beside the checkout; says "skipped" where it is absent. Exits with 1 on
any violation.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

ROOT: Final = Path(__file__).resolve().parents[2]
REFERENCE: Final = ROOT.parent / "shared" / "reference" / "providers"


def main(arguments: Sequence[str] | None = None, *, reference: Path = REFERENCE) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.contract", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead")
    as_json: bool = parser.parse_args(arguments).json
    if not (reference / "openapi").is_dir():
        print(json.dumps({"skipped": True}) if as_json else _SKIPPED)
        return 0
    from tools.contract.run import run

    verdict = asyncio.run(run(reference))
    if as_json:
        print(json.dumps(verdict.as_json(), indent=2))
        return 1 if verdict.violations else 0
    for one in verdict.violations:
        print(f"{one.provider}, {one.asker}, {one.scenario}: {one.what}")
    Console().print(verdict.table())
    print(f"contract: {verdict.summary()}")
    return 1 if verdict.violations else 0


_SKIPPED: Final = "contract: skipped, for ../shared/reference/providers is not there"

if __name__ == "__main__":
    sys.exit(main())
