"""Accounts and lines: which number or mailbox of ours belongs to whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from handbell.channels.providers import failures
from handbell.channels.tables import ProviderAccountRow, SenderLineRow
from handbell.channels.types import Baa, Line, Provider
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Channel

CHANNEL_OF_PROVIDER = {
    Provider.SENDGRID: Channel.EMAIL,
    Provider.TWILIO: Channel.SMS,
    Provider.WHATSAPP: Channel.WHATSAPP,
}
failure_of = failures.failure_of
_FIND_LINE = """
SELECT id, organization_id, account_id, channel, address FROM sender_lines
WHERE channel = $1 AND address = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentAccount:
    """An account whose credentials the environment holds; `lines` are its numbers or mailbox."""

    provider: Provider
    reference: str
    baa: Baa
    lines: tuple[str, ...]


async def ensure_accounts(
    tx: Tx,
    organization_id: OrganizationId,
    accounts: Iterable[EnvironmentAccount],
    *,
    now: datetime,
) -> None:
    """Make the organisation's accounts and lines the environment's, no more and no fewer: what
    the gate sees here, a worker has to have. Safe to repeat."""
    ensured = [
        (await _ensure_account(tx, organization_id, account, now=now), account)
        for account in accounts
    ]
    await _remove_others(tx, organization_id, ensured)
    for account_id, account in ensured:
        for address in account.lines:
            await tx.execute(
                insert(SenderLineRow)
                .values(
                    organization_id=organization_id,
                    account_id=account_id,
                    channel=CHANNEL_OF_PROVIDER[account.provider],
                    address=address,
                    created_at=now,
                )
                .on_conflict_do_nothing(index_elements=["channel", "address"])
            )


async def _remove_others(
    tx: Tx,
    organization_id: OrganizationId,
    ensured: Sequence[tuple[int, EnvironmentAccount]],
) -> None:
    account, line = ProviderAccountRow, SenderLineRow
    ids = [account_id for account_id, _ in ensured]
    lines = [(account_id, address) for account_id, one in ensured for address in one.lines]
    await tx.execute(
        delete(line).where(
            line.organization_id == organization_id,
            tuple_(line.account_id, line.address).not_in(lines),
        )
    )
    await tx.execute(
        delete(account).where(account.organization_id == organization_id, account.id.not_in(ids))
    )


async def _ensure_account(
    tx: Tx, organization_id: OrganizationId, account: EnvironmentAccount, *, now: datetime
) -> int:
    same = (
        ProviderAccountRow.provider == account.provider,
        ProviderAccountRow.reference == account.reference,
    )
    await tx.execute(
        insert(ProviderAccountRow)
        .values(
            organization_id=organization_id,
            provider=account.provider,
            reference=account.reference,
            baa=account.baa,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["provider", "reference"])
    )
    await tx.execute(update(ProviderAccountRow).where(*same).values(baa=account.baa))
    account_id: int = (await tx.execute(select(ProviderAccountRow.id).where(*same))).scalar_one()
    return account_id


async def find_line(direct: Direct, channel: Channel, address: str) -> Line | None:
    """Whose number or mailbox this is, over all organisations."""
    rows = await direct.rows(_FIND_LINE, channel, address)
    return _to_line(rows[0]) if rows else None


def _to_line(row: asyncpg.Record) -> Line:
    return Line(
        id=row["id"],
        organization_id=OrganizationId(row["organization_id"]),
        account_id=row["account_id"],
        channel=Channel(row["channel"]),
        address=row["address"],
    )
