"""The rows of accounts and lines are the environment's, no more and no fewer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from handbell.channels.service import EnvironmentAccount, ensure_accounts
from handbell.channels.types import Baa, NewLine, Provider
from handbell.platform.db import Database, OrganizationId

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
SMS = "+12025550100"
LINES = (
    "SELECT a.provider, a.reference, l.address FROM provider_accounts a"
    " LEFT JOIN sender_lines l ON l.account_id = a.id WHERE a.organization_id = :id"
    " ORDER BY a.provider, l.address"
)


def account(
    reference: str, *lines: str, provider: Provider = Provider.TWILIO
) -> EnvironmentAccount:
    return EnvironmentAccount(
        provider=provider,
        reference=reference,
        baa=Baa.NOT_REQUIRED,
        lines=tuple(NewLine(address=line) for line in lines),
    )


async def after(
    db: Database, organization: OrganizationId, accounts: Sequence[EnvironmentAccount]
) -> list[Any]:
    async with db.engine_transaction() as tx:
        await ensure_accounts(tx, organization, accounts, now=NOW)
        return [tuple(row) for row in await tx.execute(text(LINES), {"id": organization})]


async def test_a_number_stays_when_the_account_behind_it_changes(
    db: Database, organization: OrganizationId
) -> None:
    assert await after(db, organization, [account("AC-sandbox", SMS)]) == [
        ("twilio", "AC-sandbox", SMS)
    ]
    assert await after(db, organization, [account("AC-real", SMS)]) == [("twilio", "AC-real", SMS)]


async def test_what_the_environment_names_no_longer_is_gone(
    db: Database, organization: OrganizationId
) -> None:
    mail = account("care@example.org", "care@example.org", provider=Provider.SENDGRID)
    await after(db, organization, [account("AC-1", SMS), mail])
    changed = [account("AC-1", "+12025550101")]
    for _ in range(2):
        found = await after(db, organization, changed)
        assert found == [("twilio", "AC-1", "+12025550101")]
    assert await after(db, organization, [account("AC-1")]) == [("twilio", "AC-1", None)]


async def test_another_organisations_accounts_are_left_alone(
    db: Database, organization: OrganizationId, other_organization: OrganizationId
) -> None:
    theirs = await after(db, other_organization, [account("AC-theirs", "+12025550102")])
    await after(db, organization, [account("AC-ours", SMS)])
    async with db.engine_transaction() as tx:
        rows = await tx.execute(text(LINES), {"id": other_organization})
    assert [tuple(row) for row in rows] == theirs
