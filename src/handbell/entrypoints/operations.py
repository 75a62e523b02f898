"""What the operators' commands do: open what they need, ask one service, close."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

import asyncpg

from handbell.access.types import FIRST_ORGANIZATION, Role
from handbell.audit.types import AuditEntry
from handbell.channels.types import Account, NewLine, Provider
from handbell.entrypoints.bootstrap import Runtime, database_urls, open_runtime
from handbell.messages.service import Language
from handbell.migrations import service as migrations
from handbell.platform.db import OrganizationId
from handbell.platform.errors import InvalidError
from handbell.platform.lines import as_name
from handbell.platform.settings import Settings


class RoleUnknown(InvalidError):
    """Raised for a role that does not exist."""

    code = "role_unknown"


class LanguageUnknown(InvalidError):
    """Raised for a language in which there are no words."""

    code = "language_unknown"


def as_language(name: str) -> Language:
    """The language of that code. Raises `LanguageUnknown`."""
    if name not in set(Language):
        known = ", ".join(Language)
        raise LanguageUnknown(f"There are no words in {name!r}; there are in {known}.")
    return Language(name)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Runtime]:
    """The assembled product, closed again at the end."""
    runtime = open_runtime(settings)
    try:
        yield runtime
    finally:
        await runtime.close()


async def migrate(settings: Settings) -> dict[str, Any]:
    """Upgrade the database and name the revision it is at."""
    urls = database_urls(settings)
    key = settings.encryption_key.get_secret_value()
    return {"revision": await migrations.migrate(urls.owner, encryption_key=key)}


async def create_organization(settings: Settings, *, name: str) -> dict[str, Any]:
    usable = as_name(name)
    async with opened(settings) as rt:
        created = await rt.organizations.create(name=usable, now=await rt.clock.now())
    return {"id": created.id, "name": created.name}


async def create_api_key(settings: Settings, *, org: int, name: str, role: str) -> dict[str, Any]:
    """Create a key; `key` in the answer is the only time it is shown."""
    if role not in set(Role):
        raise RoleUnknown(f"There is no role {role!r}; roles are {', '.join(Role)}.")
    usable = as_name(name)
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        created = await rt.access.create_api_key(
            organization.id, name=usable, role=Role(role), now=await rt.clock.now()
        )
    return {"organization_id": org, "name": usable, "role": role, "key": created.key}


class ProviderUnknown(InvalidError):
    """Raised for a provider whose API we do not speak."""

    code = "provider_unknown"


async def list_accounts(settings: Settings, *, org: int) -> dict[str, Any]:
    """The accounts of an organisation with their lines."""
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        found, total = await rt.provider_accounts.list_all(organization.id, limit=1000, offset=0)
    return {"total": total, "accounts": [_account(one) for one in found]}


async def lend_account(
    settings: Settings, *, org: int, provider: str, line: NewLine
) -> dict[str, Any]:
    """Give the organisation a line on the environment's account."""
    if provider not in set(Provider):
        raise ProviderUnknown(f"There is no provider {provider!r}: {', '.join(Provider)}.")
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        lent = await rt.provider_accounts.lend(
            organization.id, Provider(provider), line, actor="operator", now=await rt.clock.now()
        )
        if provider == Provider.WHATSAPP:
            await rt.approvals.share(FIRST_ORGANIZATION, borrower=organization.id)
    return _account(lent)


def _account(account: Account) -> dict[str, Any]:
    """As the API shows it."""
    lines = [
        {"id": one.id, "channel": one.channel, "address": one.address, "reference": one.reference}
        for one in account.lines
    ]
    return {
        "id": account.id,
        "provider": account.provider,
        "reference": account.reference,
        "baa": account.baa,
        "is_of_environment": account.is_of_environment,
        "lines": lines,
    }


async def explain(
    settings: Settings, *, org: int, message: int, language: Language
) -> dict[str, Any]:
    """The receipt of one message; the read is in the audit log."""
    async with opened(settings) as rt:
        organization_id = OrganizationId(org)
        told = await rt.messages.explain(organization_id, message, language=language)
        entry = AuditEntry(
            organization_id=organization_id,
            at=await rt.clock.now(),
            actor="operator",
            action="messages.explained",
            subject={"message_id": message},
        )
        async with rt.db.transaction(organization_id) as tx:
            await rt.audit.record(tx, entry)
    return told


async def replay_receipts(
    settings: Settings, *, since: datetime | None, limit: int | None
) -> dict[str, Any]:
    """Decide stored receipts again; `differences` name those that answer otherwise."""
    async with opened(settings) as rt:
        found = await rt.messages.replay_receipts(
            since=since, limit=limit, progress=_told_on_stderr("messages")
        )
    return {"genuine": found.is_genuine, **asdict(found)}


