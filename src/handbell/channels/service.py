"""Accounts and lines: with whom an organisation sends, and which number or mailbox is whose."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import delete, select, tuple_

from handbell.access.types import FIRST_ORGANIZATION
from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.channels import credentials as sealing
from handbell.channels import store
from handbell.channels.credentials import Credentials
from handbell.channels.errors import (
    AccountExists,
    AccountNotFound,
    AccountOfEnvironment,
    CredentialsOfAnother,
    LineNotFound,
    NothingToLend,
)
from handbell.channels.health import is_fault, is_too_fast
from handbell.channels.pace import paces
from handbell.channels.pauses import (
    find_line_in,
    is_paused,
    pauses_in_force,
    to_pause,
)
from handbell.channels.policy import check_line
from handbell.channels.providers.failures import failure_of
from handbell.channels.store import find_line, lines_in, providers_of_all
from handbell.channels.tables import ProviderAccountRow, SenderLineRow
from handbell.channels.types import CHANNEL_OF_PROVIDER, Account, Baa, Line, NewLine, Provider
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Channel

__all__ = [
    "CHANNEL_OF_PROVIDER",
    "AccountService",
    "EnvironmentAccount",
    "NewAccount",
    "Opened",
    "accounts_named",
    "accounts_of",
    "ensure_accounts",
    "failure_of",
    "find_line",
    "find_line_in",
    "is_fault",
    "is_paused",
    "is_too_fast",
    "line_for",
    "lines_in",
    "paces",
    "pauses_in_force",
    "providers_of_all",
    "to_pause",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentAccount:
    """An account whose credentials the environment holds; `lines` are its numbers or mailbox."""

    provider: Provider
    reference: str
    baa: Baa
    lines: tuple[NewLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to add. Without credentials it is the environment's, lent to the organisation:
    only an operator may say so."""

    provider: Provider
    reference: str
    baa: Baa
    credentials: Credentials | None
    lines: tuple[NewLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An account ready for use; None for credentials that the environment holds."""

    id: int
    organization_id: OrganizationId
    provider: Provider
    reference: str
    credentials: Credentials | None


def line_for(lines: Sequence[Line], channel: Channel, address_id: int) -> Line | None:
    """The line that an address is written to from: always the same while it exists, and a new
    line takes over its share only (rendezvous hashing)."""
    own = [line for line in lines if line.channel == channel]
    return max(own, key=lambda line: _weight(line.id, address_id), default=None)


def _weight(line_id: int, address_id: int) -> bytes:
    return blake2b(f"{line_id}:{address_id}".encode(), digest_size=8).digest()


async def accounts_of(
    direct: Direct, keys: KeyRing, organization_id: OrganizationId
) -> list[Opened]:
    """The organisation's accounts, ready to send with."""
    return [_open(keys, one) for one in await store.held_by(direct, organization_id)]


async def accounts_named(
    direct: Direct, keys: KeyRing, provider: Provider, reference: str
) -> list[Opened]:
    """Accounts with credentials of their own that a webhook may be about."""
    return [_open(keys, one) for one in await store.held_named(direct, provider, reference)]


async def on_environment(tx: Tx, provider: Provider) -> list[OrganizationId]:
    """Whoever sends through the environment's account: its own organisation and the borrowers.
    The transaction is the engine's."""
    row = ProviderAccountRow
    found = await tx.execute(
        select(row.organization_id)
        .where(row.provider == provider, row.credentials.is_(None))
        .order_by(row.organization_id)
        .distinct()
    )
    return [OrganizationId(one) for one in found.scalars()]


def _open(keys: KeyRing, held: store.Held) -> Opened:
    return Opened(
        id=held.id,
        organization_id=held.organization_id,
        provider=held.provider,
        reference=held.reference,
        credentials=None
        if held.sealed is None
        else sealing.unseal(keys, held.provider, held.reference, held.sealed),
    )


async def ensure_accounts(
    tx: Tx,
    organization_id: OrganizationId,
    accounts: Iterable[EnvironmentAccount],
    *,
    now: datetime,
) -> None:
    """Make the organisation's accounts without credentials, and their lines, the environment's,
    no more and no fewer: what the gate sees here, a worker has to have. Safe to repeat."""
    ensured = [
        (await _ensure_account(tx, organization_id, one, now=now), one.lines) for one in accounts
    ]
    await _remove_others(tx, organization_id, ensured)
    for account, lines in ensured:
        for line in lines:
            await store.ensure_line_in(tx, account, line, now=now)
            if line.tier is not None:
                await store.set_tier_in(tx, account.id, line.address, line.tier)


async def _remove_others(
    tx: Tx,
    organization_id: OrganizationId,
    ensured: Sequence[tuple[Account, Sequence[NewLine]]],
) -> None:
    account, line = ProviderAccountRow, SenderLineRow
    lines = [(one.id, given.address) for one, their in ensured for given in their]
    of_environment = (
        account.organization_id == organization_id,
        account.credentials.is_(None),
    )
    await tx.execute(
        delete(line).where(
            line.account_id.in_(select(account.id).where(*of_environment)),
            tuple_(line.account_id, line.address).not_in(lines),
        )
    )
    ids = [one.id for one, _ in ensured]
    await tx.execute(delete(account).where(*of_environment, account.id.not_in(ids)))


async def _ensure_account(
    tx: Tx, organization_id: OrganizationId, given: EnvironmentAccount | Account, *, now: datetime
) -> Account:
    account_id = await store.ensure_account_in(
        tx,
        {
            "organization_id": organization_id,
            "provider": given.provider,
            "reference": given.reference,
            "baa": given.baa,
            "created_at": now,
        },
    )
    return Account(
        id=account_id,
        organization_id=organization_id,
        provider=given.provider,
        reference=given.reference,
        baa=given.baa,
        is_of_environment=True,
        lines=(),
    )


class AccountService:
    """An organisation's accounts with providers; every change is in the audit log.

    Secrets go in and never come out.
    """

    def __init__(self, db: Database, keys: KeyRing, audit: AuditService) -> None:
        self.db = db
        self.keys = keys
        self.audit = audit

    async def list_all(
        self, organization_id: OrganizationId, *, limit: int, offset: int
    ) -> tuple[list[Account], int]:
        """A page of the accounts with their lines, and how many there are."""
        async with self.db.transaction(organization_id) as tx:
            return await store.list_in(tx, organization_id, limit=limit, offset=offset)

    async def get(self, organization_id: OrganizationId, account_id: int) -> Account:
        """Raises `AccountNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            return await self._get_in(tx, organization_id, account_id)

    async def add(
        self, organization_id: OrganizationId, new: NewAccount, *, actor: str, now: datetime
    ) -> Account:
        """Add an account with its lines.

        Raises `AccountExists`, `LineTaken` or `InvalidLine`; then nothing changed.
        """
        for line in new.lines:
            check_line(new.provider, line)
        async with self.db.transaction(organization_id) as tx:
            account_id = await store.add_account_in(
                tx,
                {
                    "organization_id": organization_id,
                    "provider": new.provider,
                    "reference": new.reference,
                    "baa": new.baa,
                    "credentials": self._sealed(new.reference, new.credentials),
                    "created_at": now,
                },
            )
            if account_id is None:
                raise AccountExists(
                    await store.id_of_in(tx, organization_id, new.provider, new.reference)
                )
            added = await self._get_in(tx, organization_id, account_id)
            for line in new.lines:
                await store.add_line_in(tx, added, line, now=now)
            await self._tell(tx, added, "added", actor=actor, now=now)
            return await self._get_in(tx, organization_id, account_id)

    async def lend(
        self,
        organization_id: OrganizationId,
        provider: Provider,
        line: NewLine,
        *,
        actor: str,
        now: datetime,
    ) -> Account:
        """Let an organisation send with the environment's account from a line of its own. For
        operators: the environment's provider bills whoever runs the installation.

        Raises `NothingToLend`, `InvalidLine` or `LineTaken`.
        """
        check_line(provider, line)
        async with self.db.transaction(FIRST_ORGANIZATION) as tx:
            lender = await store.of_environment_in(tx, FIRST_ORGANIZATION, provider)
        if lender is None:
            raise NothingToLend(provider)
        async with self.db.transaction(organization_id) as tx:
            account = await _ensure_account(tx, organization_id, lender, now=now)
            line_id = await store.add_line_in(tx, account, line, now=now)
            await self._tell(tx, account, "line_added", actor=actor, now=now, line_id=line_id)
            return await self._get_in(tx, organization_id, account.id)

    async def change(
        self,
        organization_id: OrganizationId,
        account_id: int,
        *,
        baa: Baa | None,
        credentials: Credentials | None,
        actor: str,
        now: datetime,
    ) -> Account:
        """Give an account new credentials or another agreement; None leaves what there is.

        Workers use the new credentials from their next batch on. Raises `AccountNotFound`,
        `AccountOfEnvironment` or `CredentialsOfAnother`.
        """
        async with self.db.transaction(organization_id) as tx:
            account = await self._own_in(tx, organization_id, account_id)
            values: dict[str, Any] = {}
            if baa is not None:
                values["baa"] = baa
            if credentials is not None:
                if sealing.provider_of(credentials) is not account.provider:
                    raise CredentialsOfAnother(account.provider)
                values["credentials"] = self._sealed(account.reference, credentials)
            if values:
                await store.change_account_in(tx, account_id, values)
                fields = ",".join(sorted(values))
                await self._tell(tx, account, "changed", actor=actor, now=now, fields=fields)
            return await self._get_in(tx, organization_id, account_id)

    async def remove(
        self, organization_id: OrganizationId, account_id: int, *, actor: str, now: datetime
    ) -> None:
        """Remove an account and its lines. Messages that would need it are refused from then
        on, with `no_sender`."""
        async with self.db.transaction(organization_id) as tx:
            account = await self._own_in(tx, organization_id, account_id)
            await store.remove_account_in(tx, account_id)
            await self._tell(tx, account, "removed", actor=actor, now=now)

    async def add_line(
        self,
        organization_id: OrganizationId,
        account_id: int,
        line: NewLine,
        *,
        actor: str,
        now: datetime,
    ) -> Account:
        """Raises `AccountNotFound`, `AccountOfEnvironment`, `InvalidLine` or `LineTaken`."""
        async with self.db.transaction(organization_id) as tx:
            account = await self._own_in(tx, organization_id, account_id)
            check_line(account.provider, line)
            line_id = await store.add_line_in(tx, account, line, now=now)
            await self._tell(tx, account, "line_added", actor=actor, now=now, line_id=line_id)
            return await self._get_in(tx, organization_id, account_id)

    async def remove_line(
        self,
        organization_id: OrganizationId,
        account_id: int,
        line_id: int,
        *,
        actor: str,
        now: datetime,
    ) -> None:
        """Raises `AccountNotFound`, `AccountOfEnvironment` or `LineNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            account = await self._own_in(tx, organization_id, account_id)
            if not await store.remove_line_in(tx, account_id, line_id):
                raise LineNotFound(line_id)
            await self._tell(tx, account, "line_removed", actor=actor, now=now, line_id=line_id)

    def _sealed(self, reference: str, credentials: Credentials | None) -> bytes | None:
        if credentials is None:
            return None
        return sealing.seal(self.keys, reference, credentials)

    async def _get_in(self, tx: Tx, organization_id: OrganizationId, account_id: int) -> Account:
        found = await store.get_in(tx, organization_id, account_id)
        if found is None:
            raise AccountNotFound(account_id)
        return found

    async def _own_in(self, tx: Tx, organization_id: OrganizationId, account_id: int) -> Account:
        account = await self._get_in(tx, organization_id, account_id)
        if account.is_of_environment:
            raise AccountOfEnvironment(account_id)
        return account

    async def _tell(
        self,
        tx: Tx,
        account: Account,
        what: str,
        *,
        actor: str,
        now: datetime,
        **more: int | str,
    ) -> None:
        entry = AuditEntry(
            organization_id=account.organization_id,
            at=now,
            actor=actor,
            action=f"provider_account.{what}",
            subject={"account_id": account.id, **more},
        )
        await self.audit.record(tx, entry)
