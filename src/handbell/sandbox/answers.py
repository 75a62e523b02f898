"""How a provider says no: an exception that becomes its own error body."""

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from handbell.sandbox.world import World


class ProviderSaysNo(Exception):
    """Ends a request with the provider's error body and status."""

    def __init__(
        self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body
        self.headers = headers


async def say_no(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ProviderSaysNo):
        raise error
    headers = dict(error.headers) if error.headers else None
    return JSONResponse(dict(error.body), status_code=error.status, headers=headers)


def is_of_type(request: Request, media_type: str) -> bool:
    """Whether the body says that it is of this type; parameters do not count."""
    given = request.headers.get("content-type", "")
    return given.partition(";")[0].strip().lower() == media_type


def on_the_way_back(world: World, provider: str, answer: Response) -> Response:
    """The answer to a message that was taken, unless it is ordered to be lost."""
    fault = world.faults.get(provider)
    if fault is None or fault.lost <= 0:
        return answer
    fault.lost -= 1
    return HTMLResponse("<html><body>502 Bad Gateway</body></html>", status_code=502)


async def meet_faults(
    world: World, provider: str, *, late: ProviderSaysNo, down: ProviderSaysNo
) -> None:
    """Be slow, over the rate or down, when the control API has ordered it."""
    fault = world.faults.get(provider)
    if fault is None:
        return
    if fault.latency_ms:
        await asyncio.sleep(fault.latency_ms / 1000)
    if fault.status_429 > 0:
        fault.status_429 -= 1
        raise late
    if fault.status_503 > 0:
        fault.status_503 -= 1
        raise down
