"""Errors are facts with a permanent code and an HTTP status.

A subclass names the fact; its message and details must be safe to show: ids and enums only.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar


class HandbellError(Exception):
    """Base of every error that a caller may see.

    `code` is public and permanent; `details` holds ids, enum values and limits, never a
    patient's data.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, object] = details


class NotFoundError(HandbellError):
    """There is no such thing, or it belongs to another organisation."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class ConflictError(HandbellError):
    """The thing is in a state that does not allow the request."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class InvalidError(HandbellError):
    """The input is well-formed but means nothing we can accept."""

    code = "invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ForbiddenError(HandbellError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class UnauthenticatedError(HandbellError):
    """The caller is not known."""

    code = "unauthenticated"
    status = HTTPStatus.UNAUTHORIZED


class CredentialRefused(UnauthenticatedError):
    """The key or token is unknown, revoked, expired or malformed; which one is not said."""

    code = "credential_refused"

    def __init__(self) -> None:
        super().__init__("The key or token is not accepted.")


class UnavailableError(HandbellError):
    """The service cannot take this now; nothing was done and the request may be repeated."""

    code = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
