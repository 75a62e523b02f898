"""Every ledger beside what the audit log knows of it, address by address."""

from collections.abc import AsyncIterator
from typing import Final

from handbell.consent import ledger, store, witnesses
from handbell.consent.types import Altered, Entry, LedgerCheck, LedgerFlaw, Witness
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx

_NOWHERE: Final = 2**63
"""After every address: where a walk has come to its end."""


async def check_all(tx: Tx, keys: KeyRing) -> LedgerCheck:
    """Verify every ledger of every organisation, holding one ledger at a time."""
    ledgers, entries = 0, 0
    flaws = list[LedgerFlaw]()
    async for owner, address_id, written, known in _side_by_side(tx, keys):
        ledgers += 1
        entries += len(written)
        verdict = ledger.verify(written, known, address_id=address_id)
        if isinstance(verdict, Altered):
            flaw = LedgerFlaw(
                organization_id=owner,
                address_id=address_id,
                no=verdict.no,
                fault=verdict.fault,
            )
            flaws.append(flaw)
    return LedgerCheck(ledgers=ledgers, entries=entries, flaws=tuple(flaws))


async def _side_by_side(
    tx: Tx, keys: KeyRing
) -> AsyncIterator[tuple[int, int, list[Entry], list[Witness]]]:
    """Owner, address, entries and witnesses; either of the last two may be empty."""
    written = store.all_ledgers(tx)
    known = witnesses.all_witnesses(tx, keys)
    one, other = await anext(written, None), await anext(known, None)
    while one is not None or other is not None:
        written_at = one[1] if one else _NOWHERE
        known_at = other[0].address_id if other else _NOWHERE
        entries = one[2] if one and written_at <= known_at else []
        seen = other if other and known_at <= written_at else []
        owner = one[0] if one and entries else seen[0].organization_id
        yield owner, min(written_at, known_at), entries, seen
        if entries:
            one = await anext(written, None)
        if seen:
            other = await anext(known, None)
