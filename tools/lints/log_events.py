"""A log call's event is a fixed name; what varies goes into fields, which the log may redact."""

import ast
from collections.abc import Iterator
from typing import Final

from tools.lints.source import Finding, Source

RULE: Final = "log-event"
LEVELS: Final = frozenset(
    {"debug", "info", "warning", "error", "exception", "critical", "ainfo", "awarning", "aerror"}
)
LOGGERS: Final = frozenset({"log", "logger", "_log", "_logger", "LOG", "LOGGER"})


def check(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=base, attr=level), args=[event, *rest]) if (
                level in LEVELS and _is_logger(base) and (rest or not _is_fixed(event))
            ):
                says = "the event is not a fixed name: put what varies into fields"
                yield from source.find(node, RULE, says)


def _is_logger(base: ast.expr) -> bool:
    match base:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in LOGGERS
        case ast.Call(func=ast.Attribute(value=inner, attr="bind")):
            return _is_logger(inner)
    return False


def _is_fixed(event: ast.expr) -> bool:
    match event:
        case ast.JoinedStr() | ast.BinOp() | ast.Call():
            return False
    return True
