"""A domain is entered only through its public files; its store and policy are its own."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from tools.lints.source import Finding, Source

RULE: Final = "public-files"
PACKAGE: Final = "handbell"
PUBLIC: Final = frozenset({"service", "types", "errors"})
PURE: Final = frozenset({"scheduling", "replies"})
"""Domains that are rules and nothing else: the rules are their door."""
RULES: Final = frozenset({"policy", "zones"})
EDGES: Final = frozenset({"router", "tasks"})
TABLE_READERS: Final = frozenset({"segments", "analytics", "privacy", "console", "migrations"})
"""Domains that read others' tables; of `messages` only `facts` does."""
OPEN_TO_ALL: Final = frozenset({"platform"})
PROCESSES: Final = frozenset({"sandbox", "demo", "migrations"})
"""Programs without domain files; the entrypoints start them."""
WIRING: Final = frozenset(
    {PurePosixPath("entrypoints/bootstrap.py"), PurePosixPath("entrypoints/accounts.py")}
)
"""The files that know concrete classes: the product's, and the providers' clients."""


def check(source: Source) -> Iterator[Finding]:
    if source.path in WIRING or len(source.path.parts) == 1:
        return
    for node in ast.walk(source.tree):
        for target in _targets(node):
            if not _is_allowed(source, target) and isinstance(node, ast.stmt):
                yield from source.find(node, RULE, f"`{'.'.join(target)}` is not public")


def _targets(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """The dotted names that a statement imports from the package."""
    match node:
        case ast.Import(names=names):
            dotted = [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), names=names, level=0):
            dotted = [f"{module}.{alias.name}" for alias in names]
        case _:
            return
    parts = (tuple(name.split(".")) for name in dotted)
    yield from (name for name in parts if name[0] == PACKAGE and len(name) > 1)


def _is_allowed(source: Source, target: tuple[str, ...]) -> bool:
    domain, inside = target[1], frozenset(target[2:])
    if domain == source.domain or domain in OPEN_TO_ALL or inside & PUBLIC:
        return True
    if source.domain == "entrypoints" and (domain in PROCESSES or inside & EDGES):
        return True
    if domain in PURE and inside & RULES:
        return True
    return "tables" in inside and _reads_tables(source.path)


def _reads_tables(path: PurePosixPath) -> bool:
    is_facts = path.parts[0] == "messages" and path.parts[1].removesuffix(".py") == "facts"
    return is_facts or path.parts[0] in TABLE_READERS
