"""Problems, limits, pages, authentication and idempotency over a small application."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, field_validator

from handbell.platform.clock import FrozenClock
from handbell.platform.db import Database, OrganizationId
from handbell.platform.errors import ConflictError, NotFoundError, UnauthenticatedError
from handbell.platform.http import (
    AuthenticatedCaller,
    BodyLimit,
    IdempotencyKeyReused,
    IdempotentRequest,
    PageParams,
    RequestInProgress,
    SecurityHeaders,
    answer_once,
    install_authentication,
    install_problems,
    problems,
    require,
    set_page_headers,
)

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)


@dataclass(frozen=True)
class FakeCaller:
    name: str
    organization_id: OrganizationId = OrganizationId(1)  # noqa: RUF009 - a number

    def may(self, scope: str) -> bool:
        return scope == "things:read"


class FakeAuthenticator:
    async def authenticate(self, bearer: str, *, now: datetime) -> AuthenticatedCaller:
        if bearer != f"good at {now:%H}".replace(" ", "-"):
            raise UnauthenticatedError("Not accepted.")
        return FakeCaller("key:good")


class ThingIn(BaseModel):
    size: int
    phone: str = ""

    @field_validator("phone")
    @classmethod
    def _no_phone(cls, value: str) -> str:
        if value:
            raise ValueError(f"bad phone {value}")
        return value


def build_app() -> FastAPI:
    app = FastAPI()
    install_problems(app)
    install_authentication(app, FakeAuthenticator(), FrozenClock(NOON))
    app.add_middleware(BodyLimit, limit=100)
    app.add_middleware(SecurityHeaders)

    @app.get("/away")
    async def away() -> None:
        raise ConnectionRefusedError("at 127.0.0.1:5432")

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("Ada Example, +12125550101")

    @app.get("/gone", responses=problems(NotFoundError, ConflictError))
    async def gone() -> None:
        raise NotFoundError("There is no such thing.", thing_id=4)

    @app.post("/things")
    async def create(body: ThingIn) -> int:
        return body.size

    @app.get("/things")
    async def things(
        request: Request,
        response: Response,
        page: PageParams,
        caller: Annotated[FakeCaller, require("things:read")],
    ) -> list[str]:
        set_page_headers(request, response, page, total=5)
        return [caller.name]

    @app.get("/secret")
    async def secret(caller: Annotated[FakeCaller, require("secret:read")]) -> str:
        return caller.name

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


GOOD = {"Authorization": "Bearer good-at-17"}


async def test_a_known_error_is_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/gone")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:handbell:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "message": "There is no such thing.",
        "details": {"thing_id": 4},
    }


@pytest.mark.requirement("R9.8")
async def test_a_database_that_is_away_asks_to_be_asked_again(client: httpx.AsyncClient) -> None:
    answer = await client.get("/away")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "5432" not in answer.text


async def test_an_unexpected_error_says_nothing_of_its_cause(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "Ada" not in answer.text
    assert "555" not in answer.text


async def test_an_unknown_path_is_a_problem_too(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_invalid_input_is_named_and_never_repeated(client: httpx.AsyncClient) -> None:
    body = {"size": "Ada", "phone": "+12125550101"}
    answer = await client.post("/things", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [fault["field"] for fault in answer.json()["details"]] == ["body.size", "body.phone"]
    assert "Ada" not in answer.text
    assert "555" not in answer.text


async def test_a_large_body_is_refused_declared_or_streamed(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 10

    for content in (b"x" * 101, chunks()):
        answer = await client.post("/things", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert (await client.post("/things", json={"size": 3})).json() == 3


async def test_every_answer_has_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/gone", "/nowhere", "/things", "/broken"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


async def test_callers_are_told_apart(client: httpx.AsyncClient) -> None:
    missing = await client.get("/things")
    wrong = await client.get("/things", headers={"Authorization": "Bearer bad"})
    weak = await client.get("/secret", headers=GOOD)
    good = await client.get("/things", headers=GOOD)
    assert (missing.status_code, missing.json()["code"]) == (401, "bearer_missing")
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "Bearer")
    assert (weak.status_code, weak.json()["details"]) == (403, {"scope": "secret:read"})
    assert (good.status_code, good.json()) == (200, ["key:good"])


async def test_pages_name_their_neighbours(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things?limit=2&offset=2&x=1", headers=GOOD)
    assert answer.headers["x-total-count"] == "5"
    assert answer.headers["link"] == (
        '</things?x=1&limit=2&offset=0>; rel="prev", </things?x=1&limit=2&offset=4>; rel="next"'
    )
    alone = await client.get("/things", headers=GOOD)
    assert "link" not in alone.headers
    assert (await client.get("/things?limit=0", headers=GOOD)).status_code == 422


def test_the_description_lists_the_codes_of_a_status() -> None:
    assert list(problems(NotFoundError, ConflictError)) == [404, 409]
    assert problems(NotFoundError)[404]["description"] == "not_found"


def request(organization: OrganizationId, body: bytes = b"{}") -> IdempotentRequest:
    return IdempotentRequest(organization_id=organization, route="POST /x", key="k", body=body)


class Work:
    """Counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    async def __call__(self) -> dict[str, int]:
        self.done += 1
        return {"done": self.done}


async def test_a_repetition_gets_the_first_answer_for_24_hours(
    db: Database, organization: OrganizationId, other_organization: OrganizationId
) -> None:
    work, same = Work(), request(organization)
    for _ in range(2):
        assert await answer_once(db, same, work, now=NOON) == {"done": 1}
    with pytest.raises(IdempotencyKeyReused):
        await answer_once(db, request(organization, b"[]"), work, now=NOON)
    assert await answer_once(db, request(other_organization), work, now=NOON) == {"done": 2}
    later = NOON + timedelta(hours=24)
    assert await answer_once(db, same, work, now=later) == {"done": 3}


async def test_of_requests_at_once_one_does_the_work(
    db: Database, organization: OrganizationId
) -> None:
    started, release, work = asyncio.Event(), asyncio.Event(), Work()

    async def slow() -> dict[str, int]:
        started.set()
        await release.wait()
        return await work()

    async def second() -> None:
        with pytest.raises(RequestInProgress):
            await answer_once(db, request(organization), slow, now=NOON)
        release.set()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(answer_once(db, request(organization), slow, now=NOON))
        await started.wait()
        group.create_task(second())
    assert first.result() == {"done": 1}


async def test_failed_work_frees_the_key(db: Database, organization: OrganizationId) -> None:
    async def failing() -> dict[str, int]:
        raise NotFoundError("There is no such thing.")

    with pytest.raises(NotFoundError):
        await answer_once(db, request(organization), failing, now=NOON)
    assert await answer_once(db, request(organization), Work(), now=NOON) == {"done": 1}
