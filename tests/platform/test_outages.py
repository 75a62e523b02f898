"""A database that is away is told from a statement that it refuses."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from handbell.platform.outages import is_outage


def wrapped(error: Exception, *, is_invalid: bool = False) -> DBAPIError:
    """The error as SQLAlchemy raises it: the driver's own is the cause of its translation."""
    translated = RuntimeError("translated")
    translated.__cause__ = error
    return DBAPIError("SELECT 1", None, translated, connection_invalidated=is_invalid)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        NoConnectionFree(),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.InterfaceError("connection is closed"),
        wrapped(asyncpg.AdminShutdownError("terminating")),
        wrapped(asyncpg.ConnectionDoesNotExistError("closed in the middle")),
        wrapped(ValueError(), is_invalid=True),
    ],
)
def test_an_outage_is_no_fault_of_the_statement(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError(),
        asyncpg.UniqueViolationError("again"),
        asyncpg.QueryCanceledError("too slow"),
        wrapped(asyncpg.UniqueViolationError("again")),
        IntegrityError("INSERT", None, RuntimeError()),
    ],
)
def test_a_refused_statement_is_no_outage(error: Exception | None) -> None:
    assert not is_outage(error)
