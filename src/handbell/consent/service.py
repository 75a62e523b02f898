"""Records decisions and answers what holds; the only way to consent from outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from handbell.consent import agreements, checking, ledger, policy, store, witnesses, wordings
from handbell.consent.errors import (
    AddressNotFound,
    DecisionInTheFuture,
    GrantNeedsClass,
    NeedsText,
    RegistrationCoversCareOnly,
    RiskNamesNoClass,
)
from handbell.consent.rules import load_rules
from handbell.consent.types import (
    OF_RISK,
    Agreement,
    Attested,
    ClassState,
    Decision,
    Entry,
    Kind,
    LedgerCheck,
    Method,
    Verdict,
    Words,
)
from handbell.consent.witnesses import WitnessSource
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.vocabulary import Channel, MessageClass

__all__ = ["ConsentService", "WitnessSource"]

fold = ledger.fold
ledgers_in = store.entries_of
risk_of = ledger.risk
deadline_of = policy.deadline_of
current_rules = load_rules
wordings_in = wordings.of_versions
publish_wording_in = wordings.publish
list_wordings_in = wordings.list_all
stopped_since = store.stopped_since
suppressed_hashes = store.suppressed_hashes


async def record(  # noqa: PLR0913 - the agreement comes on top of what a record takes
    tx: Tx,
    organization_id: OrganizationId,
    address_id: int,
    decision: Decision,
    *,
    keys: KeyRing,
    agreement: Agreement | Attested | None = None,
    now: datetime,
) -> Entry:
    """Append one decision to the address's ledger; repeating it changes nothing.

    Holds the address's row until the transaction ends, so two decisions never fork the chain.
    Marketing by SMS or WhatsApp needs the `agreement`; raises `WrittenConsentIncomplete`.
    """
    _check(decision, now=now)
    address = await store.lock_address(tx, address_id)
    if address is None:
        raise AddressNotFound("There is no such address.", address_id=address_id)
    channel = Channel(address[0])
    decision = policy.widened(decision, channel, load_rules())
    if policy.needs_agreement(decision, channel):
        decision = await agreements.completed(
            tx, organization_id, decision, agreement, address, keys=keys
        )
    entries = (await store.entries_of(tx, [address_id]))[address_id]
    if earlier := _find_same(entries, decision):
        return earlier
    entry = _next_entry(entries, decision, address_id=address_id, now=now)
    await _append(tx, organization_id, address_id, entry, keys=keys, now=now)
    await _update_suppression(tx, organization_id, address, [*entries, entry])
    return entry


async def record_registration(  # noqa: PLR0913 - who told, when, and to whom
    tx: Tx,
    organization_id: OrganizationId,
    address_id: int,
    *,
    source: str,
    at: datetime,
    keys: KeyRing,
    now: datetime,
) -> None:
    """Record that the address was given at registration: express consent for care on it.

    Said once; an address of which consent was given or taken before, or that was stopped,
    stays as it is.
    """
    address = await store.lock_address(tx, address_id)
    if address is None:
        raise AddressNotFound("There is no such address.", address_id=address_id)
    entries = (await store.entries_of(tx, [address_id]))[address_id]
    is_known = bool(ledger.fold(entries))
    if is_known or await store.suppressed_hashes(tx, address[0], [address[1]]):
        return
    decision = Decision(
        kind=Kind.GRANT,
        message_class=MessageClass.CARE,
        method=Method.PROVIDED_AT_REGISTRATION,
        source=source,
        actor=source,
        at=min(at, now),
    )
    entry = _next_entry(entries, decision, address_id=address_id, now=now)
    await _append(tx, organization_id, address_id, entry, keys=keys, now=now)


async def _append(
    tx: Tx,
    organization_id: OrganizationId,
    address_id: int,
    entry: Entry,
    *,
    keys: KeyRing,
    now: datetime,
) -> None:
    await store.append(tx, organization_id, address_id, entry)
    await witnesses.witness(tx, organization_id, address_id, entry, keys=keys, now=now)


async def verify_in(
    tx: Tx, keys: KeyRing, ledgers: Mapping[int, Sequence[Entry]]
) -> dict[int, Verdict]:
    """Whether the ledgers of some addresses are as they were written."""
    known = await witnesses.witnesses_of(tx, keys, ledgers)
    return {
        address_id: ledger.verify(entries, known[address_id], address_id=address_id)
        for address_id, entries in ledgers.items()
    }


async def states_in(
    tx: Tx, address_ids: Iterable[int]
) -> dict[int, dict[MessageClass, ClassState]]:
    """What holds per address and class; a class that nobody decided on is absent."""
    ledgers = await store.entries_of(tx, address_ids)
    return {address_id: ledger.fold(entries) for address_id, entries in ledgers.items()}


def risk_told(told: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the risk of unencrypted messages is acknowledged, from the same entries."""
    spoken = [one for one in told if one["kind"] in OF_RISK]
    state = ledger.risk(map(_to_entry, spoken))
    return state is not None and state.acknowledged


