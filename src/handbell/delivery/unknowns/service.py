"""Settles lost answers: by callbacks, by the provider's list, by age, or by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

from handbell.audit.types import AuditEntry, SubjectIds
from handbell.channels.service import lines_in
from handbell.channels.types import Line, Lookup, Sought
from handbell.delivery.unknowns import store
from handbell.delivery.unknowns.errors import AttemptAlreadySettled, UnknownAttemptNotFound
from handbell.delivery.unknowns.policy import ask_again_at, next_step
from handbell.delivery.unknowns.store import Open, Settled
from handbell.delivery.unknowns.types import (
    Close,
    Doubt,
    LookUp,
    OtherChannel,
    Resend,
    Settlement,
    Step,
    UnknownAttempt,
    Verdict,
    Wait,
)
from handbell.messages.service import MessageService, sent_of, withdraw_fall_back
from handbell.messages.types import Admission
from handbell.platform import outbox
from handbell.platform.db import Database, OrganizationId, Tx

SETTLE_TOPIC: Final = "delivery.settle"
"""Work of the outbox: `attempt_id` has an unknown outcome."""
WORKER: Final = "worker"


class Lookups(Protocol):
    """Whom an organisation can ask: a look-up for each account, by the account's id."""

    async def of(self, organization_id: OrganizationId) -> Mapping[int, Lookup]: ...


async def leave_doubts(
    tx: Tx,
    messages: MessageService,
    doubts: Sequence[tuple[OrganizationId, int]],
    *,
    now: datetime,
) -> None:
    """Settle new unknown attempts of which a callback has told already; leave the others as
    work to be looked into at once."""
    heard = await store.settle_heard(tx, [attempt_id for _, attempt_id in doubts], now=now)
    await note_all(tx, messages, heard, Settlement.CALLBACK, by="provider", now=now)
    known = {one.attempt_id for one in heard}
    for organization_id, attempt_id in doubts:
        if attempt_id not in known:
            args = {"attempt_id": attempt_id}
            await outbox.add(tx, organization_id, SETTLE_TOPIC, args, now=now)


async def settle_by_callback(
    tx: Tx, messages: MessageService, attempt_ids: Sequence[int], *, now: datetime
) -> list[int]:
    """A callback has named these attempts: those that were unknown are settled, however late
    it is. Give their messages."""
    heard = await store.settle_heard(tx, attempt_ids, now=now)
    await note_all(tx, messages, heard, Settlement.CALLBACK, by="provider", now=now)
    return [one.message_id for one in heard]


async def note_all(
    tx: Tx,
    messages: MessageService,
    settled: Sequence[Settled],
    settlement: Settlement,
    *,
    by: str,
    now: datetime,
) -> None:
    """Each settlement is an entry of the audit log."""
    entries = [_entry(one, settlement, by=by, now=now) for one in settled]
    await messages.audit.record_many(tx, entries)


def _entry(one: Settled, settlement: Settlement, *, by: str, now: datetime) -> AuditEntry:
    subject: SubjectIds = {
        "message_id": one.message_id,
        "no": one.no,
        "settlement": settlement.value,
    }
    return AuditEntry(
        organization_id=OrganizationId(one.organization_id),
        at=now,
        actor=by,
        action="attempt.settled",
        subject=subject,
    )


