"""The secrets of webhooks, for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handbell.channels.types import Provider
from handbell.platform.db import OrganizationId
from handbell.webhooks.types import Secrets

Named = Mapping[tuple[Provider, str], Sequence[tuple[OrganizationId, Secrets]]]


@dataclass(frozen=True)
class FixedSecrets:
    """The environment's secrets, and those of further accounts by provider and reference."""

    environment: Secrets
    others: Named = field(default_factory=dict)

    async def named(
        self, provider: Provider, reference: str
    ) -> Sequence[tuple[OrganizationId, Secrets]]:
        return self.others.get((provider, reference), ())
