"""What a rule reads and what it says."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

ALLOW: Final = re.compile(r"#\s*allow (?P<rule>[a-z-]+): (?P<reason>\S.{9,})")
"""`# allow commit: <why>`, on the line or the one above. A reason under ten letters is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place that breaks a rule."""

    path: PurePosixPath
    line: int
    rule: str
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.says}"


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed file; `path` is relative to the package, such as `messages/store.py`."""

    path: PurePosixPath
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: str, text: str) -> "Source":
        return cls(PurePosixPath(path), text, ast.parse(text))

    @property
    def domain(self) -> str:
        return self.path.parts[0]

    def find(self, node: ast.stmt | ast.expr, rule: str, says: str) -> Iterator[Finding]:
        """Report the node, unless a comment on it or above it argues the exception."""
        first = max(node.lineno - 2, 0)
        lines = self.text.splitlines()[first : node.end_lineno]
        argued = (ALLOW.search(line) for line in lines)
        if not any(match and match["rule"] == rule for match in argued):
            yield Finding(path=self.path, line=node.lineno, rule=rule, says=says)


def read_package(package: Path) -> Iterator[Source]:
    for path in sorted(package.rglob("*.py")):
        yield Source.parse(path.relative_to(package).as_posix(), path.read_text())
