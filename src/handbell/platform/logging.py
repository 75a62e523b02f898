"""Logs are JSON lines that hold ids, enum values and numbers: an allow-list sees to it."""

import logging
import re
import sys
from collections.abc import MutableMapping
from enum import Enum
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final, TextIO

import structlog

ALLOWED: Final = frozenset(
    {
        "action", "attempt", "block_no", "channel", "code", "component", "count", "duration_ms",
        "error_type", "event", "event_type", "hash", "key_prefix", "lane", "level", "line_id",
        "message_class", "method", "outcome", "pid", "port", "purpose", "reason", "reasons",
        "role", "route", "seconds", "status", "timestamp", "topic",
    }
)  # fmt: skip
_WORD: Final = re.compile(r"[A-Za-z0-9_.:/{}\-]{1,128}")
_EVENT: Final = re.compile(r"[a-z0-9_. ]{1,80}")
_PHONE: Final = re.compile(r"\+?\d[\d.\-]{6,}")


def keep_allowed(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop each key that is not allowed and each value that is not an id, enum or number."""
    return {name: _plain(value) for name, value in event.items() if _may_stay(name, value)}


def _may_stay(name: str, value: object) -> bool:
    if name.endswith(("_id", "_ids")):
        return _is_id(value)
    if name not in ALLOWED:
        return False
    if name == "event":
        return isinstance(value, str) and _EVENT.fullmatch(value) is not None
    return _is_word(value)


def _is_id(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_id(item) for item in value)
    return isinstance(value, int)


def _is_word(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_word(item) for item in value)
    if value is None or isinstance(value, bool | int | float):
        return True
    if not isinstance(value, str) or _PHONE.fullmatch(value):
        return False
    return _WORD.fullmatch(value) is not None


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


class WithoutTraceback(logging.Filter):
    """Keeps an error's type and where it arose; drops its text: it may hold a patient's data."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            error, _, frames = record.exc_info
            name = error.__name__ if error else "unknown"
            record.msg = f"error {name}{_origin(frames)}"
            record.args, record.exc_info, record.exc_text = (), None, None
        return True


def _origin(frames: TracebackType | None) -> str:
    """The deepest line of ours on the way to the error, as ` at module:line`; empty if none."""
    ours = [
        f" at {frame.f_globals['__name__']}:{line}"
        for frame, line in walk_tb(frames)
        if str(frame.f_globals.get("__name__")).startswith("handbell.")
    ]
    return ours[-1] if ours else ""


def silence_tracebacks() -> None:
    """Make the web server's own logger say no more than ours. Safe to repeat."""
    logger = logging.getLogger("uvicorn.error")
    if not any(isinstance(one, WithoutTraceback) for one in logger.filters):
        logger.addFilter(WithoutTraceback())


def configure_logging(*, stream: TextIO | None = None) -> None:
    """Write events as JSON lines to `stream` (standard error if not given)."""
    out = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            keep_allowed,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
