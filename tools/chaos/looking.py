"""What a run asks at its end: the sandbox's record, and the product's tables for explanations."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Final

import aiohttp
import asyncpg

from handbell.platform.clock import SystemClock
from tools.chaos.judging import Kept

POLL_SECONDS: Final = 1.0
_LEFT: Final = """
SELECT
    (SELECT count(*) FROM outbox WHERE topic <> 'webhooks.apply' OR not_before <= $1) AS work,
    (SELECT count(*) FROM messages WHERE lifecycle IN ('queued', 'sending')) AS under_way,
    (SELECT count(*) FROM messages
     WHERE lifecycle = 'scheduled' AND scheduled_at < $1 + interval '10 minutes') AS due,
    (SELECT count(*) FROM messages WHERE lifecycle = 'unknown' AND channel = 'sms') AS unknown
"""
_KEPT: Final = """
SELECT e.external_id AS visit, m.lifecycle, m.channel, m.reasons,
    coalesce(array_agg(a.token) FILTER (WHERE a.token IS NOT NULL), '{}') AS tokens
FROM messages m
JOIN external_ids e ON e.kind = 'appointment' AND e.internal_id = m.appointment_id
    AND e.organization_id = m.organization_id
LEFT JOIN message_attempts a ON a.message_id = m.id
WHERE m.purpose = 'appt_confirm'
GROUP BY m.id, e.external_id ORDER BY m.id
"""
_DEAD: Final = "SELECT count(*) FROM webhook_deliveries WHERE problem IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Ask:
    """Reads from one installation when its load has ended."""

    session: aiohttp.ClientSession
    sandbox_url: str
    database_url: str

    async def until_quiet(self, *, seconds: float) -> dict[str, int]:
        """Wait until nothing is left to do; give what still is when the time is over."""
        give_up, quiet_since = monotonic() + seconds, 0
        while True:
            left = await self._left()
            quiet_since = quiet_since + 1 if not any(left.values()) else 0
            if quiet_since > 2 or monotonic() > give_up:  # noqa: PLR2004
                return left
            await asyncio.sleep(POLL_SECONDS)

    async def _left(self) -> dict[str, int]:
        now = await SystemClock().now()
        row = await self._row(_LEFT, now)
        coming = (await self.sandbox("next"))["at"]
        return dict(row) | {"sandbox": int(coming is not None)}

    async def _row(self, query: str, *values: datetime) -> Any:
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchrow(query, *values)
        finally:
            await connection.close()

    async def kept(self) -> tuple[dict[str, Kept], Counter[str]]:
        """The message of each visit, and how many ended how. Of a message that took another
        channel the newest counts."""
        connection = await asyncpg.connect(self.database_url)
        try:
            rows = await connection.fetch(_KEPT)
        finally:
            await connection.close()
        kept = {
            row["visit"]: Kept(
                lifecycle=row["lifecycle"], channel=row["channel"], tokens=tuple(row["tokens"])
            )
            for row in rows
        }
        ends = Counter(f"{row['lifecycle']} {','.join(row['reasons'])}".strip() for row in rows)
        return kept, ends

    async def dead_webhooks(self) -> int:
        row = await self._row(_DEAD)
        return int(row[0])

    async def sandbox(self, what: str) -> Any:
        async with self.session.get(f"{self.sandbox_url}/_sandbox/{what}") as answer:
            return await answer.json()

    async def received(self) -> list[dict[str, Any]]:
        async with self.session.get(f"{self.sandbox_url}/_sandbox/messages") as answer:
            text = await answer.text()
        return [json.loads(line) for line in text.splitlines()]
