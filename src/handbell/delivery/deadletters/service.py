"""After a failure: another channel, else the list; and what people do with what lies there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from handbell.audit.types import AuditEntry, SubjectIds
from handbell.channels.service import failure_of
from handbell.delivery.deadletters import store
from handbell.delivery.deadletters.errors import DeadLetterClosed, DeadLetterNotFound
from handbell.delivery.deadletters.policy import fix_of
from handbell.delivery.deadletters.types import (
    DeadLetter,
    Fix,
    Group,
    GroupRetried,
    Retried,
    State,
    Tried,
    Wanted,
)
from handbell.messages.service import MessageService, chain_of
from handbell.messages.types import Admission
from handbell.platform.db import Database, OrganizationId, Tx

FALL_BACK_TOPIC: Final = "delivery.fall_back"
"""Work of the outbox: `message_id` failed for good."""
AT_ONCE: Final = 500
"""Letters of a group that one request retries."""
WORKER: Final = "worker"


class DeadLetterService:
    """Nothing that failed is forgotten: it takes another channel or waits for a person."""

    def __init__(self, db: Database, messages: MessageService) -> None:
        self.db = db
        self.messages = messages

    async def fall_back(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Order a failed message on another channel, else put it into the list. Safe to run
        twice: the order's key and the letter's message are unique."""
        async with self.db.transaction(organization_id) as tx:
            failed = await store.lock_failed(tx, int(args["message_id"]))
            if failed is not None:
                await self.fall_back_in(tx, organization_id, failed, now=now)

    async def fall_back_in(
        self, tx: Tx, organization_id: OrganizationId, failed: store.Failed, *, now: datetime
    ) -> None:
        other = await self.messages.fall_back_in(tx, organization_id, failed.message_id, now=now)
        if isinstance(other, Admission):
            subject: SubjectIds = {
                "message_id": failed.message_id,
                "falls_back_to": other.message_id,
                "channel": other.channel,
            }
            await self._note(tx, organization_id, "message.fell_back", subject, WORKER, now=now)
            return
        fix = fix_of(failed.provider, failed.code, failure_of(failed.provider, failed.code))
        buried = await store.bury(
            tx, organization_id, failed, fix=fix, no_other_channel=other.reasons, now=now
        )
        if buried is not None:
            subject = {"dead_letter_id": buried, "message_id": failed.message_id, "fix": fix}
            await self._note(tx, organization_id, "dead_letter.added", subject, WORKER, now=now)

    async def list_letters(
        self, organization_id: OrganizationId, wanted: Wanted, *, actor: str, now: datetime
    ) -> tuple[list[DeadLetter], int]:
        """A page of the list, the soonest visit first, and how many there are."""
        async with self.db.transaction(organization_id) as tx:
            found, total = await store.list_letters(tx, wanted)
            subject = {"patient_ids": sorted({one.patient_id for one in found})}
            await self._note(tx, organization_id, "dead_letters.listed", subject, actor, now=now)
        return found, total

    async def groups(self, organization_id: OrganizationId, *, now: datetime) -> list[Group]:
        """How many wait for what; counts only, nobody's data."""
        async with self.db.transaction(organization_id) as tx:
            return await store.list_groups(tx, now=now)

    async def get(
        self, organization_id: OrganizationId, dead_letter_id: int, *, actor: str, now: datetime
    ) -> tuple[DeadLetter, list[Tried]]:
        """One letter with every attempt on every channel. Raises `DeadLetterNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            found = await _get(tx, dead_letter_id)
            chain = await chain_of(tx, found.message_id)
            attempts = await store.tried(tx, chain.message_ids)
            subject: SubjectIds = {
                "dead_letter_id": dead_letter_id,
                "patient_ids": [found.patient_id],
            }
            await self._note(tx, organization_id, "dead_letter.read", subject, actor, now=now)
        return found, attempts

    async def retry(
        self, organization_id: OrganizationId, dead_letter_id: int, *, actor: str, now: datetime
    ) -> Retried:
        """Send it once more, through the gate. What the gate refuses stays in the list.

        Raises `DeadLetterNotFound` or `DeadLetterClosed`.
        """
        async with self.db.transaction(organization_id) as tx:
            found = await _get(tx, dead_letter_id, hold=True)
            if found.state is not State.OPEN:
                raise DeadLetterClosed(dead_letter_id, found.state)
            return await self._retry_in(tx, organization_id, found, actor=actor, now=now)

    async def _retry_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        found: DeadLetter,
        *,
        actor: str,
        now: datetime,
    ) -> Retried:
        key = f"replay:{found.id}"
        made = await self.messages.replay_in(
            tx, organization_id, found.message_id, key=key, now=now
        )
        if not isinstance(made, Admission):
            refused = Retried(dead_letter_id=found.id, message_id=None, reasons=made.reasons)
            subject: SubjectIds = {"dead_letter_id": found.id, "message_id": found.message_id}
            name = "dead_letter.retry_refused"
            await self._note(tx, organization_id, name, subject, actor, now=now)
            return refused
        await store.close(
            tx,
            found.id,
            becomes=State.RETRIED,
            actor=actor,
            now=now,
            replay_message_id=made.message_id,
        )
        subject = {"dead_letter_id": found.id, "message_id": made.message_id}
        await self._note(tx, organization_id, "dead_letter.retried", subject, actor, now=now)
        return Retried(dead_letter_id=found.id, message_id=made.message_id)

    async def retry_group(
        self, organization_id: OrganizationId, fix: Fix, *, actor: str, now: datetime
    ) -> GroupRetried:
        """Retry what one repair has mended, each in a transaction of its own, 500 at most."""
        async with self.db.transaction(organization_id) as tx:
            ids = await store.open_ids(tx, fix, limit=AT_ONCE + 1)
        made = []
        for dead_letter_id in ids[:AT_ONCE]:
            try:
                one = await self.retry(organization_id, dead_letter_id, actor=actor, now=now)
            except DeadLetterClosed:
                continue
            made.append(one)
        return GroupRetried(retried=tuple(made), is_more=len(ids) > AT_ONCE)

    async def discard(
        self, organization_id: OrganizationId, dead_letter_id: int, *, actor: str, now: datetime
    ) -> None:
        """Take it off the list without sending; doing so twice is fine. Raises
        `DeadLetterNotFound` or `DeadLetterClosed`."""
        async with self.db.transaction(organization_id) as tx:
            found = await _get(tx, dead_letter_id, hold=True)
            if found.state is State.DISCARDED:
                return
            if found.state is not State.OPEN:
                raise DeadLetterClosed(dead_letter_id, found.state)
            await store.close(tx, found.id, becomes=State.DISCARDED, actor=actor, now=now)
            subject = {"dead_letter_id": found.id, "message_id": found.message_id}
            name = "dead_letter.discarded"
            await self._note(tx, organization_id, name, subject, actor, now=now)

    async def _note(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        action: str,
        subject: SubjectIds,
        actor: str,
        *,
        now: datetime,
    ) -> None:
        entry = AuditEntry(
            organization_id=organization_id, at=now, actor=actor, action=action, subject=subject
        )
        await self.messages.audit.record(tx, entry)


async def _get(tx: Tx, dead_letter_id: int, *, hold: bool = False) -> DeadLetter:
    found = await store.find(tx, dead_letter_id, hold=hold)
    if found is None:
        raise DeadLetterNotFound(dead_letter_id)
    return found
