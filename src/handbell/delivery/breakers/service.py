"""How the breakers of an organisation's accounts stand."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis
from redis.asyncio import Redis

from handbell.channels.service import AccountService, providers_of_all
from handbell.channels.types import Provider
from handbell.delivery.breaker import Breaker, BreakerState
from handbell.delivery.breakers.errors import BreakersUnavailable
from handbell.platform.db import OrganizationId
from handbell.platform.direct import Direct


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBreaker:
    """The breaker of one account with a provider."""

    account_id: int
    provider: Provider
    state: BreakerState


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderBreaker:
    """The breaker of somebody's account with a provider."""

    provider: Provider
    state: BreakerState


class BreakerService:
    """Looks at breakers; only calls to providers move them."""

    def __init__(self, accounts: AccountService, redis_url: str) -> None:
        self._accounts = accounts
        self._redis_url = redis_url

    async def list(
        self, organization_id: OrganizationId, *, limit: int, offset: int
    ) -> tuple[list[AccountBreaker], int]:
        """A page of the accounts' breakers, and how many there are. Raises
        `BreakersUnavailable`."""
        if not self._redis_url:
            raise BreakersUnavailable
        accounts, total = await self._accounts.list_all(
            organization_id, limit=limit, offset=offset
        )
        try:
            async with Redis.from_url(self._redis_url, decode_responses=True) as client:
                breaker = Breaker(client)
                found = [
                    AccountBreaker(
                        account_id=one.id,
                        provider=one.provider,
                        state=await breaker.look(one.id),
                    )
                    for one in accounts
                ]
        except redis.RedisError as error:
            raise BreakersUnavailable from error
        return found, total

    async def all_providers(self, direct: Direct) -> Sequence[ProviderBreaker]:
        """The breakers of all organisations' accounts, without saying whose they are. Raises
        `redis.RedisError`."""
        async with Redis.from_url(self._redis_url, decode_responses=True) as client:
            breaker = Breaker(client)
            return [
                ProviderBreaker(provider=provider, state=await breaker.look(account_id))
                for account_id, provider in await providers_of_all(direct)
            ]
