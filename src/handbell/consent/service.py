"""Records decisions and answers what holds; the only way to consent from outside."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from handbell.consent import ledger, store
from handbell.consent.errors import (
    AddressNotFound,
    DecisionInTheFuture,
    GrantNeedsClass,
    RegistrationCoversCareOnly,
)
from handbell.consent.types import (
    Altered,
    ClassState,
    Decision,
    Entry,
    Kind,
    LedgerCheck,
    LedgerFlaw,
    Method,
    Verdict,
)
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import MessageClass

fold = ledger.fold
ledgers_in = store.entries_of
verify_chain = ledger.verify
stopped_since = store.stopped_since
suppressed_hashes = store.suppressed_hashes


async def record(
    tx: Tx,
    organization_id: OrganizationId,
    address_id: int,
    decision: Decision,
    *,
    now: datetime,
) -> Entry:
    """Append one decision to the address's ledger; repeating it changes nothing.

    Holds the address's row until the transaction ends, so two decisions never fork the chain.
    """
    _check(decision, now=now)
    address = await store.lock_address(tx, address_id)
    if address is None:
        raise AddressNotFound("There is no such address.", address_id=address_id)
    entries = (await store.entries_of(tx, [address_id]))[address_id]
    if earlier := _find_same(entries, decision):
        return earlier
    entry = _next_entry(entries, decision, address_id=address_id, now=now)
    await store.append(tx, organization_id, address_id, entry)
    await _update_suppression(tx, organization_id, address, [*entries, entry])
    return entry


async def record_registration(
    tx: Tx,
    organization_id: OrganizationId,
    address_id: int,
    *,
    source: str,
    at: datetime,
    now: datetime,
) -> None:
    """Record that the address was given at registration: express consent for care on it.

    Said once; an address that has said anything before, or was stopped, stays as it is.
    """
    address = await store.lock_address(tx, address_id)
    if address is None:
        raise AddressNotFound("There is no such address.", address_id=address_id)
    known = (await store.entries_of(tx, [address_id]))[address_id]
    if known or await store.suppressed_hashes(tx, address[0], [address[1]]):
        return
    decision = Decision(
        kind=Kind.GRANT,
        message_class=MessageClass.CARE,
        method=Method.PROVIDED_AT_REGISTRATION,
        source=source,
        actor=source,
        at=min(at, now),
    )
    entry = _next_entry([], decision, address_id=address_id, now=now)
    await store.append(tx, organization_id, address_id, entry)


async def states_in(
    tx: Tx, address_ids: Iterable[int]
) -> dict[int, dict[MessageClass, ClassState]]:
    """What holds per address and class; a class that nobody decided on is absent."""
    ledgers = await store.entries_of(tx, address_ids)
    return {address_id: ledger.fold(entries) for address_id, entries in ledgers.items()}


def fold_told(told: Iterable[Mapping[str, Any]]) -> dict[MessageClass, ClassState]:
    """What holds per class, from entries as JSON: `no, kind, message_class, method,
    text_version, at`."""
    return ledger.fold(_to_entry(one) for one in told)


def _to_entry(told: Mapping[str, Any]) -> Entry:
    at = datetime.fromisoformat(told["at"])
    decision = Decision(
        kind=Kind(told["kind"]),
        message_class=MessageClass(told["message_class"]) if told["message_class"] else None,
        method=Method(told["method"]),
        source="",
        actor="",
        at=at,
        text_version=told["text_version"],
    )
    return Entry(no=told["no"], decision=decision, recorded_at=at, hash=b"")


class ConsentService:
    """The consent ledger of one organisation at a time."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def grant(
        self,
        organization_id: OrganizationId,
        address_id: int,
        decision: Decision,
        *,
        now: datetime,
    ) -> Entry:
        """Record consent for one class; it lifts an earlier stop of the address."""
        granted = replace(decision, kind=Kind.GRANT)
        async with self.db.transaction(organization_id) as tx:
            return await record(tx, organization_id, address_id, granted, now=now)

    async def revoke(
        self,
        organization_id: OrganizationId,
        address_id: int,
        decision: Decision,
        *,
        now: datetime,
    ) -> Entry:
        """Record an opt-out; without a class it stops the address for everybody who has it."""
        revoked = replace(decision, kind=Kind.REVOKE)
        async with self.db.transaction(organization_id) as tx:
            return await record(tx, organization_id, address_id, revoked, now=now)

    async def states(
        self, organization_id: OrganizationId, address_id: int
    ) -> dict[MessageClass, ClassState]:
        async with self.db.transaction(organization_id) as tx:
            return (await states_in(tx, [address_id]))[address_id]

    async def history(self, organization_id: OrganizationId, address_id: int) -> list[Entry]:
        async with self.db.transaction(organization_id) as tx:
            return (await store.entries_of(tx, [address_id]))[address_id]

    async def verify_all(self) -> LedgerCheck:
        """Check the chain of every address of every organisation.

        An entry that was changed, or is missing before a later one, is found. That the newest
        entries of a ledger were cut off is not.
        """
        ledgers, entries = 0, 0
        flaws: list[LedgerFlaw] = []
        async with self.db.engine_transaction() as tx:
            async for owner, address_id, written in store.all_ledgers(tx):
                ledgers += 1
                entries += len(written)
                verdict = ledger.verify(written, address_id=address_id)
                if isinstance(verdict, Altered):
                    flaw = LedgerFlaw(organization_id=owner, address_id=address_id, no=verdict.no)
                    flaws.append(flaw)
        return LedgerCheck(ledgers=ledgers, entries=entries, flaws=tuple(flaws))

    async def verify(self, organization_id: OrganizationId, address_id: int) -> Verdict:
        """Check the chain of one address and name the first altered entry."""
        entries = await self.history(organization_id, address_id)
        return verify_chain(entries, address_id=address_id)


def _check(decision: Decision, *, now: datetime) -> None:
    if decision.at > now:
        raise DecisionInTheFuture("The decision lies in the future.", field="at")
    if decision.kind is Kind.REVOKE:
        return
    if decision.message_class is None:
        raise GrantNeedsClass("A grant names a class of messages.", field="message_class")
    at_registration = decision.method is Method.PROVIDED_AT_REGISTRATION
    if at_registration and decision.message_class is not MessageClass.CARE:
        raise RegistrationCoversCareOnly(
            "An address given at registration covers care only.", field="message_class"
        )


def _find_same(entries: Iterable[Entry], decision: Decision) -> Entry | None:
    return next((entry for entry in entries if entry.decision == decision), None)


def _next_entry(
    entries: list[Entry], decision: Decision, *, address_id: int, now: datetime
) -> Entry:
    no = len(entries) + 1
    previous = entries[-1].hash if entries else ledger.FIRST_HASH
    digest = ledger.chain_hash(previous, decision, address_id=address_id, no=no, recorded_at=now)
    return Entry(no=no, decision=decision, recorded_at=now, hash=digest)


async def _update_suppression(
    tx: Tx, organization_id: OrganizationId, address: tuple[str, bytes], entries: list[Entry]
) -> None:
    latest = entries[-1].decision
    if ledger.lifts_suppression(latest):
        await store.lift(tx, address, at=latest.at)
    elif (stop := ledger.suppression(entries)) and latest.message_class is None:
        since, lifted_at = stop
        await store.suppress(tx, organization_id, address, since=since, lifted_at=lifted_at)
