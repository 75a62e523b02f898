"""Health: alive is not the same as ready."""

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from handbell.monitoring.router import health_router
from handbell.platform.db import Database, DatabaseUrls


async def ask(db: Database, path: str) -> tuple[int, dict[str, object]]:
    app = FastAPI()
    app.include_router(health_router(db))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


async def test_with_its_database_it_is_ready(db: Database) -> None:
    assert await ask(db, "/health/live") == (200, {"status": "ok", "down": []})
    assert await ask(db, "/health/ready") == (200, {"status": "ok", "down": []})


async def test_without_its_database_it_lives_but_is_not_ready() -> None:
    nowhere = "postgresql://nobody:x@127.0.0.1:9/none"
    db = Database.open(DatabaseUrls(owner=nowhere, app=nowhere, engine=nowhere))
    assert (await ask(db, "/health/live"))[0] == 200
    assert await ask(db, "/health/ready") == (503, {"status": "unavailable", "down": ["database"]})
    await db.close()
