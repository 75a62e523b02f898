"""Breakers as the clients read them."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.channels.types import Provider
from handbell.delivery.breaker import BreakerWord
from handbell.delivery.breakers.service import AccountBreaker

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "account_id": 3,
    "provider": "twilio",
    "state": "open",
    "calls": 0,
    "errors": 0,
    "openings": 1,
    "opened_at": "2027-03-01T14:30:00Z",
    "opened_calls": 200,
    "opened_errors": 20,
    "next_try_in_seconds": 4.2,
}


class BreakerOut(BaseModel):
    """An account's breaker. `calls` and `errors` are those of the last 30 seconds, those with
    `opened_` made it open last. `next_try_in_seconds` is null unless it is open."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    account_id: int
    provider: Provider
    state: BreakerWord
    calls: int
    errors: int
    openings: int
    opened_at: datetime | None
    opened_calls: int
    opened_errors: int
    next_try_in_seconds: float | None

    @classmethod
    def of(cls, one: AccountBreaker) -> "BreakerOut":
        state = one.state
        is_open = state.word is BreakerWord.OPEN
        return cls(
            account_id=one.account_id,
            provider=one.provider,
            state=state.word,
            calls=state.good + state.bad,
            errors=state.bad,
            openings=state.openings,
            opened_at=state.opened_at,
            opened_calls=state.opened_calls,
            opened_errors=state.opened_errors,
            next_try_in_seconds=state.left / timedelta(seconds=1) if is_open else None,
        )
