"""`python -m tools.links`: tries what may be done to links, and prints what came of it.

`--pictures FOLDER` also takes pictures of the pages with Chromium. Exit code 1 if anything
happened that should not have.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tools.links.attacks import Outcome, play
from tools.links.pictures import take_all
from tools.links.stage import open_stage


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.links", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")
    asked = parser.parse_args(arguments)
    if asked.pictures is not None:
        asked.pictures.mkdir(parents=True, exist_ok=True)
        asyncio.run(_take(asked.pictures))
        return 0
    outcomes = asyncio.run(_play())
    if asked.json:
        lines = [{**asdict(one), "is_right": one.is_right} for one in outcomes]
        print(json.dumps(lines, ensure_ascii=False, indent=2))
    else:
        for one in outcomes:
            print(_line(one))
    return 0 if all(one.is_right for one in outcomes) else 1


async def _play() -> list[Outcome]:
    async with open_stage() as stage:
        return await play(stage)


async def _take(folder: Path) -> None:
    async with open_stage() as stage:
        for picture in await take_all(stage, folder):
            print(picture)


def _line(one: Outcome) -> str:
    mark = "ok  " if one.is_right else "FAIL"
    told = f"{mark} {one.attack:<44} {one.happened}"
    return told if one.is_right else f"{told}\n     {'expected':<44} {one.expected}"


if __name__ == "__main__":
    sys.exit(main())