class UnknownService:
    """Looks after unknown attempts. Several workers may work on one: the row's lock decides."""

    def __init__(
        self, db: Database, messages: MessageService, lookups: Lookups | None = None
    ) -> None:
        self.db = db
        self.messages = messages
        self.lookups = lookups

    async def settle(
        self, organization_id: OrganizationId, args: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Do what is due about one unknown attempt, and leave the next step as work.

        The provider is asked between two transactions. Safe to run twice: what a second run
        finds counted or settled it leaves alone.
        """
        attempt_id = int(args["attempt_id"])
        known = await self.lookups.of(organization_id) if self.lookups else {}
        async with self.db.transaction(organization_id) as tx:
            found = await store.lock_open(tx, attempt_id)
            if found is None:
                return
            line = await _line_of(tx, organization_id, found)
            lookup = known.get(line.account_id) if line else None
            doubt = _askable(found.doubt, lookup)
            step = next_step(doubt, now=now)
            if line is None or lookup is None or not isinstance(step, LookUp):
                await self._do(tx, organization_id, found, step, now=now)
                return
            sought = await self._sought(tx, found, line)
        refs = await lookup.find(sought) if sought else None
        async with self.db.transaction(organization_id) as tx:
            again = await store.lock_open(tx, attempt_id)
            if again is not None and again.doubt.looks == doubt.looks:
                again = replace(again, doubt=_askable(again.doubt, lookup))
                await self._learn(tx, organization_id, again, refs, now=now)

    async def _sought(self, tx: Tx, found: Open, line: Line) -> Sought | None:
        sent = await sent_of(tx, self.messages.keys, found.attempt.attempt_id)
        if sent is None:
            return None
        to, text = sent
        return Sought(
            sender=line.sender,
            to=to,
            text=text,
            started_at=found.started_at,
            attempt_token=found.token,
        )

    async def _learn(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        found: Open,
        refs: Sequence[str] | None,
        *,
        now: datetime,
    ) -> None:
        """Take what the provider's list says; None is that it could not be asked."""
        if refs is None:
            step = next_step(_unaskable(found.doubt), now=now)
            again_at = ask_again_at(found.doubt, now=now)
            await self._do(tx, organization_id, found, step, now=now, again_at=again_at)
            return
        known = await store.known_refs(tx, refs)
        ours = next((ref for ref in refs if ref not in known), None)
        if ours is not None:
            await self._take(
                tx, found.attempt, Settlement.PROVIDER_LIST, by=WORKER, now=now, ref=ours
            )
            return
        await store.count_look(tx, found.attempt.attempt_id)
        doubt = replace(found.doubt, looks=found.doubt.looks + 1)
        await self._do(tx, organization_id, found, next_step(doubt, now=now), now=now)

    async def _do(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        found: Open,
        step: Step,
        *,
        now: datetime,
        again_at: datetime | None = None,
    ) -> None:
        match step:
            case Close():
                await self._settle(tx, found.attempt, Settlement.CLOSED, by=WORKER, now=now)
            case Resend():
                await self._send_again(tx, found, Settlement.NOT_FOUND, by=WORKER, now=now)
            case OtherChannel():
                await self._take_other(tx, organization_id, found, now=now)
                rest = replace(found.doubt, has_fallen_back=True)
                await self._come_back(
                    tx, organization_id, found, next_step(rest, now=now), again_at, now=now
                )
            case _:
                await self._come_back(tx, organization_id, found, step, again_at, now=now)

    async def _come_back(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        found: Open,
        step: Step,
        again_at: datetime | None,
        *,
        now: datetime,
    ) -> None:
        until = step.until if isinstance(step, Wait) else now
        at = until if again_at is None else min(until, again_at)
        args = {"attempt_id": found.attempt.attempt_id}
        await outbox.add(tx, organization_id, SETTLE_TOPIC, args, now=now, not_before=at)

    async def _take_other(
        self, tx: Tx, organization_id: OrganizationId, found: Open, *, now: datetime
    ) -> None:
        message_id = found.attempt.message_id
        other = await self.messages.fall_back_in(tx, organization_id, message_id, now=now)
        if isinstance(other, Admission):
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=WORKER,
                action="message.fell_back",
                subject={"message_id": message_id, "falls_back_to": other.message_id},
            )
            await self.messages.audit.record(tx, entry)

    async def _settle(
        self, tx: Tx, attempt: Settled, settlement: Settlement, *, by: str, now: datetime
    ) -> None:
        await store.settle(tx, attempt, settlement, by=by, now=now)
        await note_all(tx, self.messages, [attempt], settlement, by=by, now=now)
        await store.release(tx, [attempt.address_id], now=now)

    async def _take(
        self,
        tx: Tx,
        attempt: Settled,
        settlement: Settlement,
        *,
        by: str,
        now: datetime,
        ref: str | None = None,
    ) -> None:
        await store.settle(tx, attempt, settlement, by=by, now=now, provider_ref=ref)
        await store.take(tx, [attempt], now=now)
        await withdraw_fall_back(tx, [attempt.message_id], now=now)
        await note_all(tx, self.messages, [attempt], settlement, by=by, now=now)

    async def _send_again(
        self, tx: Tx, found: Open, settlement: Settlement, *, by: str, now: datetime
    ) -> None:
        """Back into the queue, where the gate decides. One that has taken another channel in
        the meantime is not needed on this one."""
        await self._settle(tx, found.attempt, settlement, by=by, now=now)
        if found.doubt.has_fallen_back:
            await store.give_up(tx, found.attempt, now=now)
            return
        await store.send_again(tx, found.attempt, now=now)
        await outbox.wake(tx)

    async def list_unknown(
        self,
        organization_id: OrganizationId,
        settlement: Settlement | None,
        page: tuple[int, int],
        *,
        actor: str,
        now: datetime,
    ) -> tuple[list[UnknownAttempt], int]:
        """A page (limit, offset) of open ones, or of those settled in one way, and how many."""
        async with self.db.transaction(organization_id) as tx:
            found, total = await store.list_unknown(
                tx, settlement=settlement, limit=page[0], offset=page[1]
            )
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="unknown_attempts.listed",
                subject={"patient_ids": sorted({one.patient_id for one in found})},
            )
            await self.messages.audit.record(tx, entry)
        return found, total

    async def settle_by_hand(
        self,
        organization_id: OrganizationId,
        attempt_id: int,
        verdict: Verdict,
        *,
        actor: str,
        now: datetime,
    ) -> Settlement:
        """A person has looked at the provider: `sent` ends the doubt, `not_sent` sends it once
        more, through the gate.

        Raises `UnknownAttemptNotFound` or `AttemptAlreadySettled`.
        """
        async with self.db.transaction(organization_id) as tx:
            found = await store.lock_unproven(tx, attempt_id)
            if found is None:
                before = await store.find_settlement(tx, attempt_id)
                if before is None:
                    raise UnknownAttemptNotFound(attempt_id)
                raise AttemptAlreadySettled(attempt_id, before)
            if verdict is Verdict.SENT:
                settlement = Settlement.PERSON_SENT
                await self._take(tx, found.attempt, settlement, by=actor, now=now)
            else:
                settlement = Settlement.PERSON_NOT_SENT
                await self._send_again(tx, found, settlement, by=actor, now=now)
        return settlement


async def _line_of(tx: Tx, organization_id: OrganizationId, found: Open) -> Line | None:
    lines = await lines_in(tx, organization_id)
    return next((line for line in lines if line.id == found.line_id), None)


def _askable(doubt: Doubt, lookup: Lookup | None) -> Doubt:
    return replace(doubt, asks_after=lookup.asks_after if lookup else ())


def _unaskable(doubt: Doubt) -> Doubt:
    """The same, where the provider cannot be asked just now."""
    return replace(doubt, asks_after=())
