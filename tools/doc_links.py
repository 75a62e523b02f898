"""Checks that links in the documentation lead somewhere: `python -m tools.doc_links`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
LINK: Final = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
ELSEWHERE: Final = ("http://", "https://", "mailto:")


def pages(root: Path) -> tuple[Path, ...]:
    return tuple(sorted((*root.glob("*.md"), *(root / "docs").rglob("*.md"))))


def check(root: Path) -> Iterator[str]:
    """Say which links lead nowhere, and which pages of the docs no other page links to."""
    reached = {root / "README.md", root / "docs/README.md"}
    for page in pages(root):
        for link in LINK.findall(page.read_text()):
            if link.startswith(ELSEWHERE):
                continue
            target = (page.parent / link).resolve()
            reached.add(target)
            if not target.exists():
                yield f"{page.relative_to(root)}: {link} leads nowhere"
    for page in sorted((root / "docs").rglob("*.md")):
        if page not in reached:
            yield f"{page.relative_to(root)}: no page links here"


def main() -> int:
    faults = list(check(ROOT))
    for fault in faults:
        print(fault)
    print(f"docs: {len(pages(ROOT))} pages, {len(faults)} fault(s)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
