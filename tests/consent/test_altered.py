"""Whoever rewrites, removes or forges an entry is found, and the entry is named."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from tests.consent.conftest import NOW, Ledger, number_of

from handbell.audit.service import AuditService
from handbell.audit.types import Finding
from handbell.consent.service import ConsentService, WitnessSource
from handbell.consent.types import Altered, Fault, Intact, LedgerFlaw
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId

FLIPS = {
    "no": "no = 40",
    "kind": "kind = 'revoke'",
    "message_class": "message_class = 'cara'",
    "method": "method = 'verbal'",
    "source": "source = 'portam'",
    "text_version": "text_version = 'care-0'",
    "evidence": "evidence = 'form/6'",
    "ip": "ip = '192.0.2.6'",
    "actor": "actor = 'patiens'",
    "at": "at = at + interval '1 microsecond'",
    "recorded_at": "recorded_at = recorded_at - interval '1 microsecond'",
    "hash": "hash = set_byte(hash, 31, get_byte(hash, 31) # 1)",
    "details": "details = '{}'",
    "organization_id": "organization_id = (SELECT max(id) FROM organizations)",
    "address_id": "address_id = (SELECT max(id) FROM addresses)",
}
NEVER_CHANGES = {"id"}
"""Generated, and the database refuses to set it."""


@pytest.fixture
async def strangers_address(
    db: Database, keys: KeyRing, organization: OrganizationId, other_organization: OrganizationId
) -> int:
    """A second number, so that there is an address to move an entry to."""
    assert other_organization
    return await number_of(db, keys, organization, "+12125550124")


async def test_no_column_of_the_ledger_is_left_out(ledger: Ledger) -> None:
    owner = await asyncpg.connect(ledger.owner_url)
    columns = await owner.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'consent_entries'"
    )
    await owner.close()
    assert {row["column_name"] for row in columns} == FLIPS.keys() | NEVER_CHANGES


@pytest.mark.requirement("R7.5")
async def test_one_flipped_byte_in_any_column_names_the_entry(
    ledger: Ledger, strangers_address: int
) -> None:
    assert strangers_address
    await ledger.write(4)
    assert await ledger.service.verify(ledger.organization, ledger.address) == Intact(entries=4)
    assert (await ledger.service.verify_all()).flaws == ()
    owner = await asyncpg.connect(ledger.owner_url)
    for column, flip in FLIPS.items():
        flipping = owner.transaction()
        await flipping.start()
        entry = await owner.fetchrow("DELETE FROM consent_entries WHERE no = 3 RETURNING *")
        await flipping.rollback()
        assert entry is not None
        await owner.execute(f"UPDATE consent_entries SET {flip} WHERE no = 3")  # noqa: S608
        found = (await ledger.service.verify_all()).flaws
        await _put_back(owner, column, entry)
        assert [(one.address_id, one.no) for one in found if one.no == 3] == [
            (ledger.address, 3)
        ], column
    assert (await ledger.service.verify_all()).flaws == ()
    await owner.close()


async def _put_back(owner: Any, column: str, entry: Any) -> None:
    statement = f"UPDATE consent_entries SET {column} = $1 WHERE id = $2"  # noqa: S608
    await owner.execute(statement, entry[column], entry["id"])


@pytest.mark.requirement("R7.4", "R7.5")
async def test_an_entry_that_cannot_be_read_counts_as_a_stop_and_a_stop_can_follow_it(
    ledger: Ledger,
) -> None:
    (entry,) = await ledger.write(1)
    await ledger.tamper("UPDATE consent_entries SET message_class = 'cara'")
    states = await ledger.service.states(ledger.organization, ledger.address)
    assert not any(state.granted for state in states.values())
    stop = replace(entry.decision, message_class=None, at=NOW)
    await ledger.service.revoke(ledger.organization, ledger.address, stop, now=NOW)
    assert await ledger.service.verify(ledger.organization, ledger.address) == Altered(no=1)


@pytest.mark.requirement("R7.5")
@pytest.mark.parametrize(("gone", "first"), [("no = 2", 2), ("no IN (2, 3)", 2), ("no = 1", 1)])
async def test_a_deleted_middle_is_named(ledger: Ledger, gone: str, first: int) -> None:
    await ledger.write(4)
    await ledger.tamper(f"DELETE FROM consent_entries WHERE {gone}")  # noqa: S608
    flaw = Altered(no=first, fault=Fault.MISSING)
    assert await ledger.service.verify(ledger.organization, ledger.address) == flaw


@pytest.mark.requirement("R7.5")
@pytest.mark.parametrize("left", [3, 1, 0])
async def test_a_cut_tail_is_named_though_the_chain_still_holds(ledger: Ledger, left: int) -> None:
    await ledger.write(4)
    await ledger.tamper("DELETE FROM consent_entries WHERE no > $1", left)
    assert (await ledger.service.verify_all()).flaws == (
        LedgerFlaw(
            organization_id=ledger.organization,
            address_id=ledger.address,
            no=left + 1,
            fault=Fault.MISSING,
        ),
    )


@pytest.mark.requirement("R7.5")
async def test_an_entry_that_came_past_the_engine_is_named_though_its_hash_is_right(
    ledger: Ledger, db: Database, keys: KeyRing
) -> None:
    await ledger.write(2)
    await ledger.write(3)
    await ledger.tamper("DELETE FROM consent_witnesses WHERE no = 3")
    flaw = Altered(no=3, fault=Fault.UNWITNESSED)
    assert await ledger.service.verify(ledger.organization, ledger.address) == flaw
    forger = KeyRing(encryption_key="another key", lookup_key="x")
    forged = await number_of(db, keys, ledger.organization, "+12125550125")
    await ConsentService(db, forger).grant(
        ledger.organization, forged, (await ledger.write(1))[0].decision, now=NOW
    )
    assert await ledger.service.verify(ledger.organization, forged) == Altered(
        no=1, fault=Fault.UNWITNESSED
    )


@pytest.mark.requirement("R7.5")
async def test_who_cuts_the_witnesses_too_is_found_by_the_audit_log(
    ledger: Ledger, db: Database, keys: KeyRing
) -> None:
    audit = AuditService(db, keys)
    audit.add_source(WitnessSource(audit))
    await ledger.write(4)
    assert await audit.seal_once(now=NOW) is not None
    assert (await audit.verify()).intact
    await ledger.tamper("DELETE FROM consent_entries WHERE no = 4")
    await ledger.tamper("DELETE FROM consent_witnesses WHERE no = 4")
    flaw = (await audit.verify()).flaw
    assert flaw is not None
    assert flaw.finding is Finding.ENTRY_MISSING


@pytest.mark.requirement("R7.5")
async def test_an_altered_witness_is_found_by_the_audit_log_and_named_by_the_ledger(
    ledger: Ledger, db: Database, keys: KeyRing
) -> None:
    audit = AuditService(db, keys)
    audit.add_source(WitnessSource(audit))
    await ledger.write(2)
    await ledger.tamper("UPDATE consent_witnesses SET actor = 'nobody' WHERE no = 2")
    flaw = (await audit.verify()).flaw
    assert flaw is not None
    assert (flaw.finding, flaw.source) == (Finding.ENTRY_ALTERED, "consent_witnesses")
    assert (await ledger.service.verify_all()).flaws[0].no == 2


async def test_the_ledgers_of_all_organisations_are_checked(
    ledger: Ledger, db: Database, keys: KeyRing, other_organization: OrganizationId
) -> None:
    entry, *_ = await ledger.write(3)
    theirs = await number_of(db, keys, other_organization)
    await ledger.service.grant(other_organization, theirs, entry.decision, now=NOW)
    whole = await ledger.service.verify_all()
    assert (whole.ledgers, whole.entries, whole.flaws) == (2, 4, ())
    await ledger.tamper("UPDATE consent_entries SET ip = NULL WHERE address_id = $1", theirs)
    (flaw,) = (await ledger.service.verify_all()).flaws
    assert (flaw.organization_id, flaw.address_id, flaw.no) == (other_organization, theirs, 1)
