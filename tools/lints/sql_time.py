"""`now` is an argument, in SQL too: a statement never asks the database what time it is."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tools.lints.source import Finding, Source

RULE: Final = "sql-time"
CLOCKS: Final = frozenset(
    {
        "now",
        "current_timestamp",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "localtimestamp",
        "current_date",
    }
)
IN_SQL: Final = re.compile(
    r"\b(now\s*\(\s*\)|current_timestamp|localtimestamp|current_date"
    r"|(clock|statement|transaction)_timestamp\s*\()",
    re.IGNORECASE,
)
EXEMPT: Final = "platform"
"""Leases and heartbeats run on the database's clock; they live in the platform."""


def check(source: Source) -> Iterator[Finding]:
    if source.domain == EXEMPT:
        return
    prose = set(_docstrings(source.tree))
    for node in ast.walk(source.tree):
        match node:
            case ast.Constant(value=str(value)) if node not in prose and IN_SQL.search(value):
                yield from source.find(node, RULE, "SQL reads the database's clock: bind `now`")
            case ast.Attribute(value=base, attr=name) if name in CLOCKS and _is_func(base):
                yield from source.find(node, RULE, f"`func.{name}`: bind `now` instead")


def _is_func(base: ast.expr) -> bool:
    match base:
        case ast.Name(id="func") | ast.Attribute(attr="func"):
            return True
    return False


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every string that stands alone as a statement: it documents and never runs."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as constant):
                yield constant
