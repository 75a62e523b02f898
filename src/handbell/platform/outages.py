"""Telling a database that is away from a statement that it refuses."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

_AWAY = (
    OSError,
    NoConnectionFree,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
)


def is_outage(error: BaseException | None) -> bool:
    """Whether the server was away, going or full: the statement itself may be in order."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_outage(error.orig) or is_outage(_cause(error))
    return isinstance(error, _AWAY)


def _cause(error: DBAPIError) -> BaseException | None:
    """The driver's own error; SQLAlchemy wraps it twice."""
    return error.orig.__cause__ if error.orig is not None else None