async def replan(settings: Settings, *, org: int, everything: bool) -> dict[str, Any]:
    """Plan anew what waits and was planned with other rules or zone data, or all that waits."""
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        found = await rt.replanner.replan_through(
            organization.id,
            only_outdated=not everything,
            now=await rt.clock.now(),
            progress=lambda done: print(f"{done} messages", file=sys.stderr),
        )
    return {"organization_id": org, **asdict(found)}


async def simulate(settings: Settings, *, org: int, days: int) -> dict[str, Any]:
    """What would leave in the next days if nothing changed; nothing is stored."""
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        found = await rt.forecasts.forecast(organization.id, days=days, now=await rt.clock.now())
    return {"organization_id": org, **asdict(found)}


def forecast_in_words(told: dict[str, Any]) -> dict[str, Any]:
    """A line for each day and channel, and one for each reason."""
    lists = ("sends", "refusals", "delays")
    words = {name: value for name, value in told.items() if name not in lists}
    words |= {f"{one['day']} {one['channel']}": one["sends"] for one in told["sends"]}
    for name in ("refusals", "delays"):
        words |= {f"{name} {reason}": count for reason, count in told[name].items()}
    return words


def _told_on_stderr(what: str) -> Callable[[int, int], None]:
    """Progress for a person: the answer itself goes to the standard output."""

    def tell(done: int, total: int) -> None:
        print(f"{done} of {total} {what}", file=sys.stderr)

    return tell


def replay_in_words(found: dict[str, Any]) -> dict[str, Any]:
    """The counts, and one line for each receipt that differs."""
    lines = {
        f"message {one['message_id']}"
        + (f", attempt {one['attempt_no']}" if one["attempt_no"] else ""): ", ".join(one["gates"])
        for one in found["differences"]
    }
    return {name: value for name, value in found.items() if name != "differences"} | lines


def in_words(told: dict[str, Any]) -> dict[str, Any]:
    """The receipt's sentences, without its data."""
    return {
        "message": told["message_id"],
        "summary": told["summary"],
        "reasons": "; ".join(one["words"] for one in told["reasons"]) or "none against it",
        "decided at": told["decided_at"],
        "planned at": told["planned_at"],
        "attempts": ", ".join(
            f"{one['outcome'] or 'in flight'} at {one['started_at']}" for one in told["attempts"]
        )
        or "none yet",
    }


async def examine(settings: Settings) -> dict[str, Any]:
    """Say for each part whether it answers; `ok` only if all do."""
    urls = database_urls(settings)
    parts = {
        f"database_as_{role}": await _connects(url)
        for role, url in (("owner", urls.owner), ("app", urls.app), ("engine", urls.engine))
    }
    return {"ok": all(word == "ok" for word in parts.values()), **parts}


async def _connects(url: str) -> str:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as why:
        return f"does not answer ({type(why).__name__})"
    await connection.close()
    return "ok"


async def verify_audit(settings: Settings) -> dict[str, Any]:
    """Check every entry and block; `flaw` names the first altered or missing one."""
    async with opened(settings) as rt:
        found = await rt.audit.verify()
    return {"intact": found.intact, **asdict(found, dict_factory=_shown)}


async def verify_consent(settings: Settings) -> dict[str, Any]:
    """Check the ledger of every address; `flaws` name the first altered entry of each. The
    audit log, which witnesses the entries, is checked with them."""
    async with opened(settings) as rt:
        found = await rt.consent.verify_all()
        is_log_intact = (await rt.audit.verify()).intact
    intact = is_log_intact and not found.flaws
    return {"intact": intact, "audit_intact": is_log_intact, **asdict(found)}


async def dead_webhooks(settings: Settings, *, org: int, limit: int) -> dict[str, Any]:
    """The newest callbacks that were given up, and how many there are."""
    async with opened(settings) as rt:
        found, total = await rt.dead_webhooks.list_dead(OrganizationId(org), limit=limit, offset=0)
    return {"total": total, "dead": [asdict(one) for one in found]}


async def replay_webhook(settings: Settings, *, org: int, webhook: int) -> dict[str, Any]:
    """Have one applied again."""
    async with opened(settings) as rt:
        now = await rt.clock.now()
        organization_id = OrganizationId(org)
        await rt.dead_webhooks.replay(organization_id, webhook, actor="operator", now=now)
    return {"replayed": webhook}


def _shown(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Hashes in hexadecimal, to be noted and compared."""
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in fields}
