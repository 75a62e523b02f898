"""Asks SendGrid's e-mail logs whether it has taken a message.

Source: SendGrid API v3, Email Logs. They are searched by address and time; our token is found in
the custom arguments of each hit. Not every account has them: a setting says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import quote

import orjson

from handbell.channels.providers.sendgrid.sender import ATTEMPT_ARGUMENT, SendGridAccount
from handbell.channels.types import Sought
from handbell.platform.transport import Answer, NeverLeft, NoAnswer, Reader, Transport

MOST_HITS: Final = 50
CLOCKS_DIFFER: Final = timedelta(seconds=5)


class AsksAndReads(Transport, Reader, Protocol):
    """Both ways to ask: the search is a POST, one message a GET."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridLookup:
    """The token decides, so a hit is certain; logs lag more than Twilio's list."""

    transport: AsksAndReads
    account: SendGridAccount
    asks_after: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=15),
    )

    async def find(self, sought: Sought) -> tuple[str, ...] | None:
        try:
            hits = await self._hits(sought)
            if hits is None or len(hits) >= MOST_HITS:
                return None
            found = [await self._token_of(hit) for hit in hits]
        except (NeverLeft, NoAnswer):
            return None
        if any(token is None for token in found):
            return None
        return tuple(
            hit.split(".", 1)[0]
            for hit, token in zip(hits, found, strict=True)
            if token == sought.attempt_token
        )

    async def _hits(self, sought: Sought) -> list[str] | None:
        """The ids of what went to the address since; None where the search was not answered."""
        since = (sought.started_at - CLOCKS_DIFFER).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        to = sought.to.replace("'", "''")
        query = f"to_email = '{to}' AND sg_message_id_created_at > TIMESTAMP \"{since}\""
        body = orjson.dumps({"query": query, "limit": MOST_HITS})
        answer = await self.transport.post(
            f"{self.account.base_url}/v3/logs", headers=self.account.headers(), body=body
        )
        rows = _object(answer).get("messages")
        if answer.status != HTTPStatus.OK or not isinstance(rows, list):
            return None
        ids = [row.get("sg_message_id") for row in rows if isinstance(row, dict)]
        return [one for one in ids if isinstance(one, str)]

    async def _token_of(self, sg_message_id: str) -> str | None:
        """Our token of a hit, empty where it has none; None where it could not be read."""
        url = f"{self.account.base_url}/v3/logs/{quote(sg_message_id, safe='')}"
        answer = await self.transport.get(url, headers=self.account.headers())
        if answer.status != HTTPStatus.OK:
            return None
        arguments = _object(answer).get("custom_args")
        named = arguments.get(ATTEMPT_ARGUMENT) if isinstance(arguments, dict) else None
        return named if isinstance(named, str) else ""


def _object(answer: Answer) -> Mapping[str, object]:
    body = answer.json()
    return body if isinstance(body, dict) else {}
