"""What actions need of the domains below, as small as they need it."""

from datetime import datetime
from typing import Protocol

from handbell.consent.types import Decision
from handbell.messages.service import PrivateText
from handbell.messages.types import Admission, SendOrder, VisitRef
from handbell.platform.db import OrganizationId, Tx


class Messages(Protocol):
    """Where a fresh link is ordered, and what the message of a link tells of."""

    @property
    def public_url(self) -> str: ...

    async def admit(
        self, organization_id: OrganizationId, order: SendOrder, *, now: datetime
    ) -> Admission: ...

    async def other_visits_in(self, tx: Tx, message_id: int) -> tuple[VisitRef, ...]: ...

    async def private_text_in(self, tx: Tx, message_id: int) -> PrivateText | None: ...

    async def order_again_in(
        self, tx: Tx, message_id: int, *, key: str, now: datetime
    ) -> SendOrder: ...


class Delivery(Protocol):
    """How an address is stopped."""

    async def opt_out_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        address_ids: list[int],
        decision: Decision,
        *,
        now: datetime,
    ) -> object: ...

    async def settle(self, organization_id: OrganizationId, address_ids: list[int]) -> int: ...
