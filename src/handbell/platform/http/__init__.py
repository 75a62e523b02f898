"""What every router shares: problems, limits, pages, the authentication port, idempotency."""

from handbell.platform.http.authentication import (
    GUARDED,
    REFUSED,
    AuthenticatedCaller,
    Authenticator,
    Bearer,
    BearerMissing,
    ScopeMissing,
    install_authentication,
    require,
)
from handbell.platform.http.idempotency import (
    IdempotencyKeyReused,
    IdempotentRequest,
    RequestInProgress,
    answer_once,
)
from handbell.platform.http.middleware import BodyLimit, SecurityHeaders
from handbell.platform.http.paging import Page, PageParams, PathId, set_page_headers
from handbell.platform.http.problems import InvalidRequest, install_problems, problems

__all__ = [
    "GUARDED",
    "REFUSED",
    "AuthenticatedCaller",
    "Authenticator",
    "Bearer",
    "BearerMissing",
    "BodyLimit",
    "IdempotencyKeyReused",
    "IdempotentRequest",
    "InvalidRequest",
    "Page",
    "PageParams",
    "PathId",
    "RequestInProgress",
    "ScopeMissing",
    "SecurityHeaders",
    "answer_once",
    "install_authentication",
    "install_problems",
    "problems",
    "require",
    "set_page_headers",
]
