"""Errors as `application/problem+json` (RFC 9457), with `code`, `message` and `details`."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from handbell.platform.errors import HandbellError, InvalidError, UnavailableError
from handbell.platform.http.headers import HEADERS
from handbell.platform.outages import is_outage

MEDIA_TYPE: Final = "application/problem+json"


class InvalidRequest(InvalidError):
    """The request has not the form that its description asks for; `details` lists each fault."""

    code = "invalid_request"


class DatabaseAway(UnavailableError):
    """PostgreSQL is away or starting, or every connection is in use. What the request would
    have changed may have been changed: `Idempotency-Key` makes it safe to repeat."""

    code = "database_away"


RETRY_AFTER_SECONDS: Final = "2"


def problem(
    status: HTTPStatus,
    *,
    code: str,
    message: str,
    details: object = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One error answer. What it holds must be safe to show."""
    body = {
        "type": f"urn:handbell:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "message": message,
        "details": details if details is not None else {},
    }
    content = json.dumps(body, default=str)
    return Response(content, status.value, headers=headers, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Make every error of the application a problem document."""
    app.add_exception_handler(HandbellError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _unexpected)


def problems(*errors: type[HandbellError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may raise these errors, for its OpenAPI description."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        earlier = by_status.get(error.status.value)
        codes = f"{earlier['description']}, {error.code}" if earlier else error.code
        by_status[error.status.value] = {
            "description": codes,
            "content": {MEDIA_TYPE: {"schema": _SCHEMA}},
        }
    return by_status


_SCHEMA: Final = {
    "type": "object",
    "required": ["type", "title", "status", "code", "message", "details"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {},
    },
}


async def _known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HandbellError)  # noqa: S101 - registered for this class only
    is_unknown_caller = error.status is HTTPStatus.UNAUTHORIZED
    return problem(
        error.status,
        code=error.code,
        message=error.message,
        details=dict(error.details),
        headers={"WWW-Authenticate": "Bearer"} if is_unknown_caller else None,
    )


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        code=InvalidRequest.code,
        message="The request does not have the form that is described.",
        details=[_fault(fault) for fault in error.errors()],
    )


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    """Where and of which kind; a validator's own sentence may quote the input, so it is left."""
    is_ours = fault["type"] in {"value_error", "assertion_error"}
    return {
        "field": ".".join(str(part) for part in fault["loc"]),
        "message": "This value is not accepted." if is_ours else str(fault["msg"]),
    }


async def _plain(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    status = HTTPStatus(error.status_code)
    code = status.name.lower()
    return problem(status, code=code, message=status.phrase, headers=error.headers)


async def _unexpected(_request: Request, error: Exception) -> Response:
    """Made outside all middleware, so it carries the security headers itself. A database that
    is away, or has no connection free, is no fault of ours: the caller may ask again."""
    if is_outage(error):
        return problem(
            DatabaseAway.status,
            code=DatabaseAway.code,
            message="The database does not answer. Ask again in a moment.",
            headers={**HEADERS, "Retry-After": RETRY_AFTER_SECONDS},
        )
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        code="internal_error",
        message="Something went wrong on our side.",
        headers=HEADERS,
    )
