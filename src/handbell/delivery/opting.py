"""Opting out: the one way to do it. What is queued dies, what is in flight is waited for."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, true

from handbell.consent import service as consent
from handbell.consent.types import Decision
from handbell.delivery.types import OptedOut
from handbell.messages.service import withdraw

# allow public-files: an opt-out ends what is pending for its addresses
from handbell.messages.tables import MessageRow
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import ANSWERED_AFTER_STOP, MessageClass

FRESH: Final = timedelta(hours=24)
"""A second STOP within this gets no second confirmation (regulation.md)."""
PATIENCE_SECONDS: Final = 10.0
"""Longest wait for attempts in flight: a provider call has as long in all."""
_PAUSE_SECONDS: Final = 0.01
_LONGEST_PAUSE_SECONDS: Final = 0.16
"""Each look takes a connection: many STOPs at once that look often keep each other waiting."""


async def opt_out_in(
    tx: Tx,
    organization_id: OrganizationId,
    address_ids: Sequence[int],
    decision: Decision,
    *,
    keys: KeyRing,
    now: datetime,
) -> OptedOut:
    """Write the revocation for each address and end what is pending for them: of its class, or
    of all where it names none, or a rule makes it reach all.

    Holds the address rows, in the order of their ids, until the transaction ends: a worker
    that comes later waits, and then sees the stop.
    """
    ids = sorted(set(address_ids))
    stopped_at = [await consent.stopped_since(tx, address_id) for address_id in ids]
    reach = decision.message_class
    for address_id in ids:
        written = await consent.record(
            tx, organization_id, address_id, decision, keys=keys, now=now
        )
        reach = written.decision.message_class
    concerned = true() if reach is None else MessageRow.message_class == reach
    exempt = (MessageRow.message_class == MessageClass.EMERGENCY) | (
        MessageRow.purpose.in_(ANSWERED_AFTER_STOP)
    )
    ended = await withdraw(
        tx,
        MessageRow.address_id.in_(ids) & concerned & ~exempt,
        becomes=Lifecycle.REFUSED,
        reason=Reason.OPTED_OUT,
        now=now,
    )
    is_repeated = any(at is not None and at > now - FRESH for at in stopped_at)
    return OptedOut(address_ids=tuple(ids), withdrawn=len(ended), is_first=not is_repeated)


async def settle(db: Database, organization_id: OrganizationId, address_ids: Sequence[int]) -> int:
    """Wait until no attempt to the addresses is in flight, at most ten seconds; give the
    number of those that still are."""
    statement = (
        select(func.count())
        .select_from(MessageRow)
        .where(MessageRow.address_id.in_(address_ids), MessageRow.lifecycle == Lifecycle.SENDING)
    )
    give_up, pause = asyncio.get_running_loop().time() + PATIENCE_SECONDS, _PAUSE_SECONDS
    while True:
        async with db.transaction(organization_id) as tx:
            in_flight: int = (await tx.execute(statement)).scalar_one()
        if in_flight == 0 or asyncio.get_running_loop().time() > give_up:
            return in_flight
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
