"""The log on a real database: written, sealed, tampered with, and the tampering named."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from handbell.audit import merkle
from handbell.audit.errors import SealedEntryNotFound
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry, Finding, Flaw, Head
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId

NOON = datetime(2026, 12, 1, 17, 0, 0, 120, tzinfo=UTC)


@pytest.fixture
def audit(db: Database, keys: KeyRing) -> AuditService:
    return AuditService(db, keys)


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(owner_url)
    yield connection
    await connection.close()


def entry(organization: OrganizationId, patient: int = 1) -> AuditEntry:
    return AuditEntry(
        organization_id=organization,
        at=NOON,
        actor="key:0a1b2c3d",
        action="patient.read",
        subject={"patient_id": patient, "shown": [1, 2]},
    )


async def write(db: Database, audit: AuditService, organization: OrganizationId, n: int) -> None:
    for patient in range(n):
        async with db.transaction(organization) as tx:
            await audit.record(tx, entry(organization, patient))


async def seal(audit: AuditService) -> Head:
    head = await audit.seal_once(now=NOON)
    assert head is not None
    return head


async def two_blocks(db: Database, audit: AuditService, organization: OrganizationId) -> Head:
    await write(db, audit, organization, 3)
    await seal(audit)
    await write(db, audit, organization, 2)
    return await seal(audit)


async def test_an_empty_log_is_intact_and_has_nothing_to_seal(audit: AuditService) -> None:
    assert await audit.seal_once(now=NOON) is None
    found = await audit.verify()
    assert (found.intact, found.blocks, found.entries, found.head) == (True, 0, 0, None)


async def test_sealed_and_unsealed_entries_of_an_honest_log_verify(
    db: Database, audit: AuditService, organization: OrganizationId
) -> None:
    head = await two_blocks(db, audit, organization)
    async with db.transaction(organization) as tx:
        await audit.record_many(tx, [])
        await audit.record_many(tx, [entry(organization, 7), entry(organization, 8)])
    found = await audit.verify(known_head=head)
    assert found.intact
    assert (found.blocks, found.entries, found.unsealed, found.head) == (2, 7, 2, head)


async def test_an_altered_entry_is_named(
    db: Database, audit: AuditService, organization: OrganizationId, owner: asyncpg.Connection
) -> None:
    await two_blocks(db, audit, organization)
    await owner.execute("UPDATE audit_entries SET actor = 'key:ffffffff' WHERE id IN (2, 4)")
    assert (await audit.verify()).flaw == Flaw(
        finding=Finding.ENTRY_ALTERED, block_no=1, source="audit_entries", entry_id=2
    )


async def test_an_altered_entry_that_is_not_sealed_yet_is_named(
    db: Database, audit: AuditService, organization: OrganizationId, owner: asyncpg.Connection
) -> None:
    await write(db, audit, organization, 2)
    await owner.execute("UPDATE audit_entries SET subject = '{\"patient_id\": 9}' WHERE id = 2")
    assert (await audit.verify()).flaw == Flaw(
        finding=Finding.ENTRY_ALTERED, source="audit_entries", entry_id=2
    )


async def test_a_deleted_entry_is_missed_in_its_block(
    db: Database, audit: AuditService, organization: OrganizationId, owner: asyncpg.Connection
) -> None:
    await two_blocks(db, audit, organization)
    await owner.execute("DELETE FROM audit_entries WHERE id = 2")
    assert (await audit.verify()).flaw == Flaw(finding=Finding.ENTRY_MISSING, block_no=1)


async def test_a_replayed_entry_is_found_in_its_block(
    db: Database, audit: AuditService, organization: OrganizationId, owner: asyncpg.Connection
) -> None:
    await two_blocks(db, audit, organization)
    columns = "organization_id, at, actor, action, subject, leaf, mac, xid"
    await owner.execute(
        f"INSERT INTO audit_entries ({columns}) SELECT {columns} FROM audit_entries WHERE id = 4"  # noqa: S608 - two constants
    )
    assert (await audit.verify()).flaw == Flaw(finding=Finding.ENTRY_ADDED, block_no=2)


async def test_a_forged_entry_fails_without_the_key(
    db: Database, audit: AuditService, organization: OrganizationId, owner: asyncpg.Connection
) -> None:
    await write(db, audit, organization, 1)
    await owner.execute(
        "INSERT INTO audit_entries (organization_id, at, actor, action, subject, leaf, mac, xid)"
        " SELECT organization_id, at, actor, action, '{\"patient_id\": 5}', $1, mac, xid"
        " FROM audit_entries WHERE id = 1",
        entry(organization, 5).leaf(),
    )
    flaw = (await audit.verify()).flaw
    assert flaw is not None
    assert (flaw.finding, flaw.entry_id) == (Finding.ENTRY_ALTERED, 2)


async def test_a_cut_tail_shows_against_a_head_noted_elsewhere(
    db: Database, audit: AuditService, organization: OrganizationId, owner: asyncpg.Connection
) -> None:
    head = await two_blocks(db, audit, organization)
    await owner.execute("DELETE FROM audit_blocks WHERE no = 2")
    found = await audit.verify(known_head=head)
    assert found.flaw == Flaw(finding=Finding.BLOCK_MISSING, block_no=2)


async def test_a_missing_first_block_and_a_changed_root_are_named(
    db: Database, audit: AuditService, organization: OrganizationId, owner: asyncpg.Connection
) -> None:
    await two_blocks(db, audit, organization)
    await owner.execute("UPDATE audit_blocks SET root = sha256('x') WHERE no = 2")
    flaw = (await audit.verify()).flaw
    assert flaw == Flaw(finding=Finding.BLOCK_ALTERED, block_no=2)
    await owner.execute("DELETE FROM audit_blocks WHERE no = 1")
    flaw = (await audit.verify()).flaw
    assert flaw == Flaw(finding=Finding.BLOCK_MISSING, block_no=1)


@pytest.mark.parametrize(
    "act", ["UPDATE audit_entries SET actor = ''", "DELETE FROM audit_entries"]
)
async def test_the_application_can_neither_change_nor_delete_entries(
    db: Database, audit: AuditService, organization: OrganizationId, act: str
) -> None:
    await write(db, audit, organization, 1)
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with db.transaction(organization) as tx:
            await tx.execute(text(act))


async def test_a_transaction_that_ends_late_is_sealed_late_and_not_lost(
    db: Database, audit: AuditService, organization: OrganizationId
) -> None:
    async with db.transaction(organization) as slow:
        await audit.record(slow, entry(organization, 100))
        await write(db, audit, organization, 3)
        assert await audit.seal_once(now=NOON) is None
    await seal(audit)
    found = await audit.verify()
    assert (found.intact, found.entries, found.unsealed) == (True, 4, 0)


async def test_an_organisation_proves_its_own_entry_and_no_other(
    db: Database,
    audit: AuditService,
    organization: OrganizationId,
    other_organization: OrganizationId,
) -> None:
    await write(db, audit, organization, 2)
    await write(db, audit, other_organization, 3)
    await seal(audit)
    proof = await audit.prove(organization, 2)
    assert proof.leaf == entry(organization, 1).leaf()
    assert merkle.verify_path(
        proof.leaf, index=proof.index, count=proof.count, path=proof.path, root=proof.root
    )
    with pytest.raises(SealedEntryNotFound):
        await audit.prove(organization, 3)


async def test_a_block_that_covers_other_transactions_than_its_neighbour_ends_at_is_named(
    db: Database, audit: AuditService, organization: OrganizationId, owner: asyncpg.Connection
) -> None:
    await two_blocks(db, audit, organization)
    await owner.execute("UPDATE audit_blocks SET xid_from = xid_from + 1 WHERE no = 2")
    flaw = (await audit.verify()).flaw
    assert flaw == Flaw(finding=Finding.BLOCK_ALTERED, block_no=2)


async def test_sealers_at_once_seal_each_entry_once_and_a_rollback_leaves_nothing(
    db: Database, audit: AuditService, organization: OrganizationId
) -> None:
    await write(db, audit, organization, 3)
    async with db.app_pool.connections.connect() as connection:
        await connection.execute(
            text("SELECT set_config('handbell.organization_id', :id, true)"),
            {"id": str(organization)},
        )
        await audit.record(connection, entry(organization))
        await connection.rollback()
    heads = await asyncio.gather(*(audit.seal_once(now=NOON) for _ in range(4)))
    found = await audit.verify()
    assert len([head for head in heads if head is not None]) == 1
    assert (found.intact, found.blocks, found.entries, found.unsealed) == (True, 1, 3, 0)
