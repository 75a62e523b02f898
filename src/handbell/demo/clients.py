"""How the demo speaks to the product and to the sandbox: over HTTP like anybody else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from handbell.demo.errors import StatementRejected, UnexpectedAnswer
from handbell.demo.script import Statement

_BATCH: Final = 100
_WAIT_MS: Final = "500"
_PAGE: Final = 200


async def _ask(
    http: aiohttp.ClientSession, method: str, path: str, **options: Any
) -> tuple[bytes, Mapping[str, str]]:
    async with http.request(method, path, **options) as answer:
        body = await answer.read()
        if not answer.ok:
            raise UnexpectedAnswer(method, path, answer.status)
        return body, answer.headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Whether the product has come to rest at its instant, and when it next has to act."""

    is_idle: bool
    next_at: datetime | None
    busy: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Product:
    """The product's REST API, with an administrator's key in the session's headers."""

    http: aiohttp.ClientSession

    async def tell(self, source: str, statements: Sequence[Statement]) -> list[int]:
        """Send events; give the product's id of each thing. Raises `StatementRejected`."""
        ids: list[int] = []
        for start in range(0, len(statements), _BATCH):
            batch = statements[start : start + _BATCH]
            events = [_to_event(source, statement) for statement in batch]
            body, _ = await _ask(
                self.http,
                "POST",
                "/api/v1/events",
                data=json.dumps(events),
                headers={"Content-Type": "application/cloudevents-batch+json"},
            )
            results = json.loads(body)["results"]
            ids += [_id_of(one, said) for one, said in zip(results, batch, strict=True)]
        return ids

    async def prefer(self, patient_id: int, wishes: Mapping[str, bool]) -> None:
        path = f"/api/v1/patients/{patient_id}/comm-preferences"
        await _ask(self.http, "PUT", path, json=wishes)

    async def set_practice(self, facts: Mapping[str, object]) -> None:
        await _ask(self.http, "PUT", "/api/v1/comm/settings/organization", json=facts)

    async def idle(self) -> Idle:
        """Whether the product has come to rest; it waits a moment for that before it answers."""
        body, _ = await _ask(self.http, "GET", "/_demo/idle", params={"wait_ms": _WAIT_MS})
        said = json.loads(body)
        return Idle(is_idle=said["idle"], next_at=_instant(said["next_at"]), busy=said["busy"])

    async def jobs(self) -> list[dict[str, Any]]:
        """Every message, page by page."""
        rows: list[dict[str, Any]] = []
        while True:
            page = {"limit": str(_PAGE), "offset": str(len(rows))}
            body, headers = await _ask(self.http, "GET", "/api/v1/comm/jobs", params=page)
            new = json.loads(body)
            rows += new
            if not new or len(rows) >= int(headers["X-Total-Count"]):
                return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """The sandbox's earliest action, and how many are due by now."""

    at: datetime | None
    due: int


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox's control API."""

    http: aiohttp.ClientSession

    async def upcoming(self) -> Upcoming:
        body, _ = await _ask(self.http, "GET", "/_sandbox/next")
        said = json.loads(body)
        return Upcoming(at=_instant(said["at"]), due=said["due"])

    async def release(self, until: datetime) -> None:
        await _ask(self.http, "POST", "/_sandbox/release", json={"until": until.isoformat()})

    async def messages(self, since: datetime | None = None) -> str:
        """What was received, as JSON lines."""
        query = {"since": since.isoformat()} if since else {}
        body, _ = await _ask(self.http, "GET", "/_sandbox/messages", params=query)
        return body.decode()

    async def replies(self) -> str:
        body, _ = await _ask(self.http, "GET", "/_sandbox/replies")
        return body.decode()


@dataclass(frozen=True, slots=True)
class SteppedClock:
    """The clock of the whole installation; `engine` connects as the database's owner."""

    engine: AsyncEngine

    async def step_to(self, at: datetime) -> None:
        """Set the instant and wake whoever waits for it."""
        statement = text(
            "INSERT INTO sim_clock (id, at) VALUES (1, :at)"
            " ON CONFLICT (id) DO UPDATE SET at = excluded.at"
        )
        async with self.engine.begin() as tx:
            await tx.execute(statement, {"at": at})
            await tx.execute(text("NOTIFY handbell_wake"))


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _to_event(source: str, statement: Statement) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"{statement.type}/{statement.subject}/{statement.at:%m%d%H%M}",
        "source": source,
        "type": statement.type,
        "time": statement.at.isoformat(),
        "subject": statement.subject,
        "data": statement.data,
    }


def _id_of(result: Mapping[str, Any], statement: Statement) -> int:
    if result["status"] != "accepted":
        raise StatementRejected(
            statement.type, result["code"] or result["status"], result["field"]
        )
    return int(result["internal_id"])
