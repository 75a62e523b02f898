"""The outermost call owns the transaction, so nobody else commits."""

import ast
from collections.abc import Iterator
from typing import Final

from tools.lints.source import Finding, Source

RULE: Final = "commit"
ENDS: Final = frozenset({"commit", "rollback"})
OWNERS: Final = frozenset({"platform/db.py", "migrations/service.py"})
"""The database itself; and the migrations, which run as the owner outside any use case."""


def check(source: Source) -> Iterator[Finding]:
    if source.path.as_posix() in OWNERS:
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in ENDS:
                yield from source.find(node, RULE, f"`.{name}()` outside platform/db.py")
