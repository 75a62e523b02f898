"""The pages behind links. GET shows, POST acts, HEAD does nothing; no script, no cookie."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from handbell.actions.html import HEADERS, render
from handbell.actions.service import ActionService
from handbell.actions.types import Choice, Page, PageKind
from handbell.actions.wishes import to_wish
from handbell.platform.clock import Clock

STATUS: Final = {
    PageKind.UNKNOWN: HTTPStatus.NOT_FOUND,
    PageKind.CHANGED: HTTPStatus.CONFLICT,
    PageKind.EXPIRED: HTTPStatus.GONE,
    PageKind.PASSED: HTTPStatus.GONE,
    PageKind.GONE: HTTPStatus.GONE,
    PageKind.BROKEN: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Every other page is 200."""
MOST_FIELDS: Final = 20

log = structlog.get_logger("handbell.actions")


class PageRoute(APIRoute):
    """Answers an error with a page too: a patient has no use for a problem document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def with_page(request: Request) -> Response:
            try:
                return await handle(request)
            except HTTPException as refused:
                return to_response(Page(kind=PageKind.UNKNOWN), HTTPStatus(refused.status_code))
            except Exception as error:  # noqa: BLE001 - the last resort of a page
                # The traceback stays out of the log: it may hold a token or a name.
                name = type(error).__name__
                log.error("page failed", error_type=name, method=request.method)  # noqa: TRY400
                return to_response(Page(kind=PageKind.BROKEN))

        return with_page


def links_router(actions: ActionService, clock: Clock) -> APIRouter:
    """The care links under `/l` and the links that stop e-mails under `/u`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/l/{token:path}")
    async def open_link(token: str) -> Response:
        return to_response(await actions.open_link(token, now=await clock.now()))

    @router.post("/l/{token:path}")
    async def act(token: str, request: Request) -> Response:
        """Do what the pressed button says. A form without one shows the page and acts not."""
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        choice, now = _text(form, "choice"), await clock.now()
        if choice not in set(Choice):
            return to_response(await actions.open_link(token, now=now))
        hours = [value for value in form.getlist("when") if isinstance(value, str)]
        wish = to_wish(hours, _text(form, "wish"))
        return to_response(await actions.act(token, Choice(choice), wish=wish, now=now))

    @router.get("/u/{token:path}")
    async def open_unsubscribe(token: str) -> Response:
        return to_response(await actions.open_unsubscribe(token, now=await clock.now()))

    @router.post("/u/{token:path}")
    async def unsubscribe(token: str, request: Request) -> Response:
        """RFC 8058: whatever the body says, the post itself is the wish."""
        ip = request.client.host if request.client else None
        page = await actions.unsubscribe(token, now=await clock.now(), ip=ip)
        return to_response(page)

    @router.head("/l/{token:path}")
    @router.head("/u/{token:path}")
    async def look(token: str) -> Response:  # noqa: ARG001 - a scanner learns nothing
        return Response(headers=HEADERS, media_type="text/html")

    return router


def to_response(page: Page, status: HTTPStatus | None = None) -> Response:
    """The page with its headers, and the status that its kind has."""
    code = status or STATUS.get(page.kind, HTTPStatus.OK)
    headers = {**HEADERS, "Content-Language": page.language}
    return HTMLResponse(render(page), code, headers=headers)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
