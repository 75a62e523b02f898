"""Asks Twilio's own list whether it has taken a message.

Source: Twilio API 2010-04-01, list of Messages. It is asked by recipient alone: `DateSent` is
null while a message waits to leave, so a date would hide exactly the rows that are sought.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from handbell.channels.providers.twilio.sender import TwilioAccount
from handbell.channels.types import Sought
from handbell.platform.transport import NeverLeft, NoAnswer, Reader

PAGE_SIZE: Final = 50
CLOCKS_DIFFER: Final = timedelta(seconds=5)
"""Twilio's time of creation may lie so much before our time of asking."""
_Row = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioLookup:
    """Finds a message by recipient, sender, time and text: a list knows no token of ours."""

    transport: Reader
    account: TwilioAccount
    asks_after: tuple[timedelta, ...] = (
        timedelta(seconds=20),
        timedelta(seconds=60),
        timedelta(seconds=120),
    )

    async def find(self, sought: Sought) -> tuple[str, ...] | None:
        query = urlencode({"To": sought.to, "PageSize": PAGE_SIZE})
        try:
            answer = await self.transport.get(
                f"{self.account.messages_url}?{query}", headers=self.account.headers()
            )
        except (NeverLeft, NoAnswer):
            return None
        body = answer.json()
        rows = body.get("messages") if isinstance(body, dict) else None
        if answer.status != HTTPStatus.OK or not isinstance(rows, list):
            return None
        listed = [row for row in rows if isinstance(row, dict)]
        if _may_go_on(listed, sought):
            return None
        return tuple(sid for _, sid in sorted(self._fitting(listed, sought)))

    def _fitting(self, rows: Sequence[_Row], sought: Sought) -> Iterator[tuple[datetime, str]]:
        for row in rows:
            at, sid = _created_at(row), row.get("sid")
            if at is None or not isinstance(sid, str) or at < sought.started_at - CLOCKS_DIFFER:
                continue
            if self._is_ours(row, sought) and _says(row, sought.text):
                yield at, sid

    def _is_ours(self, row: _Row, sought: Sought) -> bool:
        if row.get("direction") != "outbound-api":
            return False
        if self.account.messaging_service_sid:
            return row.get("messaging_service_sid") == self.account.messaging_service_sid
        return row.get("from") == sought.sender


def _says(row: _Row, text: str) -> bool:
    """An account that discards bodies lists none: time and sender must do then."""
    body = row.get("body")
    return not body or (isinstance(body, str) and body.strip() == text.strip())


def _created_at(row: _Row) -> datetime | None:
    try:
        at = parsedate_to_datetime(str(row.get("date_created")))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, IndexError, OverflowError):
        return None


def _may_go_on(rows: Sequence[_Row], sought: Sought) -> bool:
    """Whether a full page ends before the time of the attempt: the sought one may lie behind."""
    if len(rows) < PAGE_SIZE:
        return False
    times = [at for at in map(_created_at, rows) if at is not None]
    return not times or min(times) >= sought.started_at - CLOCKS_DIFFER
