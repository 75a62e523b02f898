"""How often pages may be asked for: counted in Valkey for all processes, on its own clock.

A server that is away limits nobody: a patient who cannot unsubscribe is worse than a flood.
"""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from handbell.platform.crypto import KeyRing

SECONDS: Final = 60
V6_PREFIX: Final = 64
"""What one household or machine has of IPv6 addresses."""

log = structlog.get_logger("handbell.actions")


class Limit(Enum):
    """What is counted, and how often in a minute it may happen.

    A network may be a whole town behind one address of its telephone company, so that its limit
    is wide. Guessing is no use anyway: nobody can sign, and what is not signed costs no query.
    """

    NETWORK = 600
    LINK = 120


class Limiter(Protocol):
    """Counts, and says whether there is room."""

    async def allows(self, limit: Limit, who: str) -> bool: ...


class Unlimited:
    """Counts nothing: stepped time has no minutes, and without Valkey nothing is shared."""

    async def allows(self, limit: Limit, who: str) -> bool:  # noqa: ARG002 - the port's
        return True


@dataclass(frozen=True, slots=True)
class ValkeyLimiter:
    """Fixed minutes. Valkey is told a keyed hash of who asks, never who."""

    client: Redis
    keys: KeyRing

    @classmethod
    def open(cls, redis_url: str, keys: KeyRing) -> "ValkeyLimiter":
        return cls(Redis.from_url(redis_url), keys)

    async def close(self) -> None:
        await self.client.aclose()

    async def allows(self, limit: Limit, who: str) -> bool:
        """Count one more, and say whether that was still allowed."""
        name = f"handbell.pages:{limit.name}:{self.keys.token_hash(who).hex()[:32]}"
        try:
            async with self.client.pipeline(transaction=True) as pipe:
                pipe.incr(name)
                pipe.expire(name, SECONDS, nx=True)
                count, _ = await pipe.execute()
        except (RedisError, OSError) as away:
            log.warning("pages are not limited", error_type=type(away).__name__)
            return True
        return int(count) <= limit.value


def network_of(host: str | None) -> str:
    """The network that an address of a client belongs to; unknown ones share one."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((address, V6_PREFIX), strict=False))
    return str(address)
