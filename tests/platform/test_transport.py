"""The real transport against loopback servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from handbell.platform.transport import AiohttpTransport, Answer, NeverLeft, NoAnswer

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _server(handler: Handler) -> AsyncIterator[str]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def _slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}")
    await writer.drain()
    writer.close()


async def test_an_answer_comes_with_lower_case_headers() -> None:
    async with _server(_answer) as url, AiohttpTransport() as transport:
        answer = await transport.post(url, headers={}, body=b"x")
    assert (answer.status, answer.headers["retry-after"], answer.json()) == (429, "7", {})
    assert answer.retry_after is not None


async def test_a_refused_connection_never_left() -> None:
    async with _server(_slam) as url:
        pass
    async with AiohttpTransport() as transport:
        with pytest.raises(NeverLeft):
            await transport.post(url, headers={}, body=b"x")


async def test_a_connection_closed_after_the_request_is_no_answer() -> None:
    async with _server(_slam) as url, AiohttpTransport() as transport:
        with pytest.raises(NoAnswer):
            await transport.post(url, headers={}, body=b"x")


def test_a_page_of_html_is_not_json() -> None:
    assert Answer(status=502, body=b"<html>").json() is None
