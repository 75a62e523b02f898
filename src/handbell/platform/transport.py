"""HTTP towards providers, with the one distinction that matters: did the request leave?"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Protocol, Self

import aiohttp
import orjson

TOTAL_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 4.0
_DIGITS: Final = 7
"""Of a pause in seconds; a longer number means four months."""


class NeverLeft(Exception):
    """No connection was made, so nothing was written: trying again is safe."""


class NoAnswer(Exception):
    """The connection broke or timed out after it stood: the request may have been taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> object | None:
        """The decoded body, or None where it is not JSON (an edge's HTML page)."""
        try:
            return orjson.loads(self.body)  # type: ignore[no-any-return]
        except orjson.JSONDecodeError:
            return None

    @property
    def retry_after(self) -> timedelta | datetime | None:
        """The Retry-After header (RFC 9110, 10.2.3): seconds, or a date.

        A date is a pause counted from the answer's own Date, so that a wrong clock on either
        side does not matter; without a Date it is that instant. What cannot be read is None.
        """
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return timedelta(seconds=int(value) if len(value) <= _DIGITS else 10**_DIGITS)
        at, said_at = _date(value), _date(self.headers.get("date", ""))
        if at is None or said_at is None:
            return at
        return max(at - said_at, timedelta(0))

    @property
    def is_page(self) -> bool:
        """Whether it is HTML: an edge or a proxy wrote it, not the provider's API."""
        kind = self.headers.get("content-type", "").lower()
        return kind.startswith("text/html") or self.body.lstrip().startswith(b"<")


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, IndexError, OverflowError):
        return None


_departed: ContextVar[Callable[[], None] | None] = ContextVar("departed", default=None)


@contextmanager
def departures(hear: Callable[[], None]) -> Iterator[None]:
    """Hear once when the request made inside has left, at the end at the latest."""
    heard = False

    def once() -> None:
        nonlocal heard
        if not heard:
            heard = True
            hear()

    token = _departed.set(once)
    try:
        yield
    finally:
        _departed.reset(token)
        once()


async def _tell_departed(*_: object) -> None:
    if (hear := _departed.get()) is not None:
        hear()


class Transport(Protocol):
    """Posts once, follows nothing, repeats nothing. Raises NeverLeft or NoAnswer."""

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer: ...


class Reader(Protocol):
    """Reads once, follows nothing. Raises NeverLeft or NoAnswer."""

    async def get(self, url: str, *, headers: Mapping[str, str]) -> Answer: ...


class AiohttpTransport:
    """The real one. Create and close it inside the running loop."""

    def __init__(
        self, *, total_seconds: float = TOTAL_SECONDS, connect_seconds: float = CONNECT_SECONDS
    ) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_chunk_sent.append(_tell_departed)
        self._session = aiohttp.ClientSession(
            trace_configs=[trace],
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=total_seconds, sock_connect=connect_seconds),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.close()

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        return await self._ask("POST", url, headers=headers, body=body)

    async def get(self, url: str, *, headers: Mapping[str, str]) -> Answer:
        return await self._ask("GET", url, headers=headers, body=None)

    async def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                content = await response.read()
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.InvalidURL,
        ) as error:
            raise NeverLeft(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(type(error).__name__) from error
        named = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=named, body=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A request that a FakeTransport was given."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class FakeTransport:
    """Plays the given answers and errors in order and remembers every request."""

    def __init__(self, *results: Answer | NeverLeft | NoAnswer) -> None:
        self._results = deque(results)
        self.posted: list[Posted] = []

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        self.posted.append(Posted(url=url, headers=dict(headers), body=body))
        return self._play()

    async def get(self, url: str, *, headers: Mapping[str, str]) -> Answer:
        self.posted.append(Posted(url=url, headers=dict(headers), body=b""))
        return self._play()

    def _play(self) -> Answer:
        result = self._results.popleft()
        if isinstance(result, Answer):
            return result
        raise result
