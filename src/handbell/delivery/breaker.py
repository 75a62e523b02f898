"""A circuit breaker per provider account, kept in Valkey for all workers (`breaker.lua`)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final

from redis.asyncio import Redis

_PREFIX: Final = "{handbell.breaker}"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCRIPT: Final = files(__package__).joinpath("breaker.lua").read_text(encoding="utf-8")


class BreakerWord(StrEnum):
    """Closed: calls are made. Open: none is. Half open: a few try whether it works again."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """How a breaker stands; `good` and `bad` count the calls of the last 30 seconds. `left` is
    how long it stays open. It last opened at `opened_at`, for so many errors of so many calls."""

    word: BreakerWord
    good: int
    bad: int
    left: timedelta
    openings: int
    opened_at: datetime | None
    opened_calls: int
    opened_errors: int


class Breaker:
    """The breakers of all accounts. Raises `redis.RedisError` where Valkey does not answer."""

    def __init__(self, client: Redis) -> None:
        self._script = client.register_script(_SCRIPT)

    async def ask(self, account_id: int, wanted: int, *, at: str = "") -> tuple[int, timedelta]:
        """How many of so many calls may be made, and when to ask again for the others."""
        granted, wait = await self._run(account_id, "ask", wanted, at=at)
        return int(granted), timedelta(microseconds=int(wait))

    async def tell(self, account_id: int, *, good: int, bad: int, at: str = "") -> BreakerWord:
        """Report calls. It opens at 10 % errors of at least 20 calls in 30 seconds."""
        (word,) = await self._run(account_id, "tell", good, bad, at=at)
        return BreakerWord(word)

    async def give_back(self, account_id: int, count: int, *, at: str = "") -> None:
        """Probes that were granted and made no call."""
        await self._run(account_id, "give_back", count, at=at)

    async def look(self, account_id: int, *, at: str = "") -> BreakerState:
        word, *told = await self._run(account_id, "look", at=at)
        good, bad, left, openings, opened, calls, errors = (int(one) for one in told)
        return BreakerState(
            word=BreakerWord(word),
            good=good,
            bad=bad,
            left=timedelta(microseconds=left),
            openings=openings,
            opened_at=_EPOCH + timedelta(microseconds=opened) if opened else None,
            opened_calls=calls,
            opened_errors=errors,
        )

    async def _run(self, account_id: int, command: str, *args: int, at: str) -> list[Any]:
        name = f"{_PREFIX}:{account_id}"
        told: list[Any] = await self._script(
            keys=[name, f"{name}:counts"], args=[command, at, *args]
        )
        return told
