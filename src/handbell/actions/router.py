"""The pages behind links. GET shows, POST acts, HEAD does nothing; no script, no cookie."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from handbell.actions.html import HEADERS, render
from handbell.actions.limits import SECONDS, Limit, Limiter, Unlimited, network_of
from handbell.actions.service import ActionService
from handbell.actions.types import Choice, Flaw, Page, PageKind, Press
from handbell.actions.wishes import to_wish
from handbell.actions.words import preferred_language
from handbell.platform.clock import Clock

STATUS: Final = {
    PageKind.UNKNOWN: HTTPStatus.NOT_FOUND,
    PageKind.CHANGED: HTTPStatus.CONFLICT,
    PageKind.USED: HTTPStatus.CONFLICT,
    PageKind.EXPIRED: HTTPStatus.GONE,
    PageKind.PASSED: HTTPStatus.GONE,
    PageKind.GONE: HTTPStatus.GONE,
    PageKind.EMPTY: HTTPStatus.GONE,
    PageKind.LOCKED: HTTPStatus.FORBIDDEN,
    PageKind.NO_YEAR: HTTPStatus.FORBIDDEN,
    PageKind.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    PageKind.BROKEN: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Every other page is 200."""
STATUS_OF_FLAW: Final = {
    Flaw.SLOT_TAKEN: HTTPStatus.CONFLICT,
    Flaw.WRONG_YEAR: HTTPStatus.FORBIDDEN,
}
"""Every other one is 422."""
MOST_FIELDS: Final = 20
CALENDAR: Final = "calendar"
PREFERENCES: Final = "preferences"
"""Parts of a page, named behind its question mark: then no page holds its own token."""

_SLOT: Final = re.compile(r"[0-9]{1,18}")

log = structlog.get_logger("handbell.actions")


class PageRoute(APIRoute):
    """Answers an error with a page too: a patient has no use for a problem document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def with_page(request: Request) -> Response:
            language = _language(request)
            try:
                return await handle(request)
            except HTTPException as refused:
                page = Page(kind=PageKind.UNKNOWN, language=language)
                return to_response(page, HTTPStatus(refused.status_code))
            except Exception as error:  # noqa: BLE001 - the last resort of a page
                # The traceback stays out of the log: it may hold a token or a name.
                name = type(error).__name__
                log.error("page failed", error_type=name, method=request.method)  # noqa: TRY400
                return to_response(Page(kind=PageKind.BROKEN, language=language))

        return with_page


@dataclass(frozen=True, slots=True)
class Doors:
    """What lies behind both kinds of links. A one-click post is always let in."""

    actions: ActionService
    clock: Clock
    limiter: Limiter

    async def is_closed(self, request: Request, token: str) -> bool:
        """Whether the network or the link has asked too often."""
        is_open = await self.limiter.allows(Limit.NETWORK, network_of(_host(request)))
        return not (is_open and await self.limiter.allows(Limit.LINK, token))


def links_router(
    actions: ActionService, clock: Clock, limiter: Limiter | None = None
) -> APIRouter:
    """The care links under `/l` and the links that stop e-mails under `/u`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    doors = Doors(actions, clock, limiter or Unlimited())
    _add_care(router, doors)
    _add_unsubscribe(router, doors)

    @router.head("/l/{token:path}")
    @router.head("/u/{token:path}")
    async def look(token: str) -> Response:  # noqa: ARG001 - a scanner learns nothing
        return Response(headers=HEADERS, media_type="text/html")

    return router


def _add_care(router: APIRouter, doors: Doors) -> None:
    actions = doors.actions

    @router.get("/l/{token:path}")
    async def open_link(token: str, request: Request) -> Response:
        if await doors.is_closed(request, token):
            return busy(request)
        now = await doors.clock.now()
        if CALENDAR in request.query_params:
            found = await actions.open_calendar(token, now=now)
            if found is not None:
                return calendar_file(found)
        return answer(request, await actions.open_link(token, now=now))

    @router.post("/l/{token:path}")
    async def act(token: str, request: Request) -> Response:
        """Do what the pressed button says. A form without one shows the page and acts not."""
        if await doors.is_closed(request, token):
            return busy(request)
        press, now = to_press(await _form(request)), await doors.clock.now()
        if press is None:
            return answer(request, await actions.open_link(token, now=now))
        return answer(request, await actions.act(token, press, now=now))


def _add_unsubscribe(router: APIRouter, doors: Doors) -> None:
    actions = doors.actions

    @router.get("/u/{token:path}")
    async def open_unsubscribe(token: str, request: Request) -> Response:
        if await doors.is_closed(request, token):
            return busy(request)
        now = await doors.clock.now()
        if PREFERENCES in request.query_params:
            return answer(request, await actions.open_preferences(token, now=now))
        return answer(request, await actions.open_unsubscribe(token, now=now))

    @router.post("/u/{token:path}")
    async def unsubscribe(token: str, request: Request) -> Response:
        """RFC 8058: whatever the body says, the post itself is the wish. Nothing limits it, for
        the providers of mailboxes post for all of their users from a few addresses."""
        now, ip = await doors.clock.now(), _host(request)
        if PREFERENCES not in request.query_params:
            return answer(request, await actions.unsubscribe(token, now=now, ip=ip))
        if await doors.is_closed(request, token):
            return busy(request)
        form = await _form(request)
        wanted, language = _texts(form, "want"), _text(form, "language")
        return answer(request, await actions.prefer(token, wanted, language, now=now, ip=ip))


def to_press(form: FormData) -> Press | None:
    """The pressed button with its form; None where no button of ours was pressed."""
    choice, slot = _text(form, "choice"), _text(form, "slot")
    if choice not in set(Choice):
        return None
    return Press(
        choice=Choice(choice),
        wish=to_wish(_texts(form, "when"), _text(form, "wish")),
        slot_id=int(slot) if _SLOT.fullmatch(slot) else None,
        is_sure=bool(_text(form, "sure")),
        year=_text(form, "year"),
    )


def answer(request: Request, page: Page) -> Response:
    """The page; where nobody knows whose the link is, in the browser's language."""
    if page.kind is PageKind.UNKNOWN:
        page = replace(page, language=_language(request))
    return to_response(page)


def to_response(page: Page, status: HTTPStatus | None = None) -> Response:
    """The page with its headers, and the status that its kind has."""
    code = status or _status(page)
    headers = {**HEADERS, "Content-Language": page.language}
    return HTMLResponse(render(page), code, headers=headers)


def busy(request: Request) -> Response:
    """Ask to come again in a minute."""
    answer = to_response(Page(kind=PageKind.BUSY, language=_language(request)))
    answer.headers["Retry-After"] = str(SECONDS)
    return answer


def calendar_file(content: bytes) -> Response:
    """A file that a telephone offers to put into its calendar."""
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="visit.ics"'}
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)


def _status(page: Page) -> HTTPStatus:
    if page.flaw is not None:
        return STATUS_OF_FLAW.get(page.flaw, HTTPStatus.UNPROCESSABLE_ENTITY)
    return STATUS.get(page.kind, HTTPStatus.OK)


def _language(request: Request) -> str:
    return preferred_language(request.headers.get("accept-language", ""))


def _host(request: Request) -> str | None:
    return request.client.host if request.client else None


async def _form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=MOST_FIELDS)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _texts(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]
