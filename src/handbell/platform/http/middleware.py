"""Middleware that every answer passes: a limit on bodies, and security headers."""

from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handbell.platform.http.headers import HEADERS
from handbell.platform.http.problems import problem


class BodyLimit:
    """Answers 413 to a body above `limit` bytes, declared or streamed.

    The body is read before the application runs, so that the answer is never half begun.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        messages = None if self._declares_too_much(scope) else await self._read(receive)
        if messages is None:
            await _too_large(self.limit, scope, receive, send)
            return
        await self.app(scope, _replay(messages, receive), send)

    def _declares_too_much(self, scope: Scope) -> bool:
        declared = Headers(scope=scope).get("content-length", "")
        return declared.isdecimal() and int(declared) > self.limit

    async def _read(self, receive: Receive) -> list[Message] | None:
        messages, size = [], 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self.limit:
                return None
            if not message.get("more_body", False):
                return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replay() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return replay


async def _too_large(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    answer = problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        code="body_too_large",
        message="The body is larger than this server takes.",
        details={"limit_bytes": limit},
    )
    await answer(scope, receive, send)


class SecurityHeaders:
    """Adds the headers to each answer that has not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)
