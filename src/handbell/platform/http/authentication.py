"""The authentication port: routers ask for a scope, and somebody above says who is calling."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

from fastapi import Depends, FastAPI, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from handbell.platform.clock import Clock
from handbell.platform.db import OrganizationId
from handbell.platform.errors import CredentialRefused, ForbiddenError, UnauthenticatedError
from handbell.platform.http.problems import InvalidRequest


class BearerMissing(UnauthenticatedError):
    """The request names no bearer."""

    code = "bearer_missing"

    def __init__(self) -> None:
        super().__init__("The request needs an Authorization header with a bearer.")


class ScopeMissing(ForbiddenError):
    """The caller is known and its role does not have the scope."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__("The caller's role may not do this.", scope=scope)


GUARDED: Final = (BearerMissing, CredentialRefused, ScopeMissing)
"""What every endpoint answers with that asks who is calling."""
REFUSED: Final = (*GUARDED, InvalidRequest)
"""The same for endpoints that take something of the caller."""


class AuthenticatedCaller(Protocol):
    """What the platform needs to know of a caller."""

    @property
    def organization_id(self) -> OrganizationId: ...

    @property
    def name(self) -> str: ...

    def may(self, scope: str) -> bool: ...


class Authenticator(Protocol):
    """Says who a bearer is, or raises `CredentialRefused`."""

    async def authenticate(self, bearer: str, *, now: datetime) -> AuthenticatedCaller: ...


def install_authentication(app: FastAPI, authenticator: Authenticator, clock: Clock) -> None:
    """Tell the application whom to ask; called once where the product is put together."""
    app.state.authenticator = authenticator
    app.state.authentication_clock = clock


_bearer = HTTPBearer(auto_error=False)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
"""What stands in the Authorization header; None where nothing does."""


def require(scope: str) -> Any:
    """A dependency that gives the caller if it may do `scope`, for `Annotated[Caller, …]`."""
    return Depends(_checker(scope))


def _checker(scope: str) -> Callable[..., Awaitable[AuthenticatedCaller]]:
    async def caller(request: Request, bearer: Bearer) -> AuthenticatedCaller:
        if bearer is None:
            raise BearerMissing
        authenticator: Authenticator = request.app.state.authenticator
        clock: Clock = request.app.state.authentication_clock
        known = await authenticator.authenticate(bearer.credentials, now=await clock.now())
        if not known.may(scope):
            raise ScopeMissing(scope)
        return known

    return caller
