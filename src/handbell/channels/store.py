"""The rows of accounts and lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.channels.errors import LineTaken
from handbell.channels.tables import ProviderAccountRow, SenderLineRow
from handbell.channels.types import CHANNEL_OF_PROVIDER, Account, Baa, Line, NewLine, Provider
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Channel

_FIND_LINE: Final = """
SELECT id, organization_id, account_id, channel, address, reference FROM sender_lines
WHERE channel = $1 AND address = $2
"""
_ACCOUNTS_OF: Final = """
SELECT id, organization_id, provider, reference, credentials FROM provider_accounts
WHERE organization_id = $1
"""
_ACCOUNTS_NAMED: Final = """
SELECT id, organization_id, provider, reference, credentials FROM provider_accounts
WHERE provider = $1 AND reference = $2 AND credentials IS NOT NULL
"""
_ACCOUNT = ProviderAccountRow
_ROW = SenderLineRow


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Held:
    """An account with its credentials as they are kept; None for the environment's."""

    id: int
    organization_id: OrganizationId
    provider: Provider
    reference: str
    sealed: bytes | None


async def find_line(direct: Direct, channel: Channel, address: str) -> Line | None:
    rows = await direct.rows(_FIND_LINE, channel, address)
    return _to_line(rows[0]) if rows else None


async def providers_of_all(direct: Direct) -> list[tuple[int, Provider]]:
    """Every organisation's accounts: id and provider. For figures that name nobody."""
    rows = await direct.rows("SELECT id, provider FROM provider_accounts ORDER BY id")
    return [(row["id"], Provider(row["provider"])) for row in rows]


async def held_by(direct: Direct, organization_id: OrganizationId) -> list[Held]:
    return [_to_held(row) for row in await direct.rows(_ACCOUNTS_OF, organization_id)]


async def held_named(direct: Direct, provider: Provider, reference: str) -> list[Held]:
    """Accounts of this name, whoever's; two organisations may share one."""
    return [_to_held(row) for row in await direct.rows(_ACCOUNTS_NAMED, provider, reference)]


async def lines_in(tx: Tx, organization_id: OrganizationId) -> list[Line]:
    """The organisation's lines, oldest first."""
    statement = (
        select(_ROW.__table__).where(_ROW.organization_id == organization_id).order_by(_ROW.id)
    )
    return [_to_line(row._mapping) for row in await tx.execute(statement)]  # noqa: SLF001


async def list_in(
    tx: Tx, organization_id: OrganizationId, *, limit: int, offset: int
) -> tuple[list[Account], int]:
    """A page of the organisation's accounts with their lines, and how many there are."""
    mine = _ACCOUNT.organization_id == organization_id
    total = (await tx.execute(select(func.count()).select_from(_ACCOUNT).where(mine))).scalar_one()
    statement = (
        select(_ACCOUNT.__table__).where(mine).order_by(_ACCOUNT.id).limit(limit).offset(offset)
    )
    rows = (await tx.execute(statement)).all()
    lines = await lines_in(tx, organization_id)
    return [_to_account(row, lines) for row in rows], total


async def get_in(tx: Tx, organization_id: OrganizationId, account_id: int) -> Account | None:
    mine = (_ACCOUNT.id == account_id, _ACCOUNT.organization_id == organization_id)
    row = (await tx.execute(select(_ACCOUNT.__table__).where(*mine))).one_or_none()
    return _to_account(row, await lines_in(tx, organization_id)) if row is not None else None


async def of_environment_in(
    tx: Tx, organization_id: OrganizationId, provider: Provider
) -> Account | None:
    """The account whose credentials the environment holds."""
    statement = select(_ACCOUNT.__table__).where(
        _ACCOUNT.organization_id == organization_id,
        _ACCOUNT.provider == provider,
        _ACCOUNT.credentials.is_(None),
    )
    row = (await tx.execute(statement)).first()
    return _to_account(row, ()) if row is not None else None


