"""How a provider says no: an exception that becomes its own error body."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from handbell.sandbox.world import World


class ProviderSaysNo(Exception):
    """Ends a request with the provider's error body and status."""

    def __init__(
        self,
        status: int,
        body: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
        *,
        is_page: bool = False,
    ) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body
        self.headers = headers
        self.is_page = is_page


async def say_no(_: Request, error: Exception) -> Response:
    if not isinstance(error, ProviderSaysNo):
        raise error
    if error.is_page:
        return HTMLResponse("<html><h1>Bad gateway</h1></html>", status_code=error.status)
    headers = dict(error.headers) if error.headers else None
    return JSONResponse(dict(error.body), status_code=error.status, headers=headers)


def is_of_type(request: Request, media_type: str) -> bool:
    """Whether the body says that it is of this type; parameters do not count."""
    given = request.headers.get("content-type", "")
    return given.partition(";")[0].strip().lower() == media_type


async def meet_faults(
    world: World, provider: str, *, late: ProviderSaysNo, down: ProviderSaysNo
) -> None:
    """Be slow, over the rate or down, when the control API has ordered it."""
    fault = world.faults.get(provider)
    if fault is None:
        return
    if delay := fault.delay_ms():
        await asyncio.sleep(delay / 1000)
    if fault.status_429 > 0:
        fault.status_429 -= 1
        raise late
    if fault.status_503 > 0:
        fault.status_503 -= 1
        raise down
    if fault.is_down():
        world.counts["answered_5xx"] += 1
        raise down if fault.words() == "json" else _page_of(down)


def spoil(world: World, provider: str, answer: Response, *, down: ProviderSaysNo) -> Response:
    """The answer to a request that was taken, or what becomes of it by an ordered fault."""
    fault = world.faults.get(provider)
    if fault is None:
        return answer
    if fault.lost > 0:
        fault.lost -= 1
        raise ProviderSaysNo(HTTPStatus.BAD_GATEWAY, {}, is_page=True)
    end = fault.end()
    if end == "answer":
        return answer
    world.counts["answers_spoilt"] += 1
    if end == "drop":
        return Dropped()
    raise down if end == "json" else _page_of(down)


class Dropped(Response):
    """An answer that breaks off after its first line: the server then closes the connection."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"100")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def _page_of(down: ProviderSaysNo) -> ProviderSaysNo:
    """The same status from the edge, which writes pages and no JSON."""
    return ProviderSaysNo(down.status, {}, is_page=True)