def fold_told(told: Iterable[Mapping[str, Any]]) -> dict[MessageClass, ClassState]:
    """What holds per class, from entries as JSON: `no, kind, message_class, method,
    text_version, at`."""
    return ledger.fold(_to_entry(one) for one in told)


def _to_entry(told: Mapping[str, Any]) -> Entry:
    at = datetime.fromisoformat(told["at"])
    words = Words.read(told["kind"], told["message_class"], told["method"])
    decision = Decision(
        kind=words.kind,
        message_class=words.message_class,
        method=words.method,
        source="",
        actor="",
        at=at,
        text_version=told["text_version"],
    )
    return Entry(no=told["no"], decision=decision, recorded_at=at, hash=b"")


class ConsentService:
    """The consent ledger of one organisation at a time."""

    def __init__(self, db: Database, keys: KeyRing) -> None:
        self.db = db
        self.keys = keys

    async def grant(
        self,
        organization_id: OrganizationId,
        address_id: int,
        decision: Decision,
        *,
        agreement: Agreement | Attested | None = None,
        now: datetime,
    ) -> Entry:
        """Record consent for one class; it lifts an earlier stop of the address.

        Raises `WrittenConsentIncomplete` with every element that a written agreement lacks.
        """
        granted = replace(decision, kind=Kind.GRANT)
        async with self.db.transaction(organization_id) as tx:
            return await record(
                tx,
                organization_id,
                address_id,
                granted,
                keys=self.keys,
                agreement=agreement,
                now=now,
            )

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
            return await record(tx, organization_id, address_id, revoked, keys=self.keys, now=now)

    async def states(
        self, organization_id: OrganizationId, address_id: int
    ) -> dict[MessageClass, ClassState]:
        async with self.db.transaction(organization_id) as tx:
            return (await states_in(tx, [address_id]))[address_id]

    async def history(self, organization_id: OrganizationId, address_id: int) -> list[Entry]:
        async with self.db.transaction(organization_id) as tx:
            return (await store.entries_of(tx, [address_id]))[address_id]

    async def verify_all(self) -> LedgerCheck:
        """Check the ledger of every address of every organisation against its chain and against
        the audit log: an entry that was changed, is gone, or came past the engine is found.

        That somebody cut the audit log as well is for `AuditService.verify` to find.
        """
        async with self.db.engine_transaction() as tx:
            return await checking.check_all(tx, self.keys)

    async def verify(self, organization_id: OrganizationId, address_id: int) -> Verdict:
        """Check the ledger of one address and name the first altered entry."""
        async with self.db.transaction(organization_id) as tx:
            entries = await store.entries_of(tx, [address_id])
            return (await verify_in(tx, self.keys, entries))[address_id]


def _check(decision: Decision, *, now: datetime) -> None:
    if decision.at > now:
        raise DecisionInTheFuture("The decision lies in the future.", field="at")
    if decision.kind is Kind.REVOKE:
        return
    if decision.kind in OF_RISK:
        _check_risk(decision)
        return
    if decision.message_class is None:
        raise GrantNeedsClass("A grant names a class of messages.", field="message_class")
    at_registration = decision.method is Method.PROVIDED_AT_REGISTRATION
    if at_registration and decision.message_class is not MessageClass.CARE:
        raise RegistrationCoversCareOnly(
            "An address given at registration covers care only.", field="message_class"
        )


def _check_risk(decision: Decision) -> None:
    if decision.message_class is not None:
        raise RiskNamesNoClass("The risk is acknowledged for every class.", field="message_class")
    if decision.kind is Kind.ACKNOWLEDGE_RISK and not decision.text_version:
        raise NeedsText("What was acknowledged needs its version.", field="text_version")


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
    elif latest.kind is not Kind.REVOKE or latest.message_class is not None:
        return
    elif stop := ledger.suppression(entries):
        since, lifted_at = stop
        await store.suppress(tx, organization_id, address, since=since, lifted_at=lifted_at)