async def add_account_in(tx: Tx, values: Mapping[str, Any]) -> int | None:
    """The new account's id; None where the organisation has one of that reference."""
    statement = (
        insert(_ACCOUNT)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["organization_id", "provider", "reference"])
        .returning(_ACCOUNT.id)
    )
    account_id: int | None = (await tx.execute(statement)).scalar_one_or_none()
    return account_id


async def ensure_account_in(tx: Tx, values: Mapping[str, Any]) -> int:
    """The account's id, made where it is new; the environment's words replace what stands."""
    new = insert(_ACCOUNT).values(**values)
    statement = new.on_conflict_do_update(
        index_elements=["organization_id", "provider", "reference"],
        set_={"baa": new.excluded.baa, "credentials": None},
    ).returning(_ACCOUNT.id)
    account_id: int = (await tx.execute(statement)).scalar_one()
    return account_id


async def id_of_in(
    tx: Tx, organization_id: OrganizationId, provider: Provider, reference: str
) -> int:
    statement = select(_ACCOUNT.id).where(
        _ACCOUNT.organization_id == organization_id,
        _ACCOUNT.provider == provider,
        _ACCOUNT.reference == reference,
    )
    account_id: int = (await tx.execute(statement)).scalar_one()
    return account_id


async def change_account_in(tx: Tx, account_id: int, values: Mapping[str, Any]) -> None:
    await tx.execute(update(_ACCOUNT).where(_ACCOUNT.id == account_id).values(**values))


async def remove_account_in(tx: Tx, account_id: int) -> None:
    await tx.execute(delete(_ROW).where(_ROW.account_id == account_id))
    await tx.execute(delete(_ACCOUNT).where(_ACCOUNT.id == account_id))


async def add_line_in(tx: Tx, account: Account, line: NewLine, *, now: datetime) -> int:
    """Raises `LineTaken`, whoever has it."""
    line_id = await ensure_line_in(tx, account, line, now=now)
    if line_id is None:
        raise LineTaken
    return line_id


async def ensure_line_in(tx: Tx, account: Account, line: NewLine, *, now: datetime) -> int | None:
    """The new line's id; None where somebody has that number or mailbox."""
    statement = (
        insert(_ROW)
        .values(
            organization_id=account.organization_id,
            account_id=account.id,
            channel=CHANNEL_OF_PROVIDER[account.provider],
            address=line.address,
            reference=line.reference,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["channel", "address"])
        .returning(_ROW.id)
    )
    line_id: int | None = (await tx.execute(statement)).scalar_one_or_none()
    return line_id


async def set_tier_in(tx: Tx, account_id: int, address: str, tier: str) -> None:
    mine = (_ROW.account_id == account_id, _ROW.address == address)
    await tx.execute(update(_ROW).where(*mine).values(tier=tier))


async def remove_line_in(tx: Tx, account_id: int, line_id: int) -> bool:
    mine = (_ROW.id == line_id, _ROW.account_id == account_id)
    removed = await tx.execute(delete(_ROW).where(*mine).returning(_ROW.id))
    return removed.one_or_none() is not None


def _to_account(row: Row[Any], lines: Sequence[Line]) -> Account:
    return Account(
        id=row.id,
        organization_id=OrganizationId(row.organization_id),
        provider=Provider(row.provider),
        reference=row.reference,
        baa=Baa(row.baa),
        is_of_environment=row.credentials is None,
        lines=tuple(line for line in lines if line.account_id == row.id),
    )


def _to_held(row: asyncpg.Record) -> Held:
    return Held(
        id=row["id"],
        organization_id=OrganizationId(row["organization_id"]),
        provider=Provider(row["provider"]),
        reference=row["reference"],
        sealed=row["credentials"],
    )


def _to_line(row: Mapping[Any, Any] | asyncpg.Record) -> Line:
    return Line(
        id=row["id"],
        organization_id=OrganizationId(row["organization_id"]),
        account_id=row["account_id"],
        channel=Channel(row["channel"]),
        address=row["address"],
        reference=row["reference"],
    )
